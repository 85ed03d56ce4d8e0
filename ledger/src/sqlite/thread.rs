//! What the ledger's thread owns of a file, and the bounded patience with other writers.

use super::joined_posts::{Writer, post_joined};
use crate::post::Post;
use crate::records::Result;
use crate::stored::Posts;
use crate::{LedgerErrorKind, Outcome};
use rusqlite::Connection;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Each try waits up to five seconds inside SQLite, so the whole patience is a minute.
const TRIES: u32 = 12;
const LONGEST_PAUSE_MILLISECONDS: u64 = 50;

/// A file that is open, and what writing needs beside it.
pub(super) struct OpenFile {
    pub(super) connection: Connection,
    pub(super) writer: Writer,
}

impl Posts for OpenFile {
    const QUEUE: usize = 256;

    fn post_joined(&mut self, posts: &[Post]) -> Vec<Result<Vec<Outcome>>> {
        post_joined(&mut self.connection, posts, &self.writer)
    }
}

/// Repeats `work` while others hold the locks, with pauses of random length so that many waiters spread out.
pub(super) fn with_retries<T>(
    connection: &mut Connection,
    mut work: impl FnMut(&mut Connection) -> Result<T>,
) -> Result<T> {
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
    use crate::{LedgerError, Retry};

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
        let answer = with_retries(&mut connection, |_| -> Result<()> {
            tries += 1;
            Err(LedgerError::new(LedgerErrorKind::DiskFull, Retry::Later, "full"))
        });
        assert_eq!((tries, answer.is_err()), (1, true), "only locks are waited for");
    }
}
