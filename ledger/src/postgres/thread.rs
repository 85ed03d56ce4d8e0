//! The thread that owns the connection. Posts that wait for it together are committed together.

use super::joined_posts::{Writer, post_joined};
use super::keeper::Keeper;
use super::open::{find_key, open};
use super::place::PostgresPlace;
use super::session::Session;
use crate::post::Post;
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, OpenMode, Outcome, Retry};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// So many calls may wait for the thread before callers do.
const QUEUE: usize = 1024;
/// So many posts are committed together at most.
const MOST_JOINED: usize = 256;

/// A connection that is made anew where it was lost.
pub(super) struct Link {
    place: PostgresPlace,
    keeper: Keeper,
    session: Option<Session>,
}

enum Task {
    Post(Waiting),
    Other(Box<dyn FnOnce(&mut Link) + Send>),
}

/// A post whose caller waits.
struct Waiting {
    post: Post,
    answer: oneshot::Sender<Result<Vec<Outcome>>>,
}

/// The owner of a connection. Dropping it lets the work at hand end and closes the connection.
#[derive(Debug)]
pub(super) struct Owner {
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Link {
    /// Does work on the session. A connection that was lost since it was used last is made anew, and the work done again:
    /// nothing of it has happened, unless the error says to look first.
    pub(super) fn with<T>(&mut self, work: impl Fn(&Session) -> Result<T>) -> Result<T> {
        let was_open = self.session.is_some();
        let answer = self.attempt(&work);
        match answer {
            Err(error) if was_open && is_lost(&error) && error.retry == Retry::Later => self.attempt(&work),
            answer => answer,
        }
    }

    fn attempt<T>(&mut self, work: impl Fn(&Session) -> Result<T>) -> Result<T> {
        let session = match &self.session {
            Some(session) if !session.is_closed() => session,
            _ => self.session.insert(open(&self.place, OpenMode::Existing, &self.keeper)?),
        };
        let answer = work(session);
        if answer.as_ref().is_err_and(is_lost) {
            self.session = None;
        }
        answer
    }
}

fn is_lost(error: &LedgerError) -> bool {
    error.kind == LedgerErrorKind::Disconnected
}

impl Owner {
    /// Connects on a thread of its own: the crate `postgres` must not be called on a thread of an async runtime.
    pub(super) fn start(place: PostgresPlace, keeper: Keeper, mode: OpenMode) -> Result<(Self, Writer)> {
        let (tasks, queue) = mpsc::channel::<Task>(QUEUE);
        let (opened, is_open) = std::sync::mpsc::sync_channel(1);
        let work = move || match begin(&place, &keeper, mode) {
            Err(error) => drop(opened.send(Err(error))),
            Ok((session, writer)) => {
                drop(opened.send(Ok(writer.clone())));
                serve(queue, &mut Link { place, keeper, session: Some(session) }, &writer);
            }
        };
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(work).map_err(|error| {
            LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "no thread could be started")
                .with_fact("system", &error)
        })?;
        let writer = is_open.recv().map_err(|_| gone())??;
        Ok((Self { tasks: Some(tasks), thread: Some(thread) }, writer))
    }

    /// Posts, together with others that wait.
    pub(super) async fn post(&self, post: Post) -> Result<Vec<Outcome>> {
        let (answer, answered) = oneshot::channel();
        self.send(Task::Post(Waiting { post, answer })).await?;
        answered.await.map_err(|_| gone())?
    }

    /// Runs `work` on the thread.
    pub(super) async fn call<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(&Session) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // A caller that has gone away wants no answer; what was done stands.
        self.send(Task::Other(Box::new(move |link| drop(answer.send(link.with(work)))))).await?;
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

fn begin(place: &PostgresPlace, keeper: &Keeper, mode: OpenMode) -> Result<(Session, Writer)> {
    let session = open(place, mode, keeper)?;
    let signer = find_key(&session, keeper)?.map(Arc::new);
    Ok((session, Writer { random: keeper.random.clone(), signer }))
}

/// Does what comes, one after the other, until nobody can send any more.
fn serve(mut queue: mpsc::Receiver<Task>, link: &mut Link, writer: &Writer) {
    let mut next = queue.blocking_recv();
    while let Some(task) = next.take() {
        match task {
            Task::Other(work) => work(link),
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
                answer_all(link, joined, writer);
            }
        }
        if next.is_none() {
            next = queue.blocking_recv();
        }
    }
}

fn answer_all(link: &mut Link, joined: Vec<Waiting>, writer: &Writer) {
    let (posts, callers): (Vec<Post>, Vec<_>) =
        joined.into_iter().map(|Waiting { post, answer }| (post, answer)).unzip();
    for (caller, answer) in callers.into_iter().zip(post_joined(link, &posts, writer)) {
        // A caller that has gone away wants no answer; what was done stands.
        drop(caller.send(answer));
    }
}
