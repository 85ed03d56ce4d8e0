//! Locks on files, held by a process and given back by the kernel when it ends.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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
    /// Its path, where it is held in turn and together with others.
    counted: Option<PathBuf>,
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
                Ok(()) => Ok(is_still(&file, path).then_some(Self { _file: file, counted: None })),
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

impl Lock {
    /// The same in turn: where somebody waits to be alone, who comes later waits behind them, or a cluster that many use would
    /// never be free.
    ///
    /// A thread that holds it together with others may hold it once more out of turn: behind somebody who waits for that very thread both
    /// would wait for ever.
    pub(crate) fn take_in_turn(path: &Path, hold: Hold) -> Result<Self, LabError> {
        if hold == Hold::Shared && SHARED.with_borrow(|held| held.iter().any(|held| held == path)) {
            return Ok(Self::take(path, hold, false)?.counted(path));
        }
        let _gate = Self::take(&path.with_extension("gate"), hold, true)?;
        let lock = Self::take(path, hold, false)?;
        Ok(if hold == Hold::Shared { lock.counted(path) } else { lock })
    }

    fn counted(mut self, path: &Path) -> Self {
        SHARED.with_borrow_mut(|held| held.push(path.to_owned()));
        self.counted = Some(path.to_owned());
        self
    }
}

thread_local! {
    /// What this thread holds together with others, once for each time.
    static SHARED: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

impl Drop for Lock {
    fn drop(&mut self) {
        let Some(path) = self.counted.take() else { return };
        // Of a thread that ends, or another one than took it, there is nothing to strike out.
        let _ = SHARED.try_with(|held| {
            let mut held = held.borrow_mut();
            if let Some(place) = held.iter().position(|held| *held == path) {
                held.remove(place);
            }
        });
    }
}

/// Whether the path still names the locked file: `down` removes it while others wait.
fn is_still(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.metadata()) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, thread};

    #[test]
    fn who_waits_to_be_alone_comes_before_those_who_came_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        File::create(&path).unwrap();
        let first = Lock::take_in_turn(&path, Hold::Shared).unwrap();
        let (told, order) = mpsc::channel();
        let take = |hold: Hold, name: &'static str| {
            let (path, told) = (path.clone(), told.clone());
            thread::spawn(move || {
                let _lock = Lock::take_in_turn(&path, hold).unwrap();
                told.send(name).unwrap();
            })
        };
        let alone = take(Hold::Alone, "alone");
        let gate = path.with_extension("gate");
        let is_closed = || {
            let file = File::open(&gate).map_err(file_error("opening", &gate))?;
            let is_free = flock(&file, FlockOperation::NonBlockingLockShared).is_ok();
            Ok::<_, LabError>((!is_free).then_some(()))
        };
        wait_for(LIMIT, is_closed).unwrap().unwrap();
        let later = take(Hold::Shared, "later");
        // Who holds it already is not made to wait behind somebody who waits for them.
        let second = Lock::take_in_turn(&path, Hold::Shared).unwrap();
        drop((first, second));
        assert_eq!([order.recv().unwrap(), order.recv().unwrap()], ["alone", "later"]);
        alone.join().unwrap();
        later.join().unwrap();
    }
}
