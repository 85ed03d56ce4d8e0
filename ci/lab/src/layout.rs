//! Where everything of one lab lies. All of it is below one folder, so that removing the folder removes the lab.

use std::path::{Path, PathBuf};

/// The variable that names the lab's folder.
pub const DIRECTORY_VARIABLE: &str = "PAKT_LAB";

/// The folder where the variable is absent. `/var/tmp` is world-writable with the sticky bit, which munged accepts for
/// a parent of its socket, and survives a restart, unlike `/run`.
const DEFAULT_DIRECTORY: &str = "/var/tmp/pakt-lab";

/// The folders and files of one lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    directory: PathBuf,
}

impl Layout {
    /// The lab in `directory`, an absolute path.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The lab that `PAKT_LAB` names, else the one in the default folder.
    pub fn from_environment() -> Self {
        Self::new(std::env::var_os(DIRECTORY_VARIABLE).unwrap_or_else(|| DEFAULT_DIRECTORY.into()))
    }

    /// The lab's folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What was decided at `up`: ports and clusters.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.join("lab.json")
    }

    /// Held by `up` and `down`. It lies beside the folder, because `down` removes the folder.
    pub(crate) fn lock(&self) -> PathBuf {
        let mut name = self.directory.clone().into_os_string();
        name.push(".lock");
        name.into()
    }

    /// The homes of the lab's users.
    pub(crate) fn homes(&self) -> PathBuf {
        self.directory.join("home")
    }

    /// The folder that the two members of the project share.
    pub(crate) fn project(&self) -> PathBuf {
        self.directory.join("project")
    }

    /// Programs and files that every user may read: what is built below root's home is out of their reach.
    pub(crate) fn share(&self) -> PathBuf {
        self.directory.join("share")
    }

    pub(crate) fn munge(&self) -> PathBuf {
        self.directory.join("munge")
    }

    pub(crate) fn munge_socket(&self) -> PathBuf {
        self.munge().join("munge.socket")
    }

    pub(crate) fn mariadb(&self) -> PathBuf {
        self.directory.join("mariadb")
    }

    pub(crate) fn mariadb_socket(&self) -> PathBuf {
        self.mariadb().join("mariadb.socket")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    pub(crate) fn cluster(&self, name: &str) -> ClusterLayout {
        ClusterLayout { directory: self.directory.join("clusters").join(name) }
    }
}

/// The folders and files of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct ClusterLayout {
    directory: PathBuf,
}

impl ClusterLayout {
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Slurm looks for its other configuration files, and the submit filter, beside slurm.conf.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.directory.join("etc")
    }

    pub(crate) fn slurm_conf(&self) -> PathBuf {
        self.configuration().join("slurm.conf")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.join("state")
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.directory.join("spool")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.directory.join("run")
    }

    /// Where slurmrestd makes its socket; its own user's.
    pub(crate) fn rest(&self) -> PathBuf {
        self.run().join("rest")
    }

    pub(crate) fn rest_socket(&self) -> PathBuf {
        self.rest().join("slurmrestd.socket")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// The log that `role` writes.
    pub(crate) fn log(&self, role: &str) -> PathBuf {
        self.logs().join(format!("{role}.log"))
    }

    pub(crate) fn devices(&self) -> PathBuf {
        self.directory.join("dev")
    }

    /// Held by tests: shared by those that use the cluster, alone by those that stop its servers.
    pub(crate) fn lock(&self) -> PathBuf {
        self.directory.join("lock")
    }
}
