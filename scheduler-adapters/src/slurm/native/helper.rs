//! The helper as a process: started when it is first needed, asked one question at a time, given up when it fails.

use super::awake::Awake;
use crate::{
    AdapterError, AdapterErrorKind, SUBMISSION_PATIENCE,
    shared::{Asking, Tally},
    slurm::columns::AccountingFields,
};
use reach::Reach;
use slurm_messages::{Answer, Failure, Hello, Question};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex as Lock, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, MutexGuard, Semaphore};

/// So many helpers submit at once where the place takes them, as many as commands would: the library waits for the controller at each submission, and
/// does nothing else meanwhile. Every other question is put to the first.
const HELPERS: usize = 4;

/// So many submissions that wait are worth another helper: a start takes as long as about ten of them.
const WORTH_A_HELPER: usize = 10;

/// How long the helper may take for each message of a read.
const READ_LIMIT: Duration = Duration::from_mins(1);

/// Why a question has no answer.
#[derive(Debug)]
pub(in crate::slurm) enum Unanswered {
    /// Nothing was sent: there is no helper that fits, or it leaves this to the commands.
    NotAsked,
    /// It was sent, and whether it was heard is not known.
    Lost(AdapterError),
    /// The library answered, or the question was wrong.
    Failed(Failure),
}

enum State {
    Asleep,
    Awake(Awake),
    /// For the rest of this process's life, for this reason.
    GivenUp,
}

/// The way to the helper.
pub(in crate::slurm) struct Helper {
    reach: Arc<dyn Reach>,
    program: PathBuf,
    /// How long each message of a read is waited for.
    patience: Duration,
    /// How long the answer to a submission is.
    submission_patience: Duration,
    helpers: [Mutex<State>; HELPERS],
    /// What the first of them said.
    said: OnceLock<Hello>,
    /// One for each helper that may submit.
    turns: Semaphore,
    /// Submissions under way or waiting for their turn.
    submissions: AtomicUsize,
    tally: Arc<Tally>,
    /// Why it was given up, for whoever asks.
    note: Lock<Option<String>>,
}

/// A helper that is being asked. Whoever asks may be dropped in the middle of an answer, whose rest the next question would be given:
/// the helper is asleep meanwhile, and comes back when its answer is whole. Otherwise it ends with this, or is left alone in the
/// middle of a write.
struct Busy {
    awake: Option<Awake>,
    was_write: bool,
}

impl Busy {
    /// Takes a helper that is awake.
    fn taken_from(state: &mut State, was_write: bool) -> Option<Self> {
        match std::mem::replace(state, State::Asleep) {
            State::Awake(awake) => Some(Self { awake: Some(awake), was_write }),
            other => {
                *state = other;
                None
            }
        }
    }

    fn awake(&mut self) -> &mut Awake {
        self.awake.as_mut().expect("it is there until it goes back")
    }

    fn back(mut self) -> Awake {
        self.awake.take().expect("it is there until it goes back")
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(awake) = self.awake.take().filter(|_| self.was_write) {
            awake.conversation.let_be();
        }
    }
}

/// One more submission under way, as long as this lives.
struct UnderWay<'count>(&'count AtomicUsize);

impl<'count> UnderWay<'count> {
    fn one_more(count: &'count AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What one answer is made of, on its way.
pub(in crate::slurm) enum Piece<'a> {
    /// The columns of a table.
    Columns(Vec<String>),
    /// One row of it.
    Row(&'a [&'a str]),
}

/// Takes the pieces of an answer.
#[async_trait::async_trait]
pub(in crate::slurm) trait PieceTaker: Send {
    async fn take(&mut self, piece: Piece<'_>);
}

/// What questions to it are counted under.
const SOURCE: &str = "pakt-slurm";

/// Counts rows on their way.
struct Counted<'taker> {
    asking: Asking,
    taker: &'taker mut dyn PieceTaker,
}

#[async_trait::async_trait]
impl PieceTaker for Counted<'_> {
    async fn take(&mut self, piece: Piece<'_>) {
        self.asking.lines += u64::from(matches!(piece, Piece::Row(_)));
        self.taker.take(piece).await;
    }
}

impl Helper {
    pub(in crate::slurm) fn new(reach: Arc<dyn Reach>, program: PathBuf, tally: Arc<Tally>) -> Self {
        Self {
            program,
            patience: READ_LIMIT,
            submission_patience: SUBMISSION_PATIENCE,
            helpers: std::array::from_fn(|_| Mutex::new(State::Asleep)),
            said: OnceLock::new(),
            turns: Semaphore::new(HELPERS.min(reach.most_copies())),
            reach,
            submissions: AtomicUsize::new(0),
            tally,
            note: Lock::default(),
        }
    }

