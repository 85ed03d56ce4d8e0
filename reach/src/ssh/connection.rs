//! The one connection to a site: found open, opened once for all, or told to a person.

use super::{
    options, remote_error,
    script::Script,
    settings::{Opening, SshSettings},
};
use crate::{
    Command, Local, Output, Reach, ReachError, ReachErrorKind, Retry,
    error::{OPEN_AGAIN_WITH, OPEN_WITH},
    files,
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tokio::sync::Mutex;

/// The longest that opening a connection may take, several hosts and their time-outs apart.
const OPENING_LIMIT: Duration = Duration::from_mins(1);

/// When a connection that nobody uses is closed, as `ssh_config` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closes {
    /// So long after its last use.
    AfterDisuse(Duration),
    /// When somebody ends it.
    WhenEnded,
    /// With the first session that it was opened for.
    WithItsTerminal,
}

/// An open master connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// The login node, as the settings name it.
    pub host: String,
    /// The process that holds it.
    pub process: u32,
    /// How long that process has lived; none where the system does not tell.
    pub age: Option<Duration>,
    /// When it closes by itself.
    pub closes: Closes,
    pub(super) way: Description,
}

/// How the connection to a site stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// It is open.
    Open(Master),
    /// None of the hosts has one.
    Closed {
        /// Who opens it.
        opening: Opening,
        /// What a person types to open one.
        command: String,
        /// What ssh says of each host.
        said: Vec<(String, String)>,
    },
}

/// What `ssh_config` says of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) control_path: PathBuf,
    /// Whether the path is ours, because `ssh_config` names none.
    pub(super) is_own: bool,
    /// When a connection closes that is opened as we do, or tell a person to.
    pub(super) closes: Closes,
    /// Whether `ssh_config` lets it live on without a terminal.
    pub(super) persists: bool,
    /// Hosts to pass through that it does not name itself.
    pub(super) jump: Option<String>,
}

/// The connections of a site's hosts, of which at most one is used.
#[derive(Debug)]
pub(super) struct Connections {
    settings: SshSettings,
    open: Mutex<Option<Master>>,
}

impl Connections {
    pub(super) fn new(settings: SshSettings) -> Self {
        Self { settings, open: Mutex::new(None) }
    }

    pub(super) fn are_opened_by_us(&self) -> bool {
        self.settings.opening == Opening::ByUs
    }

    pub(super) fn expected_user(&self) -> Option<&str> {
        self.settings.user.as_deref()
    }

    pub(super) fn session(&self, connection: &Master, script: &Script) -> Result<Command, ReachError> {
        options::session(&self.settings, connection, script)
    }

    pub(super) fn terminal(&self, connection: &Master, command: &Command) -> Result<Command, ReachError> {
        options::terminal(&self.settings, connection, command)
    }

    /// The connection that is open, or that is opened now where that is for us to do.
    pub(super) async fn opened(&self) -> Result<Master, ReachError> {
        let mut open = self.open.lock().await;
        if let Some(connection) = &*open {
            return Ok(connection.clone());
        }
        let connection = match (self.state().await?, self.settings.opening) {
            (ConnectionState::Open(connection), _) => connection,
            (ConnectionState::Closed { command, said, .. }, Opening::ByPerson) => return Err(closed(&command, &said)),
            (ConnectionState::Closed { .. }, Opening::ByUs) => self.open_one().await?,
        };
        *open = Some(connection.clone());
        Ok(connection)
    }

    /// The connection turned out to be gone: the next call looks again.
    pub(super) async fn forget(&self) {
        *self.open.lock().await = None;
    }

    /// A failure of the connection, with what a person can do.
    pub(super) fn explained(&self, error: ReachError, connection: &Master) -> ReachError {
        if error.kind != ReachErrorKind::Unreachable {
            return error;
        }
        let error = error.with("through", &connection.host);
        match self.settings.opening {
            Opening::ByUs => error,
            Opening::ByPerson => {
                let command = options::for_a_person(&self.settings, &connection.host, &connection.way);
                error.with(OPEN_AGAIN_WITH, command)
            }
        }
    }

