//! The running PostgreSQL in the hands of a test.

use std::sync::Arc;

use rustix::process::Signal;

use super::client::Login;
use super::database::Database;
use super::instance::{Instance, ROLE};
use crate::error::LabError;
use crate::layout::Layout;
use crate::lock::{Hold, Lock};
use crate::state::State;

/// What `lab up` and `lab env` call it.
pub const POSTGRES: &str = "postgres";

/// The PostgreSQL of a running lab. Those that only use it hold it together, those that stop it hold it alone, as with
/// clusters.
#[derive(Debug)]
pub struct Postgres {
    held: Arc<Held>,
}

/// What the server and its databases in the hands of a test share: the server is held until the last is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) instance: Instance,
    pub(super) login: Login,
    hold: Hold,
    _lock: Lock,
}

/// Attaches to the PostgreSQL of the running lab, together with other tests. It waits while another test holds it
/// alone.
pub fn postgres() -> Result<Postgres, LabError> {
    Postgres::attach(&Layout::from_environment(), Hold::Shared)
}

/// Attaches to PostgreSQL alone, to stop it: waits until no other test uses it, and lets none begin. Attach only once
/// in a process: a second call would wait for the first.
pub fn postgres_exclusive() -> Result<Postgres, LabError> {
    Postgres::attach(&Layout::from_environment(), Hold::Alone)
}

impl Postgres {
    fn attach(lab: &Layout, hold: Hold) -> Result<Self, LabError> {
        let not_up = || LabError::NotUp {
            what: "PostgreSQL".to_owned(),
            name: POSTGRES.to_owned(),
            directory: lab.directory().to_owned(),
        };
        let known = State::load(lab)?.and_then(|state| state.postgres).filter(|known| known.made);
        let instance = Instance { lab: lab.clone(), port: known.ok_or_else(not_up)?.port };
        let lock = Lock::take(&instance.lock(), hold, false)?;
        if !instance.runs()? {
            return Err(not_up());
        }
        let login = instance.login()?;
        Ok(Self { held: Arc::new(Held { instance, login, hold, _lock: lock }) })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.held.instance.port
    }

    /// A database that stays, for a person's shell: over the socket.
    pub fn url(&self) -> String {
        self.held.url(ROLE)
    }

    /// The same over TCP.
    pub fn tcp_url(&self) -> String {
        self.held.tcp_url(ROLE, self.port())
    }

    /// A fresh, empty database of the test's own. It is dropped with the value.
    pub fn database(&self) -> Result<Database, LabError> {
        Database::make(Arc::clone(&self.held))
    }

    /// Ends the server as an administrator would: sessions are cut, what was committed is on disk. Only for who holds
    /// it alone; a server that is down when the last value is dropped is started again.
    pub fn stop(&self) -> Result<(), LabError> {
        self.held.alone()?.end(Signal::INT)
    }

    /// Kills the server and all its processes (`kill -9`), as a crash would. Only for who holds it alone.
    pub fn kill(&self) -> Result<(), LabError> {
        self.held.alone()?.kill()
    }

    /// Starts the server unless it runs. After `Ok` it answers, on the same port and with the same data; what a crash
    /// left has been recovered.
    pub fn start(&self) -> Result<(), LabError> {
        self.held.instance.ensure_running().map(drop)
    }

    /// Ends it and starts it again.
    pub fn restart(&self) -> Result<(), LabError> {
        self.stop()?;
        self.start()
    }
}

impl Held {
    fn alone(&self) -> Result<&Instance, LabError> {
        match self.hold {
            Hold::Alone => Ok(&self.instance),
            Hold::Shared => Err(LabError::Shared { name: POSTGRES.to_owned() }),
        }
    }

    /// Starts a server again that its holder has stopped.
    pub(super) fn put_back(&self) {
        if self.hold == Hold::Alone {
            // A server that does not come back is what the next `attach` reports.
            drop(self.instance.ensure_running());
        }
    }

    pub(super) fn url(&self, database: &str) -> String {
        let Login { name, password } = &self.login;
        let sockets = in_url(&self.instance.sockets().display().to_string());
        format!("postgresql://{name}:{password}@/{database}?host={sockets}&port={}", self.instance.port)
    }

    pub(super) fn tcp_url(&self, database: &str, port: u16) -> String {
        let Login { name, password } = &self.login;
        format!("postgresql://{name}:{password}@127.0.0.1:{port}/{database}")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.put_back();
    }
}

/// A path as a value in a URL (RFC 3986, percent-encoding).
fn in_url(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::in_url;

    #[test]
    fn a_path_is_one_value_in_a_url() {
        assert_eq!(in_url("/var/tmp/pakt-lab/run"), "/var/tmp/pakt-lab/run");
        assert_eq!(in_url("/a b&c=d%/ü"), "/a%20b%26c%3Dd%25/%C3%BC");
    }
}
