//! The Debian packages that the lab runs.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
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
    ("openssh-server", Program("sshd")),
    ("openssh-client", Program("ssh-keygen")),
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

/// The file in which Debian's packages of PostgreSQL are told what to do with their own server, and what it says. It is
/// read beside `createcluster.conf` (`pg_createcluster(8)`), which belongs to the package and is not touched.
const CLUSTER_POLICY: (&str, &str) =
    ("/etc/postgresql-common/createcluster.d/pakt-lab.conf", "create_main_cluster = false\n");

/// What [`START_POLICY`] says: 101 is "action not allowed".
const START_REFUSED: &str = "#!/bin/sh\nexit 101\n";

/// The packages for Slurm of which nothing is there.
pub fn missing_packages() -> Vec<&'static str> {
    let holds = |folders: &[&str], name: &str| folders.iter().any(|folder| Path::new(folder).join(name).exists());
    let is_there = |mark: &Mark| match mark {
        Program(name) => holds(FOLDERS, name),
        Plugin(name) => holds(PLUGIN_FOLDERS, name),
    };
    PACKAGES.iter().filter(|(_, mark)| !is_there(mark)).map(|(package, _)| *package).collect()
}

/// Installs what is missing. The packages' own servers stay down, and PostgreSQL's is not made: it would start with the
/// machine. Only the lab's run.
pub(crate) fn install(packages: &[&str], missing: impl Fn() -> Vec<&'static str>) -> Result<(), LabError> {
    let refused =
        |error: LabError| LabError::MissingPackages { packages: packages.join(" "), reason: format!(": {error}") };
    let _start = Policy::put(START_POLICY, START_REFUSED)?;
    let _cluster = Policy::put(CLUSTER_POLICY.0, CLUSTER_POLICY.1)?;
    run(apt_get().arg("update")).map_err(refused)?;
    run(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages)).map_err(refused)?;
    match missing()[..] {
        [] => Ok(()),
        ref left => Err(LabError::MissingPackages { packages: left.join(" "), reason: String::new() }),
    }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

/// A file that tells packages what not to do, for as long as it lives. One that is there already is left alone.
struct Policy {
    path: PathBuf,
    ours: bool,
}

impl Policy {
    fn put(path: impl Into<PathBuf>, content: &str) -> Result<Self, LabError> {
        let path = path.into();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(file_error("making", folder))?;
        }
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&path) {
            Ok(mut file) => {
                std::io::Write::write_all(&mut file, content.as_bytes()).map_err(file_error("writing", &path))?;
                Ok(Self { path, ours: true })
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Self { path, ours: false }),
            Err(error) => Err(file_error("writing", path)(error)),
        }
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.ours {
            // A policy that stays only keeps further servers down; there is nobody to tell here.
            drop(std::fs::remove_file(&self.path));
            // The folder, where it was made for the file alone. One that holds more is not removed.
            drop(self.path.parent().map(std::fs::remove_dir));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_goes_with_its_folder_and_one_that_was_there_stays() {
        let above = tempfile::tempdir().expect("a folder");
        let path = above.path().join("createcluster.d/pakt-lab.conf");
        let policy = Policy::put(&path, CLUSTER_POLICY.1).expect("it is put");
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "create_main_cluster = false\n");
        let second = Policy::put(&path, "another").expect("it is left alone");
        drop(second);
        assert!(path.exists(), "a policy of somebody else was removed");
        drop(policy);
        assert_eq!(std::fs::read_dir(above.path()).expect("the folder").count(), 0);
    }
}
