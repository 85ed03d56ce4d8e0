//! The Debian packages that the lab runs.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::run;
use crate::error::{LabError, file_error};

/// A package, and a program by which it is known to be there. On another distribution the program counts.
const PACKAGES: &[(&str, &str)] = &[
    ("slurm-client", "sbatch"),
    ("slurmctld", "slurmctld"),
    ("slurmd", "slurmd"),
    ("slurmdbd", "slurmdbd"),
    ("slurmrestd", "slurmrestd"),
    ("munge", "munged"),
    ("mariadb-server", "mariadbd"),
    ("mariadb-client", "mariadb"),
    ("util-linux", "setpriv"),
    ("passwd", "useradd"),
];

/// Where a program of the lab may lie; root's own `PATH` may lack the system's.
const FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The hook that Debian's packages ask before they start a server (`policy-rc.d`, Debian's `invoke-rc.d(8)`).
const START_POLICY: &str = "/usr/sbin/policy-rc.d";

/// The packages whose program is not there.
pub fn missing_packages() -> Vec<&'static str> {
    let is_there = |program: &str| FOLDERS.iter().any(|folder| Path::new(folder).join(program).exists());
    PACKAGES.iter().filter(|(_, program)| !is_there(program)).map(|(package, _)| *package).collect()
}

/// Installs what is missing. The packages' own servers stay down: only the lab's run.
pub(crate) fn install(packages: &[&str]) -> Result<(), LabError> {
    let refused =
        |error: LabError| LabError::MissingPackages { packages: packages.join(" "), reason: format!(": {error}") };
    let _policy = StartPolicy::refuse()?;
    run(apt_get().arg("update")).map_err(refused)?;
    run(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages)).map_err(refused)?;
    match missing_packages()[..] {
        [] => Ok(()),
        ref left => Err(LabError::MissingPackages { packages: left.join(" "), reason: String::new() }),
    }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

/// Forbids that packages start servers, for as long as it lives. A policy that is there already is left alone.
struct StartPolicy {
    ours: bool,
}

impl StartPolicy {
    fn refuse() -> Result<Self, LabError> {
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(START_POLICY);
        match made {
            Ok(mut file) => {
                std::io::Write::write_all(&mut file, b"#!/bin/sh\nexit 101\n")
                    .map_err(file_error("writing", START_POLICY))?;
                Ok(Self { ours: true })
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Self { ours: false }),
            Err(error) => Err(file_error("writing", START_POLICY)(error)),
        }
    }
}

impl Drop for StartPolicy {
    fn drop(&mut self) {
        if self.ours {
            // A policy that stays only keeps further servers down; there is nobody to tell here.
            drop(std::fs::remove_file(START_POLICY));
        }
    }
}
