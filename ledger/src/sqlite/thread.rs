//! The thread that owns the connection, and the bounded patience with other writers.

use crate::{LedgerError, LedgerErrorKind, Retry};
use rusqlite::Connection;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// So many calls may wait for the thread before callers do.
const QUEUE: usize = 64;
/// Each try waits up to five seconds inside SQLite, so the whole patience is a minute.
const TRIES: u32 = 12;
const LONGEST_PAUSE_MILLISECONDS: u64 = 50;

/// The owner of a connection. Dropping it lets the work at hand end and closes the file.
#[derive(Debug)]
pub(super) struct Owner {
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    /// Hands the connection to a thread of its own.
    pub(super) fn start(mut connection: Connection) -> Result<Self, LedgerError> {
        let (tasks, mut queue) = mpsc::channel::<Task>(QUEUE);
        let work = move || {
            while let Some(task) = queue.blocking_recv() {
                task(&mut connection);
            }
        };
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(work).map_err(|error| {
            LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "no thread could be started")
                .with_fact("system", &error)
        })?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread) })
    }

    /// Runs `work` on the thread, again while others hold the locks.
    pub(super) async fn call<T, W>(&self, work: W) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        W: FnMut(&mut Connection) -> Result<T, LedgerError> + Send + 'static,
    {
        let gone = || LedgerError::new(LedgerErrorKind::Bug, Retry::LookFirst, "the ledger's thread has ended");
        let (answer, answered) = oneshot::channel();
        // A caller that has gone away wants no answer; what was done stands.
        let task: Task = Box::new(move |connection| drop(answer.send(with_retries(connection, work))));
        let tasks = self.tasks.as_ref().ok_or_else(gone)?;
        tasks.send(task).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.tasks.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already answered by `call`.
            drop(thread.join());
        }
    }
}

/// Repeats `work` while others hold the locks, with pauses of random length so that many waiters spread out.
pub(super) fn with_retries<T>(
    connection: &mut Connection,
    mut work: impl FnMut(&mut Connection) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let mut tries = 1;
    loop {
        match work(connection) {
            Err(error) if error.kind == LedgerErrorKind::Busy && tries < TRIES => tries += 1,
            Err(error) if error.kind == LedgerErrorKind::Busy => return Err(error.with_fact("tries", &tries)),
            answer => return answer,
        }
        // A fresh `RandomState` is seeded differently each time, which is all the randomness that is needed.
        let random = RandomState::new().build_hasher().finish();
        std::thread::sleep(Duration::from_millis(1 + random % LONGEST_PAUSE_MILLISECONDS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_with_other_writers_has_an_end() {
        let mut connection = Connection::open_in_memory().expect("opened");
        let busy = || LedgerError::new(LedgerErrorKind::Busy, Retry::Later, "busy");
        // How often it is busy; how often it was tried; what came out.
        for (busy_times, tried, is_done) in
            [(0, 1, true), (3, 4, true), (11, 12, true), (12, 12, false), (99, 12, false)]
        {
            let mut tries = 0;
            let answer = with_retries(&mut connection, |_| {
                tries += 1;
                if tries > busy_times { Ok(()) } else { Err(busy()) }
            });
            assert_eq!((tries, answer.is_ok()), (tried, is_done), "busy {busy_times} times");
            if let Err(error) = answer {
                assert_eq!((error.kind, error.retry), (LedgerErrorKind::Busy, Retry::Later));
            }
        }
        let mut tries = 0;
        let answer = with_retries(&mut connection, |_| -> Result<(), LedgerError> {
            tries += 1;
            Err(LedgerError::new(LedgerErrorKind::DiskFull, Retry::Later, "full"))
        });
        assert_eq!((tries, answer.is_err()), (1, true), "only locks are waited for");
    }
}
