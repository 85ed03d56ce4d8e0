//! The servers that all clusters of a lab share: munged and MariaDB. Both are the lab's own, with own socket, port,
//! key and data.

use std::process::{Command, Stdio};

use crate::command::run;
use crate::error::{LabError, file_error};
use crate::files::{make_folder, random_bytes, remove_folder, write_secret};
use crate::layout::Layout;
use crate::process::Mark;
use crate::server::Server;

/// Who owns the shared servers, in their marks.
pub(crate) const OWNER: &str = "lab";

/// munged in the foreground. `--force` lets it run as root and with its socket below `/var/tmp`.
pub(crate) fn munged(lab: &Layout) -> Server {
    let folder = lab.munge();
    let file = |name: &str| folder.join(name).display().to_string();
    Server {
        mark: Mark { directory: lab.directory().to_owned(), owner: OWNER.to_owned(), role: "munged".to_owned() },
        arguments: vec![
            "munged".to_owned(),
            "--foreground".to_owned(),
            "--force".to_owned(),
            format!("--key-file={}", file("munge.key")),
            format!("--socket={}", lab.munge_socket().display()),
            format!("--pid-file={}", file("munged.pid")),
            format!("--log-file={}", file("munged.log")),
            format!("--seed-file={}", file("munge.seed")),
        ],
        environment: vec![],
        log: folder.join("munged.log"),
    }
}

/// Makes the key where there is none, starts munged unless it runs, and waits until it makes a credential.
pub(crate) fn ensure_munged(lab: &Layout) -> Result<bool, LabError> {
    let key = lab.munge().join("munge.key");
    make_folder(&lab.munge(), 0o755)?;
    if !key.exists() {
        write_secret(&key, &random_bytes::<1024>()?, 0o400)?;
    }
    let socket = format!("--socket={}", lab.munge_socket().display());
    munged(lab).ensure(|| succeeds(Command::new("munge").arg("--no-input").arg(&socket)))
}

/// MariaDB on loopback. A lab's accounts are worth nothing after a power cut, so it need not sync at each commit.
pub(crate) fn mariadb(lab: &Layout, port: u16) -> Server {
    let folder = lab.mariadb();
    Server {
        mark: Mark { directory: lab.directory().to_owned(), owner: OWNER.to_owned(), role: "mariadbd".to_owned() },
        arguments: vec![
            "mariadbd".to_owned(),
            "--no-defaults".to_owned(),
            "--user=root".to_owned(),
            format!("--datadir={}", folder.join("data").display()),
            format!("--socket={}", lab.mariadb_socket().display()),
            format!("--pid-file={}", folder.join("mariadbd.pid").display()),
            format!("--port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--skip-name-resolve".to_owned(),
            "--innodb-flush-log-at-trx-commit=0".to_owned(),
            "--innodb-lock-wait-timeout=900".to_owned(),
        ],
        environment: vec![],
        log: folder.join("mariadbd"),
    }
}

/// Makes MariaDB's tables. `--rpm` keeps the script from changing owners and modes in the package's own folders; with
/// `socket`, the database's root is the machine's root and nobody else.
pub(crate) fn make_mariadb(lab: &Layout) -> Result<(), LabError> {
    let folder = lab.mariadb();
    remove_folder(&folder)?;
    make_folder(&folder, 0o755)?;
    run(Command::new("mariadb-install-db")
        .args(["--no-defaults", "--rpm", "--user=root", "--skip-test-db"])
        .args(["--auth-root-authentication-method=socket", "--auth-root-socket-user=root"])
        .arg(format!("--datadir={}", folder.join("data").display())))
    .map(drop)
}

/// Starts MariaDB unless it runs, and waits until it answers a query.
pub(crate) fn ensure_mariadb(lab: &Layout, port: u16) -> Result<bool, LabError> {
    mariadb(lab, port).ensure(|| succeeds(client(lab).args(["--execute", "SELECT 1"])))
}

/// Makes an empty database with a user of its own.
pub(crate) fn make_database(lab: &Layout, name: &str, password: &str) -> Result<(), LabError> {
    let statements = format!(
        "DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}; DROP USER IF EXISTS '{name}'@'127.0.0.1'; \
         CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{password}'; \
         GRANT ALL ON {name}.* TO '{name}'@'127.0.0.1';"
    );
    // The statements go in a file, not on the command line, where every user could read the password.
    let mut file = tempfile::NamedTempFile::new_in(lab.mariadb()).map_err(file_error("writing in", lab.mariadb()))?;
    std::io::Write::write_all(&mut file, statements.as_bytes()).map_err(file_error("writing", file.path()))?;
    run(client(lab).args(["--execute", &format!("source {}", file.path().display())])).map(drop)
}

fn client(lab: &Layout) -> Command {
    let mut command = Command::new("mariadb");
    command.arg("--no-defaults").arg("--user=root").arg(format!("--socket={}", lab.mariadb_socket().display()));
    command
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
