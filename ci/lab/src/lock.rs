//! Locks on files, held by a process and given back by the kernel when it ends.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::{LabError, file_error};
use crate::wait::wait_for;

/// How long another holder is waited for: longer than any `up` or test may take.
const LIMIT: Duration = Duration::from_mins(15);

/// With others, or alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Shared,
    Alone,
}

/// A held lock.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock on `path`, a file that is made where it is missing if `create` says so.
    pub(crate) fn take(path: &Path, hold: Hold, create: bool) -> Result<Self, LabError> {
        let operation = match hold {
            Hold::Shared => FlockOperation::NonBlockingLockShared,
            Hold::Alone => FlockOperation::NonBlockingLockExclusive,
        };
        let taken = wait_for(LIMIT, || {
            let file = OpenOptions::new()
                .read(true)
                .append(create)
                .create(create)
                .open(path)
                .map_err(file_error("opening", path))?;
            match flock(&file, operation) {
                Ok(()) => Ok(is_still(&file, path).then_some(Self { _file: file })),
                Err(Errno::WOULDBLOCK) => Ok(None),
                Err(error) => Err(file_error("locking", path)(error.into())),
            }
        })?;
        taken.ok_or_else(|| LabError::NotReady {
            what: format!("{} is still locked by another process", path.display()),
            limit_seconds: LIMIT.as_secs(),
            log: String::new(),
        })
    }
}

/// Whether the path still names the locked file: `down` removes it while others wait.
fn is_still(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.metadata()) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}
