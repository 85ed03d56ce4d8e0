//! An OpenSSH server of a test's own: a login node behind a second factor, a banner and a talkative shell.

use std::fs::Permissions;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::{io::Errno, net};
use tempfile::TempDir;

use crate::command::{log_tail, run};
use crate::error::{LabError, file_error};
use crate::files::make_folder;
use crate::ports::free_ports;
use crate::process::{Process, processes};
use crate::users::entry_of;
use crate::wait::wait_for;

/// How long the server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What its log says once it does.
const LISTENS: &str = "Server listening on";

/// How many ports are tried.
const TRIES: usize = 10;

/// Debian's package has it there; sshd wants to be called by its whole path (it starts itself again for each connection).
const PROGRAM: &str = "/usr/sbin/sshd";

/// What a login node is like.
#[derive(Debug, Clone, Default)]
pub struct LoginNode {
    /// What sshd shows before a login.
    pub banner: Option<String>,
    /// What the shell prints at the start of every session, asked or not.
    pub greeting: Option<String>,
    /// The second factor: a word that is asked for after the key was accepted.
    pub second_factor: Option<String>,
    /// Variables of every session.
    pub environment: Vec<(String, String)>,
    /// How many sessions it lets through one connection; sshd's own number where none is given.
    pub most_sessions: Option<u32>,
}

/// A running server, which ends with the value, and the connections to it.
#[derive(Debug)]
pub struct Sshd {
    folder: TempDir,
    user: String,
    port: u16,
    server: Child,
    /// Holds the port while the server is stopped.
    held: Option<OwnedFd>,
}

impl Sshd {
    /// Starts a server on a free port that lets in `user`, who must be the caller unless the caller is root.
    pub fn start(user: &str, node: &LoginNode) -> Result<Self, LabError> {
        let folder = tempfile::Builder::new().prefix("pakt-sshd-").tempdir().map_err(file_error("making", "/tmp"))?;
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755))
            .map_err(file_error("opening", folder.path()))?;
        make_keys(folder.path(), user)?;
        if let Some(word) = &node.second_factor {
            set_password(user, word)?;
        }
        // Debian's init script makes it for the package's own server (sshd(8), privilege separation).
        if rustix::process::geteuid().is_root() {
            make_folder(Path::new("/run/sshd"), 0o755)?;
        }
        // A port that is free may be taken by another test before the server has it.
        let mut taken = Vec::new();
        loop {
            let port = free_ports(folder.path(), 1, &taken)?;
            write(&folder.path().join("sshd_config"), &configured(folder.path(), port, node)?)?;
            match start(folder.path()) {
                Ok(server) => return Ok(Self { folder, user: user.to_owned(), port, server, held: None }),
                Err(LabError::Ended { log, .. }) if log.contains("Address already in use") && taken.len() < TRIES => {
                    taken.push(port);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What an `ssh_config` says of this server under a name. Further lines come first, so that they count.
    pub fn host_block(&self, alias: &str, more: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            "Host {alias}\n{more}  HostName 127.0.0.1\n  HostKeyAlias login\n  Port {}\n  User {}\n  IdentityFile {folder}/key\n  \
             IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known_hosts\n",
            self.port, self.user
        )
    }

    /// The server's own log.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// How often somebody connected, let in or not.
    pub fn attempts(&self) -> Result<usize, LabError> {
        self.lines_that_begin("Connection from")
    }

    /// How often somebody was let in.
    pub fn logins(&self) -> Result<usize, LabError> {
        Ok(self.lines_that_begin("Accepted publickey for")? + self.lines_that_begin("Accepted password for")?)
    }

    /// How often a session was refused because the connection had as many as it may have.
    pub fn refused_sessions(&self) -> Result<usize, LabError> {
        self.lines_that_begin("no more sessions")
    }

    fn lines_that_begin(&self, word: &str) -> Result<usize, LabError> {
        lines_that_begin(&self.log(), word)
    }

    /// Ends the server and every connection to it, at once. Its port is nobody else's until it is started again, and refuses.
    pub fn stop(&mut self) {
        self.end(|_| true);
        self.held = held(self.port).ok();
    }

    /// As [`Self::stop`], and the commands of its sessions go on, as they do where a line breaks.
    pub fn cut(&mut self) {
        // Newer ones serve each connection by a program of its own.
        self.end(|process| process.runs("sshd") || process.runs("sshd-session"));
        self.held = held(self.port).ok();
    }

    /// Ends the server and, of what came of it, the processes that are to end.
    fn end(&mut self, is_to_end: impl Fn(&Process) -> bool) {
        let own = i32::try_from(self.server.id()).ok();
        let mut ending: Vec<_> = own.into_iter().collect();
        // The processes of connections have sessions of their own; they are found by who started them.
        if let Ok(all) = processes() {
            let mut next = 0;
            while let Some(parent) = ending.get(next).copied() {
                let children = all.iter().filter(|process| process.parent() == parent && is_to_end(process));
                ending.extend(children.map(Process::number));
                next += 1;
            }
        }
        for id in ending.into_iter().filter_map(rustix::process::Pid::from_raw) {
            // One that has just ended by itself is as good.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
        let _ = self.server.wait();
    }

    /// Starts the server again, on the same port and with the same keys.
    pub fn start_again(&mut self) -> Result<(), LabError> {
        self.held = None;
        self.server = start(self.folder.path())?;
        Ok(())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.end(|_| true);
    }
}

/// A port that is taken and does not listen. Where a connection of before is not forgotten yet, it cannot be held.
fn held(port: u16) -> Result<OwnedFd, Errno> {
    let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None)?;
    net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    Ok(socket)
}

/// Starts a server and waits until it says that it listens: at its port another one may answer.
fn start(folder: &Path) -> Result<Child, LabError> {
    let log = folder.join("log");
    let output = std::fs::File::options().create(true).append(true).open(&log).map_err(file_error("opening", &log))?;
    let earlier = lines_that_begin(&log, LISTENS)?;
    let mut command = Command::new(PROGRAM);
    command.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config")).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
    let mut server = command.spawn().map_err(|error| LabError::Command {
        command: PROGRAM.to_owned(),
        output: format!("it did not start: {error}; Debian's package is openssh-server"),
    })?;
    let listens = wait_for(START_LIMIT, || match server.try_wait() {
        Ok(Some(status)) => {
            Err(LabError::Ended { what: "sshd".to_owned(), status: status.to_string(), log: log_tail(&log) })
        }
        _ => Ok((lines_that_begin(&log, LISTENS)? > earlier).then_some(())),
    })?;
    if listens.is_some() {
        return Ok(server);
    }
    // It is of no use to anybody, and may have ended by now.
    let _ = server.kill();
    Err(LabError::NotReady {
        what: "sshd is not ready".to_owned(),
        limit_seconds: START_LIMIT.as_secs(),
        log: log_tail(&log),
    })
}

fn lines_that_begin(log: &Path, word: &str) -> Result<usize, LabError> {
    let text = std::fs::read_to_string(log).map_err(file_error("reading", log))?;
    Ok(text.lines().filter(|line| line.starts_with(word)).count())
}

/// Keys of the server and of the user, who alone may read theirs.
fn make_keys(folder: &Path, user: &str) -> Result<(), LabError> {
    for name in ["host_key", "key"] {
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(folder.join(name)))?;
    }
    let public = |name: &str| {
        let path = folder.join(name).with_extension("pub");
        std::fs::read_to_string(&path).map_err(file_error("reading", &path))
    };
    write(&folder.join("authorized_keys"), &public("key")?)?;
    write(&folder.join("known_hosts"), &format!("login {}", public("host_key")?))?;
    match entry_of(user)? {
        Some(entry) if rustix::process::geteuid().is_root() => {
            let key = folder.join("key");
            chown(&key, Some(entry.user_id), Some(entry.group_id)).map_err(file_error("giving away", &key))
        }
        _ => Ok(()),
    }
}

