//! The place of a ledger on a server, as a URL names it.

use super::passfile::password_for;
use super::tls::{Security, taken_from};
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind};
use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// How long a server may take to answer the door.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a server may leave what was sent to it unanswered by its network.
const SILENCE: Duration = Duration::from_mins(1);
/// The port of a server that nobody has changed.
const USUAL_PORT: u16 = 5432;
/// Where Debian's and Red Hat's servers have their socket.
const SOCKETS: &str = "/var/run/postgresql";

/// Where a ledger lies on a PostgreSQL server. It is shown without its password.
#[derive(Clone)]
pub struct PostgresPlace {
    config: Config,
    security: Security,
}

impl PostgresPlace {
    /// Reads a URL as PostgreSQL's manual describes it (15, 34.1.1.2, "Connection URIs"). A password that it lacks is
    /// looked up in `passfile`, whose form is that of `~/.pgpass` (34.16).
    ///
    /// Errors: the URL cannot be read; it leads over a network and does not say how that is encrypted; its root certificate
    /// cannot be read; others may read the file of passwords.
    pub fn read(url: &str, passfile: Option<&Path>) -> Result<Self> {
        // Its own errors may show a part of the URL.
        let (url, asked) = taken_from(url)?;
        let mut config: Config = url.parse().map_err(|_| invalid("the URL of the ledger cannot be read"))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host_path(SOCKETS);
        }
        let security = asked.security(elsewhere(&config).as_deref())?;
        let is_plain = matches!(security, Security::Plain);
        if !is_plain && has_socket(&config) {
            return Err(invalid("the URL asks for TLS and names a socket of this machine, on which there is none"));
        }
        config.ssl_mode(if is_plain { SslMode::Disable } else { SslMode::Require }).application_name("pakt");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        if config.get_password().is_none()
            && let Some(file) = passfile
            && let Some(password) = password_for(&config, file)?
        {
            config.password(password);
        }
        Ok(Self { config, security })
    }

    pub(super) fn connect(&self) -> Result<Client> {
        Ok(match &self.security {
            Security::Plain => self.config.connect(NoTls)?,
            Security::Tls(tls) => self.config.connect(tls.clone())?,
        })
    }
}

impl fmt::Display for PostgresPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(formatter, "{user}@")?;
        }
        let hosts: Vec<String> = self.config.get_hosts().iter().map(shown).collect();
        formatter.write_str(&hosts.join(","))?;
        if let [port] = self.config.get_ports()
            && *port != USUAL_PORT
        {
            write!(formatter, ":{port}")?;
        }
        write!(formatter, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

fn shown(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    }
}

/// The first host that is another machine: a password and a group's figures must not cross a network in plain text.
fn elsewhere(config: &Config) -> Option<String> {
    let is_here = |name: &str| name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let remote = config.get_hosts().iter().find(|host| matches!(host, Host::Tcp(name) if !is_here(name)));
    let remote_address = config.get_hostaddrs().iter().find(|address| !address.is_loopback());
    remote.map(shown).or_else(|| remote_address.map(ToString::to_string))
}

/// A socket leads nowhere else, and a server has no TLS on it.
fn has_socket(config: &Config) -> bool {
    config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_)))
}

fn invalid(why: impl Into<String>) -> LedgerError {
    LedgerError::never(LedgerErrorKind::Invalid, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_without_its_password() {
        for (url, expected) in [
            ("postgres://ada:secret@127.0.0.1:5433/books", "postgres://ada@127.0.0.1:5433/books"),
            ("postgresql://ada:secret@/books?host=/run/pg&port=5433", "postgres://ada@/run/pg:5433/books"),
            ("postgres://ada@localhost/books", "postgres://ada@localhost/books"),
            ("postgres:///books?user=ada", "postgres://ada@/var/run/postgresql/books"),
        ] {
            let place = PostgresPlace::read(url, None).expect(url);
            assert_eq!([place.to_string(), format!("{place:?}")], [expected, expected], "{url}");
        }
    }

    #[test]
    fn another_machine_is_not_reached_in_plain_text() {
        for url in [
            "postgres://ada:secret@db.example.org/books",
            "postgres://ada:secret@10.0.0.7/books?sslmode=prefer",
            "postgres://ada:secret@localhost/books?sslmode=allow",
            "postgres://ada:secret@localhost/books?sslmode=yes",
            "postgres://ada:secret@db.example.org/books?sslmode=verify-full",
            "postgres://ada:secret@db.example.org/books?sslmode=verify-full&sslrootcert=/nowhere/root.crt",
            "postgres://ada:secret@/books?sslmode=require&sslrootcert=/nowhere/root.crt",
            "postgres://ada:secret@localhost,db.example.org/books",
            "postgres://ada:secret@localhost/books?hostaddr=10.0.0.7",
            "postgres://ada:secret@localhost/books?sslmode=require",
            "postgres://ada:secret@localhost/books?port=secret",
            "postgres://ada:secret@[::1",
        ] {
            let error = PostgresPlace::read(url, None).expect_err(url);
            assert_eq!(error.kind, LedgerErrorKind::Invalid, "{url}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        for url in ["postgres://ada@[::1]/books", "postgres://ada:secret@10.0.0.7/books?sslmode=disable"] {
            assert!(PostgresPlace::read(url, None).is_ok(), "{url}");
        }
    }
}
