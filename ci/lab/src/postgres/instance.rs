//! The lab's PostgreSQL server: its folders, how it is made, started and ended.

use std::ffi::OsString;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::client::{Login, psql};
use super::programs::program;
use crate::command::run;
use crate::error::{LabError, file_error};
use crate::files::{make_folder, random_bytes, remove_folder, write_secret};
use crate::layout::Layout;
use crate::process::{Mark, Process, end_by, find_server, processes};
use crate::server::{END_LIMIT, Server};
use crate::shared::OWNER;
use crate::users::entry_of;

/// The user of this machine that the server runs as where the lab runs as root: PostgreSQL refuses root, and Debian's
/// package brings this one.
const SYSTEM_USER: &str = "postgres";

/// The role that tests are: it may make databases, and is no superuser.
pub(super) const ROLE: &str = "pakt";

/// The role that owns the server; its password is forgotten once [`ROLE`] is there.
const SUPERUSER: &str = "postgres";

/// Connections at once. The default of 100 is too few for two tests with 64 clients each.
const CONNECTIONS: u16 = 300;

/// The server with its folders and port.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) lab: Layout,
    pub(crate) port: u16,
}

impl Instance {
    fn folder(&self) -> PathBuf {
        self.lab.postgres()
    }

    fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Where the socket lies.
    pub(super) fn sockets(&self) -> PathBuf {
        self.folder().join("run")
    }

    /// The password of [`ROLE`], for root alone, or who brought the lab up.
    pub(super) fn password_file(&self) -> PathBuf {
        self.folder().join("password")
    }