/// sshd asks for what the password file says. Only for the lab's own users.
fn set_password(user: &str, word: &str) -> Result<(), LabError> {
    let mut child = Command::new("chpasswd")
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| LabError::Command { command: "chpasswd".to_owned(), output: error.to_string() })?;
    if let Some(input) = &mut child.stdin {
        std::io::Write::write_all(input, format!("{user}:{word}\n").as_bytes())
            .map_err(file_error("writing to", "chpasswd"))?;
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        other => Err(LabError::Command { command: "chpasswd".to_owned(), output: format!("{other:?}") }),
    }
}

fn write(path: &Path, text: &str) -> Result<(), LabError> {
    std::fs::write(path, text).map_err(file_error("writing", path))
}

/// `sshd_config(5)`.
fn configured(folder: &Path, port: u16, node: &LoginNode) -> Result<String, LabError> {
    let at = folder.display();
    let methods = if node.second_factor.is_some() { "publickey,password" } else { "publickey" };
    let asks = if node.second_factor.is_some() { "yes" } else { "no" };
    let mut text = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {at}/host_key\nPidFile none\nAuthorizedKeysFile {at}/authorized_keys\n\
         StrictModes no\nUsePAM no\nPermitRootLogin yes\nKbdInteractiveAuthentication no\nPasswordAuthentication {asks}\n\
         AuthenticationMethods {methods}\nPrintMotd no\nLogLevel VERBOSE\n"
    );
    if let Some(most) = node.most_sessions {
        text.push_str(&format!("MaxSessions {most}\n"));
    }
    if let Some(banner) = &node.banner {
        write(&folder.join("banner"), banner)?;
        text.push_str(&format!("Banner {at}/banner\n"));
    }
    let mut environment = node.environment.clone();
    if let Some(greeting) = &node.greeting {
        let script =
            format!("printf '%s\\n' '{}'; printf 'and on standard error\\n' >&2\n", greeting.replace('\'', "'\\''"));
        write(&folder.join("greeting"), &script)?;
        // What bash reads when it runs a command, as `.bashrc` is read over a connection (bash(1), BASH_ENV).
        environment.push(("BASH_ENV".to_owned(), format!("{at}/greeting")));
    }
    if !environment.is_empty() {
        let words: Vec<_> = environment.iter().map(|(name, value)| format!("\"{name}={value}\"")).collect();
        text.push_str(&format!("SetEnv {}\n", words.join(" ")));
    }
    Ok(text)
}
