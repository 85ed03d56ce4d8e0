//! The command lines of ssh(1): what every call has in common, whatever the user's `ssh_config` says.

use super::{connection::Connection, script::Script, settings::SshSettings};
use crate::{Command, ReachError};
use std::{path::Path, time::Duration};

/// How long asking the local ssh may take: it answers without the network, but `ssh_config` may run programs (`Match exec`).
const ASKING_LIMIT: Duration = Duration::from_secs(20);

/// No question is asked, an unknown host is no host of ours, and nothing of the user's leaves this machine: some sites
/// forbid keys and agents on theirs. What `ssh_config` asks for beside the connection is left out.
const EVERYWHERE: &[&str] = &[
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    // Less than that leaves out why it failed, more prints banners.
    "LogLevel=ERROR",
];

/// `ssh` with what every call has in common.
fn ssh(settings: &SshSettings) -> Command {
    let mut command = Command::new("ssh");
    if let Some(file) = &settings.configuration {
        command = command.argument("-F").argument(file.display().to_string());
    }
    for option in EVERYWHERE {
        command = command.argument("-o").argument(*option);
    }
    command.time_limit(ASKING_LIMIT)
}

fn jumping(command: Command, settings: &SshSettings) -> Command {
    match &settings.jump {
        Some(jump) => command.argument("-J").argument(jump),
        None => command,
    }
}

/// Asks ssh how it would reach a host.
pub(super) fn describe(settings: &SshSettings, host: &str) -> Command {
    jumping(ssh(settings), settings).arguments(["-G", "--", host])
}

/// Asks the master connection whether it lives.
pub(super) fn check(settings: &SshSettings, host: &str, control_path: &Path) -> Command {
    control(ssh(settings), control_path).arguments(["-O", "check", "--", host])
}

fn control(command: Command, path: &Path) -> Command {
    command.argument("-o").argument(format!("ControlPath={}", path.display()))
}

/// A session over the master connection. Where that is gone, ssh would connect by itself, and perhaps ask: it is given a way
/// that leads nowhere.
fn attached(settings: &SshSettings, connection: &Connection) -> Command {
    let command = control(ssh(settings), &connection.control_path);
    command.arguments(["-o", "ControlMaster=no", "-o", "ProxyCommand=exit 255"])
}

/// Runs a script over the connection.
pub(super) fn session(settings: &SshSettings, connection: &Connection, script: &Script) -> Result<Command, ReachError> {
    let command = attached(settings, connection).arguments(["-T", "--", &connection.host]);
    Ok(command.argument(script.wrapped()?))
}

/// Runs a script over the connection, on the terminal of this process.
pub(super) fn terminal(
    settings: &SshSettings,
    connection: &Connection,
    script: &Script,
) -> Result<Command, ReachError> {
    let command = attached(settings, connection).arguments(["-t", "--", &connection.host]);
    Ok(command.argument(script.wrapped()?))
}

/// Opens a master connection that stays for a while after its last use. What ssh says goes into a file: the connection
/// outlives us and would keep our pipes.
pub(super) fn open(settings: &SshSettings, host: &str, control_path: &Path, said: &Path) -> Command {
    let ssh = jumping(control(ssh(settings), control_path), settings)
        .arguments(["-o", "ControlMaster=yes", "-o", "ControlPersist=10m", "-o", "ConnectTimeout=20"])
        .arguments(["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3", "-N", "-f", "--", host]);
    Command::new("sh")
        .arguments(["-c", "said=$1; shift; exec \"$@\" >\"$said\" 2>&1", "sh"])
        .argument(said.display().to_string())
        .argument("ssh")
        .arguments(ssh.arguments)
}

/// What a person types to open the connection. `persists` where `ssh_config` lets it live on without a terminal.
pub(super) fn for_a_person(settings: &SshSettings, host: &str, own_path: Option<&Path>, persists: bool) -> String {
    let mut words = vec!["ssh -M -N -f".to_owned()];
    words.extend(settings.configuration.as_ref().map(|file| format!("-F {}", file.display())));
    words.extend(own_path.map(|path| format!("-o ControlPath={}", path.display())));
    words.extend((!persists).then(|| "-o ControlPersist=8h".to_owned()));
    words.extend(settings.jump.as_ref().map(|jump| format!("-J {jump}")));
    words.push(host.to_owned());
    words.join(" ")
}