    /// The same with another patience.
    pub(in crate::slurm) fn waiting(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long each message of a read is waited for.
    pub(in crate::slurm) const fn patience(&self) -> Duration {
        self.patience
    }

    /// The same with another patience for a submission.
    pub(in crate::slurm) fn waiting_to_submit(mut self, patience: Duration) -> Self {
        self.submission_patience = patience;
        self
    }

    /// How long the answer to a submission is waited for.
    pub(in crate::slurm) const fn submission_patience(&self) -> Duration {
        self.submission_patience
    }

    /// Why the helper is not used, where it was tried and given up.
    pub(in crate::slurm) fn note(&self) -> Option<String> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the helper says of itself.
    pub(in crate::slurm) async fn hello(&self) -> Option<Hello> {
        // Whoever submits asks for it each time, while others submit.
        if let Some(said) = self.said.get().filter(|_| self.note().is_none()) {
            return Some(said.clone());
        }
        let mut state = self.first().lock().await;
        self.wake(&mut state).await.map(|awake| awake.hello.clone())
    }

    /// The columns of its rows of accounting.
    pub(in crate::slurm) async fn fields(&self) -> Option<Arc<AccountingFields>> {
        let mut state = self.first().lock().await;
        self.wake(&mut state).await.map(|awake| Arc::clone(&awake.fields))
    }

    const fn first(&self) -> &Mutex<State> {
        &self.helpers[0]
    }

    /// Asks, and hands the rows of the answer on as they come; its last message. `within` bounds the wait for each message.
    pub(in crate::slurm) async fn ask(
        &self,
        question: &Question,
        within: Duration,
        taker: &mut dyn PieceTaker,
    ) -> Result<Answer<'static>, Unanswered> {
        if !matches!(question, Question::Submit(_)) {
            return self.ask_one(self.first().lock().await, question, within, taker).await;
        }
        let under_way = UnderWay::one_more(&self.submissions);
        let turn = self.turns.acquire().await;
        let answer = self.ask_one(self.free().await, question, within, taker).await;
        drop((turn, under_way));
        answer
    }

    /// A helper that does nothing now; another one is started where enough submissions wait for it. The first where there is
    /// none, once that is free.
    async fn free(&self) -> MutexGuard<'_, State> {
        for (number, helper) in self.helpers.iter().enumerate().take(self.reach.most_copies()) {
            let Ok(mut state) = helper.try_lock() else { continue };
            let is_worth_it = self.submissions.load(Ordering::Relaxed) > number * WORTH_A_HELPER;
            if number > 0 && is_worth_it && matches!(*state, State::Asleep) {
                // One more that cannot be started is no reason to do without the first.
                *state = self.start().await.map_or(State::GivenUp, State::Awake);
            }
            if number == 0 || matches!(*state, State::Awake(_)) {
                return state;
            }
        }
        self.first().lock().await
    }

    async fn ask_one(
        &self,
        mut state: MutexGuard<'_, State>,
        question: &Question,
        within: Duration,
        taker: &mut dyn PieceTaker,
    ) -> Result<Answer<'static>, Unanswered> {
        if self.wake(&mut state).await.is_none() {
            return Err(Unanswered::NotAsked);
        }
        let was_write = matches!(question, Question::Submit(_) | Question::Cancel { .. });
        let Some(mut busy) = Busy::taken_from(&mut state, was_write) else { return Err(Unanswered::NotAsked) };
        let mut counted = Counted { asking: Asking::of(SOURCE), taker };
        let asked = busy.awake().exchange(question, within, &mut counted).await;
        self.tally.count(&counted.asking, asked.as_ref().is_ok_and(|answer| !matches!(answer, Answer::Failed(_))));
        match asked {
            Ok(answer) => {
                *state = State::Awake(busy.back());
                match answer {
                    Answer::Failed(failure) => Err(Unanswered::Failed(failure)),
                    answer => Ok(answer),
                }
            }
            Err(why) => {
                let why = why.with_complaints(busy.awake().conversation.as_ref());
                self.say(&why.0);
                *state = State::GivenUp;
                Err(Unanswered::Lost(AdapterError::new(AdapterErrorKind::Unreachable, DOING).with("cause", why.0)))
            }
        }
    }

    /// The helper, ready for a question; none where it, or another one, is given up.
    async fn wake<'state>(&self, state: &'state mut State) -> Option<&'state mut Awake> {
        if self.note().is_some() {
            return None;
        }
        if matches!(state, State::Asleep) {
            *state = match self.start().await {
                Ok(awake) => {
                    self.said.get_or_init(|| awake.hello.clone());
                    State::Awake(awake)
                }
                Err(why) => {
                    self.say(&why);
                    State::GivenUp
                }
            };
        }
        match state {
            State::Awake(awake) => Some(awake),
            _ => None,
        }
    }

    async fn start(&self) -> Result<Awake, String> {
        Awake::start(self.reach.as_ref(), &self.program, self.patience).await
    }

    fn say(&self, why: &str) {
        let note = format!("{}: {why}", self.program.display());
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(note);
    }
}

const DOING: &str = "asking Slurm's library (pakt-slurm)";
