//! PostgreSQL's own client, `psql`: how the lab and its tests speak to the server without a driver.

use std::process::Command;

use super::instance::Instance;
use super::programs::program;
use crate::command::run;
use crate::error::{LabError, file_error};

/// A role and its password.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) name: &'static str,
    pub(super) password: String,
}

/// `psql` without anybody's settings, ending at the first error: unaligned rows and nothing else on stdout.
pub(super) fn client(login: &Login, host: &str, port: u16, database: &str) -> Result<Command, LabError> {
    let mut command = Command::new(program("psql")?);
    command
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("PGPASSWORD", &login.password)
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
        .args(["--username", login.name, "--host", host, "--port", &port.to_string(), "--dbname", database]);
    Ok(command)
}

/// Runs statements over the socket. What they gave. They go in a file, not on the command line, where every user could
/// read a password.
pub(super) fn psql(instance: &Instance, login: &Login, database: &str, statements: &str) -> Result<String, LabError> {
    let mut file = tempfile::NamedTempFile::new().map_err(file_error("writing in", std::env::temp_dir()))?;
    std::io::Write::write_all(&mut file, statements.as_bytes()).map_err(file_error("writing", file.path()))?;
    let sockets = instance.sockets();
    let host = sockets.display().to_string();
    run(client(login, &host, instance.port, database)?.arg("--file").arg(file.path()))
}