    /// Held by tests: shared by those that use the server, alone by those that stop it.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder().join("lock")
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { directory: self.lab.directory().to_owned(), owner: OWNER.to_owned(), role: "postgres".to_owned() }
    }

    /// The server in the foreground, on loopback. It syncs at each commit, as a real one does: speed is measured here.
    fn server(&self) -> Result<Server, LabError> {
        let mut arguments: Vec<String> =
            as_server_user(&program("postgres")?).into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
        arguments.extend(["-D".to_owned(), self.data().display().to_string()]);
        for setting in [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", self.sockets().display()),
            format!("max_connections={CONNECTIONS}"),
        ] {
            arguments.extend(["-c".to_owned(), setting]);
        }
        Ok(Server { mark: self.mark(), arguments, environment: vec![], log: self.folder().join("postgres") })
    }

    /// Builds it anew, with an empty database of [`ROLE`]'s name, and waits until it answers.
    pub(crate) fn make(&self) -> Result<(), LabError> {
        self.end(Signal::QUIT)?;
        remove_folder(&self.folder())?;
        make_folder(&self.folder(), 0o755)?;
        make_folder(&self.data(), 0o700)?;
        give_to_server(&self.data())?;
        self.make_sockets()?;
        let superuser = Login { name: SUPERUSER, password: random_password()? };
        self.make_data(&superuser)?;
        self.server()?.ensure(|| psql(self, &superuser, "postgres", "SELECT 1").is_ok())?;
        let password = random_password()?;
        let statements =
            format!("CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'; CREATE DATABASE {ROLE} OWNER {ROLE};");
        psql(self, &superuser, "postgres", &statements)?;
        write_secret(&self.password_file(), password.as_bytes(), 0o600)?;
        std::fs::write(self.lock(), "").map_err(file_error("writing", self.lock()))
    }

    /// Makes the server's tables. The default order of texts is a language's, as on most servers that Pakt will meet:
    /// what needs the order of bytes has to say so, and shows here when it does not.
    fn make_data(&self, superuser: &Login) -> Result<(), LabError> {
        let mut password =
            tempfile::NamedTempFile::new_in(self.folder()).map_err(file_error("writing in", self.folder()))?;
        std::io::Write::write_all(&mut password, superuser.password.as_bytes())
            .map_err(file_error("writing", password.path()))?;
        give_to_server(password.path())?;
        let words = as_server_user(&program("initdb")?);
        run(Command::new(&words[0])
            .args(&words[1..])
            .current_dir(self.folder())
            .args(["--username", superuser.name, "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"])
            .args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"])
            .arg("--pwfile")
            .arg(password.path())
            .arg("--pgdata")
            .arg(self.data()))
        .map(drop)
    }

    /// Starts it unless it runs, and waits until it answers. Whether it was started. Only for who holds [`Self::lock`]
    /// or is the only one to know the server.
    pub(crate) fn ensure_running(&self) -> Result<bool, LabError> {
        let login = self.login()?;
        if !self.runs()? {
            self.clear_crash()?;
        }
        self.server()?.ensure(|| psql(self, &login, ROLE, "SELECT 1").is_ok())
    }

    /// Makes the folder of the socket anew.
    fn make_sockets(&self) -> Result<(), LabError> {
        remove_folder(&self.sockets())?;
        make_folder(&self.sockets(), 0o755)?;
        give_to_server(&self.sockets())
    }

    /// The file in which the server writes its number, port and state.
    fn number_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    /// Ends what a server that was killed has left, and removes the files with its number: the number may still be that
    /// of a process that nobody has waited for, and a new server would take that for a server.
    fn clear_crash(&self) -> Result<(), LabError> {
        self.kill()?;
        self.make_sockets()?;
        match std::fs::remove_file(self.number_file()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(file_error("removing", self.number_file())(error))
            }
            _ => Ok(()),
        }
    }

    /// A server that was killed leaves shared memory behind, of which only it knows the names. It comes up once more
    /// and gives it back when it ends. Nothing happens where it ended well, or runs.
    pub(crate) fn release_memory(lab: &Layout) -> Result<(), LabError> {
        let mut instance = Self { lab: lab.clone(), port: 0 };
        // PostgreSQL, `src/include/utils/pidfile.h`: line 4 is the port, and line 8 the state, once memory is there.
        let line = |number: usize| {
            let text = std::fs::read_to_string(lab.postgres().join("data/postmaster.pid")).ok()?;
            text.lines().nth(number - 1).map(str::to_owned)
        };
        let Some(port) = line(4).and_then(|text| text.parse().ok()) else { return Ok(()) };
        instance.port = port;
        if instance.runs()? {
            return Ok(());
        }
        instance.clear_crash()?;
        instance.server()?.ensure(|| line(8).is_some())?;
        instance.end(Signal::QUIT)
    }

    pub(crate) fn runs(&self) -> Result<bool, LabError> {
        Ok(find_server(&self.mark())?.is_some())
    }

    pub(super) fn login(&self) -> Result<Login, LabError> {
        let file = self.password_file();
        let password = std::fs::read_to_string(&file).map_err(file_error("reading", file))?;
        Ok(Login { name: ROLE, password })
    }

    /// Ends it by the signal: `INT` ends sessions and closes the data well, `QUIT` leaves the data as after a crash,
    /// and `TERM` would wait until every client has gone (PostgreSQL, "Shutting Down the Server").
    pub(crate) fn end(&self, request: Signal) -> Result<(), LabError> {
        match find_server(&self.mark())? {
            Some(process) => end_by(request, &[process], END_LIMIT),
            None => Ok(()),
        }
    }

    /// Kills it and all its children at once. The server is first, so that it does not replace its children; one that
    /// it made while the list was read is in the next.
    pub(super) fn kill(&self) -> Result<(), LabError> {
        const ROUNDS: usize = 50;
        for _ in 0..ROUNDS {
            let mut found: Vec<Process> = processes()?
                .into_iter()
                .filter(|process| process.runs("postgres") && process.is_server_of(self.lab.directory()))
                .collect();
            if found.is_empty() {
                return Ok(());
            }
            found.sort_by_key(|process| process.mark().is_none());
            end_by(Signal::KILL, &found, Duration::ZERO)?;
        }
        let what = format!("PostgreSQL's processes come back after {ROUNDS} rounds of killing them");
        Err(LabError::NotReady { what, limit_seconds: 0, log: String::new() })
    }
}

/// Letters that nobody can guess, none of which means anything in a URL or in SQL.
fn random_password() -> Result<String, LabError> {
    Ok(format!("{:032x}", u128::from_ne_bytes(random_bytes()?)))
}

/// The beginning of a command line of the server's: root becomes the server's user.
fn as_server_user(program: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if rustix::process::geteuid().is_root() {
        words
            .extend(["setpriv", "--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--init-groups", "--"].map(Into::into));
    }
    words.push(program.into());
    words
}

fn give_to_server(path: &Path) -> Result<(), LabError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let entry = entry_of(SYSTEM_USER)?.ok_or_else(|| LabError::Command {
        command: format!("chown {SYSTEM_USER}"),
        output: format!("this machine has no user {SYSTEM_USER}"),
    })?;
    chown(path, Some(entry.user_id), Some(entry.group_id)).map_err(file_error("giving away", path))
}