    /// How it stands, asked of the local ssh alone.
    pub(super) async fn state(&self) -> Result<ConnectionState, ReachError> {
        let mut command = None;
        let mut said = Vec::new();
        for host in &self.settings.hosts {
            let description = self.describe(host).await?;
            let checked = Local.run(&options::check(&self.settings, host, &description.control_path)).await?;
            if let Some(process) = master_process(&checked) {
                return Ok(ConnectionState::Open(Master {
                    host: host.clone(),
                    process,
                    age: age_of(process).await?,
                    closes: description.closes,
                    way: description,
                }));
            }
            // ssh makes no folder for its socket.
            if description.is_own && self.settings.opening == Opening::ByPerson {
                make_folder(&self.settings.folder)?;
            }
            said.push((host.clone(), remote_error::repeated(&checked.stderr_text())));
            command.get_or_insert_with(|| options::for_a_person(&self.settings, host, &description));
        }
        match command {
            Some(command) => Ok(ConnectionState::Closed { opening: self.settings.opening, command, said }),
            None => Err(ReachError::new(ReachErrorKind::NotFound, Retry::Never, "reaching a site without a host")),
        }
    }

    async fn describe(&self, host: &str) -> Result<Description, ReachError> {
        let output = Local.run(&options::describe(&self.settings, host)).await?;
        if !output.succeeded() {
            let error = ReachError::new(ReachErrorKind::Other, Retry::Never, format!("asking ssh how to reach {host}"));
            return Err(error.with("ssh said", remote_error::repeated(&output.stderr_text())));
        }
        let text = output.stdout_text();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.split_once(' ').filter(|(key, _)| *key == name));
            line.map(|(_, value)| value.trim()).filter(|value| *value != "none")
        };
        let control_path = value("controlpath").map(PathBuf::from);
        let closes = closes(value("controlpersist").unwrap_or("no"));
        let persists = closes != Closes::WithItsTerminal;
        Ok(Description {
            is_own: control_path.is_none(),
            persists,
            closes: match (control_path.is_some() || persists, self.settings.opening) {
                (true, _) => closes,
                (false, Opening::ByPerson) => Closes::AfterDisuse(options::PERSONS_CONNECTION_STAYS),
                (false, Opening::ByUs) => Closes::AfterDisuse(options::OUR_CONNECTION_STAYS),
            },
            control_path: control_path.unwrap_or_else(|| self.settings.folder.join(file_name(host))),
            jump: match value("proxyjump").or_else(|| value("proxycommand")) {
                Some(_) => None,
                None => self.settings.jump.clone(),
            },
        })
    }

    /// Opens a connection, of several processes at once only one.
    async fn open_one(&self) -> Result<Master, ReachError> {
        make_folder(&self.settings.folder)?;
        let lock = self.file_of_site("lock");
        let _lock = tokio::task::spawn_blocking(move || locked(&lock)).await.map_err(|error| {
            ReachError::new(ReachErrorKind::Other, Retry::Later, "waiting for another connection").with("cause", error)
        })??;
        // Somebody may have opened it while we waited for the lock.
        if let ConnectionState::Open(connection) = self.state().await? {
            return Ok(connection);
        }
        self.keep_the_pause()?;
        let mut said = Vec::new();
        for host in &self.settings.hosts {
            let description = self.describe(host).await?;
            remove_dead_socket(&description.control_path)?;
            let log = self.settings.folder.join(format!("{}.said", file_name(host)));
            let call = options::open(&self.settings, host, &description, &log).time_limit(OPENING_LIMIT);
            let output = Local.run(&call).await?;
            let words = files::read(&log, 64 * 1024)?.unwrap_or_default();
            files::remove(&log)?;
            if output.succeeded()
                && let ConnectionState::Open(connection) = self.state().await?
            {
                return Ok(connection);
            }
            said.push((host.clone(), remote_error::repeated(&String::from_utf8_lossy(&words))));
        }
        Err(with_words(ReachError::new(ReachErrorKind::Unreachable, Retry::Later, "connecting to the site"), &said))
    }

    /// A file of this site, by its first login node, in the folder where those of all sites lie.
    fn file_of_site(&self, what: &str) -> PathBuf {
        let host = self.settings.hosts.first().map_or("", String::as_str);
        self.settings.folder.join(format!("{}.{what}", file_name(host)))
    }

    /// Some sites block whoever connects too often: the time of the last attempt at this one is kept for all processes of the user.
    fn keep_the_pause(&self) -> Result<(), ReachError> {
        let tried = self.file_of_site("tried");
        if let Some(last) = files::modified_at(&tried)? {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let since = now.abs_diff(u64::try_from(last.epoch_seconds()).unwrap_or(0));
            if let Some(left) = self.settings.pause.as_secs().checked_sub(since).filter(|left| *left > 0) {
                let error = ReachError::new(ReachErrorKind::Unreachable, Retry::Later, "connecting to the site");
                let cause = format!(
                    "the last attempt was {since} s ago, and the site wants them rarely; try again in {left} s"
                );
                return Err(error.with("cause", cause));
            }
        }
        files::replace(&tried, b"")
    }
}

