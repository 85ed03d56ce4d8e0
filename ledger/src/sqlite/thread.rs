//! The thread that owns the connection, and the bounded patience with other writers. Posts that wait for it together are
//! committed together.

use super::joined_posts::{Writer, post_joined};
use crate::post::Post;
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, Outcome, Retry};
use rusqlite::Connection;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// So many calls may wait for the thread before callers do.
const QUEUE: usize = 256;
/// So many posts are committed together at most.
const MOST_JOINED: usize = 256;
/// Each try waits up to five seconds inside SQLite, so the whole patience is a minute.
const TRIES: u32 = 12;
const LONGEST_PAUSE_MILLISECONDS: u64 = 50;

enum Task {
    Post(Waiting),
    Other(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// A post whose caller waits.
struct Waiting {
    post: Post,
    answer: oneshot::Sender<Result<Vec<Outcome>>>,
}

/// The owner of a connection. Dropping it lets the work at hand end and closes the file.
#[derive(Debug)]
pub(super) struct Owner {
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    /// Hands the connection to a thread of its own.
    pub(super) fn start(mut connection: Connection, writer: Writer) -> Result<Self> {
        let (tasks, queue) = mpsc::channel::<Task>(QUEUE);
        let work = move || serve(queue, &mut connection, &writer);
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(work).map_err(|error| {
            LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "no thread could be started")
                .with_fact("system", &error)
        })?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread) })
    }

    /// Posts, together with others that wait.
    pub(super) async fn post(&self, post: Post) -> Result<Vec<Outcome>> {
        let (answer, answered) = oneshot::channel();
        self.send(Task::Post(Waiting { post, answer })).await?;
        answered.await.map_err(|_| gone())?
    }

    /// Runs `work` on the thread, again while others hold the locks.
    pub(super) async fn call<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // A caller that has gone away wants no answer; what was done stands.
        let task = move |connection: &mut Connection| drop(answer.send(with_retries(connection, work)));
        self.send(Task::Other(Box::new(task))).await?;
        answered.await.map_err(|_| gone())?
    }

    async fn send(&self, task: Task) -> Result<()> {
        let tasks = self.tasks.as_ref().ok_or_else(gone)?;
        tasks.send(task).await.map_err(|_| gone())
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

fn gone() -> LedgerError {
    LedgerError::new(LedgerErrorKind::Bug, Retry::LookFirst, "the ledger's thread has ended")
}

/// Does what comes, one after the other, until nobody can send any more.
fn serve(mut queue: mpsc::Receiver<Task>, connection: &mut Connection, writer: &Writer) {
    let mut next = queue.blocking_recv();
    while let Some(task) = next.take() {
        match task {
            Task::Other(work) => work(connection),
            Task::Post(first) => {
                let mut joined = vec![first];
                while joined.len() < MOST_JOINED && joined.iter().all(|waiting| waiting.post.may_be_joined()) {
                    match queue.try_recv() {
                        Ok(Task::Post(waiting)) if waiting.post.may_be_joined() => joined.push(waiting),
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                answer_all(connection, joined, writer);
            }
        }
        if next.is_none() {
            next = queue.blocking_recv();
        }
    }
}

fn answer_all(connection: &mut Connection, joined: Vec<Waiting>, writer: &Writer) {
    let (posts, callers): (Vec<Post>, Vec<_>) =
        joined.into_iter().map(|Waiting { post, answer }| (post, answer)).unzip();
    for (caller, answer) in callers.into_iter().zip(post_joined(connection, &posts, writer)) {
        // A caller that has gone away wants no answer; what was done stands.
        drop(caller.send(answer));
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
