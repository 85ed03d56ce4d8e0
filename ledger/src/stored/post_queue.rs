//! The thread that owns what a store is reached through, and the queue before it. Posts that wait for it together are handed
//! over together.

use crate::post::Post;
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, Outcome, Retry};
use std::fmt;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// So many posts are handed over together at most.
const MOST_JOINED: usize = 256;

/// What a thread owns: a connection, and what posting needs beside it.
pub(crate) trait Posts: Sized + 'static {
    /// So many calls may wait for the thread before callers do.
    const QUEUE: usize;

    /// Posts all of them, in their order; the answers come in the same order.
    fn post_joined(&mut self, posts: &[Post]) -> Vec<Result<Vec<Outcome>>>;
}

enum Task<R> {
    Post(Waiting),
    Other(Box<dyn FnOnce(&mut R) + Send>),
}

/// A post whose caller waits.
struct Waiting {
    post: Post,
    answer: oneshot::Sender<Result<Vec<Outcome>>>,
}

/// The owner of a resource. Dropping it lets the work at hand end and closes what is owned.
pub(crate) struct Owner<R> {
    tasks: Option<mpsc::Sender<Task<R>>>,
    thread: Option<JoinHandle<()>>,
}

impl<R> fmt::Debug for Owner<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Owner(..)")
    }
}

impl<R: Posts> Owner<R> {
    /// Has `begin` make the resource on a thread of its own, which then owns it, and say what the caller wants to know of it.
    pub(crate) fn start<T: Send + 'static>(
        begin: impl FnOnce() -> Result<(R, T)> + Send + 'static,
    ) -> Result<(Self, T)> {
        let (tasks, queue) = mpsc::channel::<Task<R>>(R::QUEUE);
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        let work = move || match begin() {
            Err(error) => drop(answer.send(Err(error))),
            Ok((mut resource, told)) => {
                drop(answer.send(Ok(told)));
                serve(queue, &mut resource);
            }
        };
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(work).map_err(|error| {
            LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "no thread could be started")
                .with_fact("system", &error)
        })?;
        let told = answered.recv().map_err(|_| gone())??;
        Ok((Self { tasks: Some(tasks), thread: Some(thread) }, told))
    }

    /// Posts, together with others that wait.
    pub(crate) async fn post(&self, post: Post) -> Result<Vec<Outcome>> {
        let (answer, answered) = oneshot::channel();
        self.send(Task::Post(Waiting { post, answer })).await?;
        answered.await.map_err(|_| gone())?
    }

    /// Runs `work` on the thread.
    pub(crate) async fn call<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut R) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // A caller that has gone away wants no answer; what was done stands.
        self.send(Task::Other(Box::new(move |resource| drop(answer.send(work(resource)))))).await?;
        answered.await.map_err(|_| gone())?
    }

    async fn send(&self, task: Task<R>) -> Result<()> {
        let tasks = self.tasks.as_ref().ok_or_else(gone)?;
        tasks.send(task).await.map_err(|_| gone())
    }
}

impl<R> Drop for Owner<R> {
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
fn serve<R: Posts>(mut queue: mpsc::Receiver<Task<R>>, resource: &mut R) {
    let mut next = queue.blocking_recv();
    while let Some(task) = next.take() {
        match task {
            Task::Other(work) => work(resource),
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
                answer_all(resource, joined);
            }
        }
        if next.is_none() {
            next = queue.blocking_recv();
        }
    }
}

fn answer_all<R: Posts>(resource: &mut R, joined: Vec<Waiting>) {
    let (posts, callers): (Vec<Post>, Vec<_>) =
        joined.into_iter().map(|Waiting { post, answer }| (post, answer)).unzip();
    for (caller, answer) in callers.into_iter().zip(resource.post_joined(&posts)) {
        // A caller that has gone away wants no answer; what was done stands.
        drop(caller.send(answer));
    }
}
