//! The command lines of ssh(1): what every call has in common, whatever the user's `ssh_config` says.

use super::{
    connection::{Description, Master},
    on_terminal,
    script::Script,
    settings::SshSettings,
};
use crate::{Command, ReachError};
use std::{path::Path, time::Duration};

/// How long asking the local ssh may take: it answers without the network, but `ssh_config` may run programs (`Match exec`).
const ASKING_LIMIT: Duration = Duration::from_secs(20);

/// How long a connection of a person's stays after its last use: a working day.
pub(super) const PERSONS_CONNECTION_STAYS: Duration = Duration::from_hours(8);
/// How long one of ours stays.
pub(super) const OUR_CONNECTION_STAYS: Duration = Duration::from_mins(10);

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

fn jumping(command: Command, jump: Option<&str>) -> Command {
    match jump {
        Some(jump) => command.argument("-J").argument(jump),
        None => command,
    }
}

/// Asks ssh how it would reach a host.
pub(super) fn describe(settings: &SshSettings, host: &str) -> Command {
    ssh(settings).arguments(["-G", "--", host])
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
fn attached(settings: &SshSettings, connection: &Master) -> Command {
    let command = control(ssh(settings), &connection.way.control_path);
    command.arguments(["-o", "ControlMaster=no", "-o", "ProxyCommand=false"])
}

/// Runs a script over the connection: it is what the session reads first.
pub(super) fn session(settings: &SshSettings, connection: &Master, script: &Script) -> Result<Command, ReachError> {
    let command = attached(settings, connection).arguments(["-T", "--", &connection.host]);
    Ok(command.argument(script.reader()?).standard_input(script.bytes()))
}

/// Runs a command over the connection, on the terminal of this process.
pub(super) fn terminal(settings: &SshSettings, connection: &Master, command: &Command) -> Result<Command, ReachError> {
    let word = on_terminal::word(command)?;
    Ok(attached(settings, connection).arguments(["-t", "--", &connection.host, &word]))
}

/// Opens a master connection that stays for a while after its last use. What ssh says goes into a file: the connection
/// outlives us and would keep our pipes.
pub(super) fn open(settings: &SshSettings, host: &str, way: &Description, said: &Path) -> Command {
    let ssh = jumping(control(ssh(settings), &way.control_path), way.jump.as_deref())
        .arguments(["-o", "ControlMaster=yes", "-o"])
        .argument(persists("ControlPersist=", OUR_CONNECTION_STAYS))
        .arguments(["-o", "ConnectTimeout=20"])
        .arguments(["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3", "-N", "-f", "--", host]);
    Command::new("sh")
        .arguments(["-c", "said=$1; shift; exec \"$@\" >\"$said\" 2>&1", "sh"])
        .argument(said.display().to_string())
        .argument("ssh")
        .arguments(ssh.arguments)
}

fn persists(option: &str, after: Duration) -> String {
    format!("{option}{}m", after.as_secs() / 60)
}

/// What a person types to open the connection.
pub(super) fn for_a_person(settings: &SshSettings, host: &str, way: &Description) -> String {
    let own_path = way.is_own.then_some(&way.control_path);
    let mut words = vec!["ssh -M -N -f".to_owned()];
    words.extend(settings.configuration.as_ref().map(|file| format!("-F {}", file.display())));
    words.extend(own_path.map(|path| format!("-o ControlPath={}", path.display())));
    words.extend((!way.persists).then(|| persists("-o ControlPersist=", PERSONS_CONNECTION_STAYS)));
    words.extend(way.jump.as_ref().map(|jump| format!("-J {jump}")));
    words.push(host.to_owned());
    words.join(" ")
}
