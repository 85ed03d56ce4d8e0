//! The Debian packages that the lab runs.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::run;
use crate::error::{LabError, file_error};

/// What a package is known by.
enum Mark {
    /// A program in one of [`FOLDERS`].
    Program(&'static str),
    /// A plugin of Slurm's in one of [`PLUGIN_FOLDERS`].
    Plugin(&'static str),
}
use Mark::{Plugin, Program};

/// A package, and what it is known by. On another distribution that counts, and not the package.
const PACKAGES: &[(&str, Mark)] = &[
    ("slurm-client", Program("sbatch")),
    ("slurmctld", Program("slurmctld")),
    ("slurmd", Program("slurmd")),
    ("slurmdbd", Program("slurmdbd")),
    ("slurmrestd", Program("slurmrestd")),
    ("slurm-wlm-mysql-plugin", Plugin("accounting_storage_mysql.so")),
    ("slurm-wlm-jwt-plugin", Plugin("auth_jwt.so")),
    ("munge", Program("munged")),
    ("mariadb-server", Program("mariadbd")),
    ("mariadb-client", Program("mariadb")),
    ("util-linux", Program("setpriv")),
    ("passwd", Program("useradd")),
];

/// Where a program of the lab may lie; root's own `PATH` may lack the system's.
const FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Where Slurm's plugins may lie: Debian's packages, RPMs, a build of one's own.
const PLUGIN_FOLDERS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/slurm-wlm",
    "/usr/lib/aarch64-linux-gnu/slurm-wlm",
    "/usr/lib64/slurm",
    "/usr/lib/slurm",
    "/usr/local/lib/slurm",
];

/// The hook that Debian's packages ask before they start a server (`policy-rc.d`, Debian's `invoke-rc.d(8)`).
const START_POLICY: &str = "/usr/sbin/policy-rc.d";

/// The packages of which nothing is there.
pub fn missing_packages() -> Vec<&'static str> {
    let holds = |folders: &[&str], name: &str| folders.iter().any(|folder| Path::new(folder).join(name).exists());
    let is_there = |mark: &Mark| match mark {
        Program(name) => holds(FOLDERS, name),
        Plugin(name) => holds(PLUGIN_FOLDERS, name),
    };
    PACKAGES.iter().filter(|(_, mark)| !is_there(mark)).map(|(package, _)| *package).collect()
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
