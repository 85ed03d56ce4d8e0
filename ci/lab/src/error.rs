//! What can go wrong in the lab, each with what a person can do about it.

use std::path::PathBuf;

/// An error of the lab. `Display` says what happened; [`LabError::next`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The lab makes users, device files and Slurm's servers, which only root may.
    #[error("the lab must run as root")]
    NotRoot,
    /// Debian packages are missing and could not be installed.
    #[error("missing Debian packages: {packages}{reason}")]
    MissingPackages {
        /// Names, separated by spaces: what `apt-get install` takes.
        packages: String,
        /// Why they were not installed; empty, or begins with a colon.
        reason: String,
    },
    /// A file or folder could not be used.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was being done, as in "writing".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A program could not be started, or said no.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The command line.
        command: String,
        /// Its exit status and what it printed, or why it did not start.
        output: String,
    },
    /// A server did not become ready, or did not end, within the bound.
    #[error("{what} after {limit_seconds} s{log}")]
    NotReady {
        /// The state that was waited for and did not come, as in "slurmdbd of jupiter is not ready".
        what: String,
        /// How long the lab waited.
        limit_seconds: u64,
        /// The last lines of the server's log; empty where it has none.
        log: String,
    },
    /// A server ended while it was being started.
    #[error("{what} ended while it was starting ({status}){log}")]
    Ended {
        /// The server.
        what: String,
        /// Its exit status.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// The lab has no cluster of that shape, and no other server of that name.
    #[error("the lab knows no cluster `{name}`; it knows {known}")]
    UnknownCluster {
        /// The name asked for.
        name: String,
        /// The names it knows.
        known: String,
    },
    /// The cluster, or one of its servers, does not run.
    #[error("{what} does not run in the lab at {}", directory.display())]
    NotUp {
        /// The cluster or the server.
        what: String,
        /// What `lab up` calls it.
        name: String,
        /// The lab's folder.
        directory: PathBuf,
    },
    /// A user or group of the lab's names exists, and this lab did not make it.
    #[error("{what} exists, and the lab at {} did not make it", directory.display())]
    Taken {
        /// The user or group.
        what: String,
        /// The lab's folder.
        directory: PathBuf,
    },
    /// Servers may only be stopped by who holds them alone.
    #[error("{name} is held together with other tests; its servers may be stopped only by who holds it alone")]
    Shared {
        /// The cluster, or `postgres`.
        name: String,
    },
    /// The state on disk cannot be read.
    #[error("the lab's state in {} cannot be read: {reason}", path.display())]
    State {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl LabError {
    /// What a person can do next; one line, without a full stop.
    pub fn next(&self) -> String {
        match self {
            Self::NotRoot => "run it as root, in a container or a machine of your own".to_owned(),
            Self::MissingPackages { packages, .. } => format!("as root: apt-get install {packages}"),
            Self::File { .. } => "look at the folder's owner, mode and free space".to_owned(),
            Self::Command { .. } | Self::NotReady { .. } | Self::Ended { .. } => {
                "`lab down` clears what is left; then `lab up` again".to_owned()
            }
            Self::UnknownCluster { known, .. } => format!("name one of: {known}"),
            Self::NotUp { name, .. } => format!("as root: `lab up {name}`"),
            Self::Taken { .. } => {
                "end the other lab with its own PAKT_LAB and `lab down`, or remove what is taken".to_owned()
            }
            Self::Shared { .. } => "take it with `lab::attach_exclusive` or `lab::postgres_exclusive`".to_owned(),
            Self::State { .. } => "`lab down` removes the lab, broken state or not".to_owned(),
        }
    }
}

/// Turns an error of the operating system into one that names the file.
pub(crate) fn file_error(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> LabError {
    let path = path.into();
    move |source| LabError::File { doing, path, source }
}