/// ssh does not replace the socket of a connection that was killed. Nobody answers at it, as was just asked, and whoever
/// opens one waits for our lock.
fn remove_dead_socket(path: &Path) -> Result<(), ReachError> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => files::remove(path),
        _ => Ok(()),
    }
}

fn closed(command: &str, said: &[(String, String)]) -> ReachError {
    let error = ReachError::new(ReachErrorKind::Unreachable, Retry::Later, "reaching the site");
    let cause = "no connection is open, and its second factor is asked of a person";
    with_words(error.with("cause", cause).with(OPEN_WITH, command), said)
}

fn with_words(error: ReachError, said: &[(String, String)]) -> ReachError {
    said.iter().filter(|(_, words)| !words.is_empty()).fold(error, |error, (host, words)| error.with(host, words))
}

/// The process of the master connection that answered: "Master running (pid=123)" (mux.c of OpenSSH).
fn master_process(checked: &Output) -> Option<u32> {
    let text = checked.stderr_text() + &checked.stdout_text();
    let process = text.split_once("(pid=")?.1.split_once(')')?.0.parse().ok()?;
    checked.succeeded().then_some(process)
}

async fn age_of(process: u32) -> Result<Option<Duration>, ReachError> {
    let asked = Command::new("ps").arguments(["-o", "etimes=", "-p"]).argument(process.to_string());
    match Local.run(&asked).await {
        Ok(output) => Ok(output.stdout_text().trim().parse().ok().map(Duration::from_secs)),
        // A machine without ps(1) tells no ages.
        Err(error) if error.kind == ReachErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// `ssh -G` prints `yes`, `no` or seconds; no seconds are as good as yes (`ssh_config(5)`).
fn closes(persist: &str) -> Closes {
    match (persist, persist.parse()) {
        ("yes", _) | (_, Ok(0)) => Closes::WhenEnded,
        (_, Ok(seconds)) => Closes::AfterDisuse(Duration::from_secs(seconds)),
        _ => Closes::WithItsTerminal,
    }
}

/// A host's name as a file name.
fn file_name(host: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "-.@_".contains(letter) { letter } else { '_' };
    format!("ssh-{}", host.chars().map(plain).collect::<String>())
}

/// The folder of sockets, which nobody else may enter: whoever can, can speak as us.
fn make_folder(folder: &Path) -> Result<(), ReachError> {
    let failed = |error: io::Error| ReachError::from_io(&error, "making directory", folder);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let found = std::fs::symlink_metadata(folder).map_err(failed)?;
    if found.is_dir() && found.mode() & 0o777 == 0o700 && found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let error = ReachError::new(ReachErrorKind::NotPermitted, Retry::Never, format!("using {}", folder.display()));
    Err(error.with("cause", "it is not a folder of yours alone (mode 0700)"))
}

fn locked(path: &Path) -> Result<File, ReachError> {
    let failed = |error: io::Error| ReachError::from_io(&error, "locking", path);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    Ok(file)
}
