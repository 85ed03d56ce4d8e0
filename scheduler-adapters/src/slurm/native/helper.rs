//! The helper as a process: started when it is first needed, asked one question at a time, given up when it fails.

use crate::{
    AdapterError, AdapterErrorKind,
    shared::{Asking, Tally},
    slurm::{columns::AccountingFields, queue_row, submit::in_environment},
};
use reach::{Command, Conversation, Reach, ReachError};
use slurm_messages::{Answer, Failure, Hello, PROTOCOL, Question, frame};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::Duration,
};
use tokio::sync::Mutex;

/// How long the helper may take to say what it is: it reads Slurm's configuration, perhaps from a controller.
const HELLO_LIMIT: Duration = Duration::from_secs(30);

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

/// A helper that has said what it is.
struct Awake {
    conversation: Box<dyn Conversation>,
    hello: Hello,
    fields: Arc<AccountingFields>,
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
    state: Mutex<State>,
    tally: Arc<Tally>,
    /// Why it was given up, for whoever asks.
    note: Lock<Option<String>>,
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
        let (state, note) = (Mutex::new(State::Asleep), Lock::default());
        Self { reach, program, patience: READ_LIMIT, state, tally, note }
    }

    /// The same with another patience.
    pub(in crate::slurm) const fn waiting(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long each message of a read is waited for.
    pub(in crate::slurm) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Why the helper is not used, where it was tried and given up.
    pub(in crate::slurm) fn note(&self) -> Option<String> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the helper says of itself.
    pub(in crate::slurm) async fn hello(&self) -> Option<Hello> {
        let mut state = self.state.lock().await;
        self.wake(&mut state).await.map(|awake| awake.hello.clone())
    }

    /// The columns of its rows of accounting.
    pub(in crate::slurm) async fn fields(&self) -> Option<Arc<AccountingFields>> {
        let mut state = self.state.lock().await;
        self.wake(&mut state).await.map(|awake| Arc::clone(&awake.fields))
    }

    /// Asks, and hands the rows of the answer on as they come; its last message. `within` bounds the wait for each message.
    pub(in crate::slurm) async fn ask(
        &self,
        question: &Question,
        within: Duration,
        taker: &mut dyn PieceTaker,
    ) -> Result<Answer<'static>, Unanswered> {
        let mut state = self.state.lock().await;
        let Some(awake) = self.wake(&mut state).await else { return Err(Unanswered::NotAsked) };
        let mut counted = Counted { asking: Asking::of(SOURCE), taker };
        let asked = exchange(awake.conversation.as_mut(), question, within, &mut counted).await;
        self.tally.count(&counted.asking, asked.as_ref().is_ok_and(|answer| !matches!(answer, Answer::Failed(_))));
        match asked {
            Ok(Answer::Failed(failure)) => Err(Unanswered::Failed(failure)),
            Ok(answer) => Ok(answer),
            Err(why) => {
                let why = why.with_complaints(awake.conversation.as_ref());
                let was_write = matches!(question, Question::Submit(_) | Question::Cancel { .. });
                self.give_up(&mut state, &why.0, was_write);
                Err(Unanswered::Lost(AdapterError::new(AdapterErrorKind::Unreachable, DOING).with("cause", why.0)))
            }
        }
    }

    /// The helper, ready for a question; none where it is given up.
    async fn wake<'state>(&self, state: &'state mut State) -> Option<&'state mut Awake> {
        if matches!(state, State::Asleep) {
            *state = match self.start().await {
                Ok(awake) => State::Awake(awake),
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
        // Long lists of waiting array tasks are cut otherwise (squeue(1), SLURM_BITSTR_LEN).
        let command =
            in_environment(Command::new(self.program.to_string_lossy()), false).variable("SLURM_BITSTR_LEN", "0");
        let mut conversation = self.reach.converse(&command).await.map_err(|error| error.to_string())?;
        let told = receive(conversation.as_mut(), HELLO_LIMIT.min(self.patience)).await;
        let bytes = told.map_err(|why| why.with_complaints(conversation.as_ref()).0)?;
        let hello: Hello = frame::decode(&bytes).map_err(|error| error.to_string())?;
        if hello.protocol != PROTOCOL {
            let theirs = hello.protocol;
            return Err(format!(
                "it speaks version {theirs} of the messages, and this program {PROTOCOL}: build both anew"
            ));
        }
        if hello.job_columns != queue_row::FIELDS {
            return Err("its columns of the queue are not those of this program: build both anew".to_owned());
        }
        let fields =
            AccountingFields::of(&hello.run_columns).ok_or("it lacks columns of accounting: build both anew")?;
        Ok(Awake { conversation, hello, fields: Arc::new(fields) })
    }

    fn give_up(&self, state: &mut State, why: &str, was_write: bool) {
        self.say(why);
        if let State::Awake(awake) = std::mem::replace(state, State::GivenUp)
            && was_write
        {
            awake.conversation.let_be();
        }
    }

    fn say(&self, why: &str) {
        let note = format!("{}: {why}", self.program.display());
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(note);
    }
}

const DOING: &str = "asking Slurm's library (pakt-slurm)";

/// Why the exchange failed.
struct Broken(String);

impl Broken {
    /// With what the helper said before it ended.
    fn with_complaints(self, conversation: &dyn Conversation) -> Self {
        let said = conversation.complaints();
        if said.is_empty() { self } else { Self(format!("{}; it said: {said}", self.0)) }
    }
}

impl From<ReachError> for Broken {
    fn from(error: ReachError) -> Self {
        Self(error.to_string())
    }
}

impl From<frame::FrameError> for Broken {
    fn from(error: frame::FrameError) -> Self {
        Self(error.to_string())
    }
}

async fn receive(conversation: &mut dyn Conversation, within: Duration) -> Result<Vec<u8>, Broken> {
    let head = conversation.receive(frame::HEAD, within).await?;
    let head: [u8; frame::HEAD] = head.try_into().map_err(|_| Broken("a message without a length".to_owned()))?;
    Ok(conversation.receive(frame::length(head)?, within).await?)
}

async fn exchange(
    conversation: &mut dyn Conversation,
    question: &Question,
    within: Duration,
    taker: &mut dyn PieceTaker,
) -> Result<Answer<'static>, Broken> {
    conversation.send(&frame::encode(question)?).await?;
    loop {
        let bytes = receive(conversation, within).await?;
        match frame::decode(&bytes)? {
            Answer::Columns(columns) => taker.take(Piece::Columns(columns)).await,
            Answer::Rows(rows) => {
                for row in &rows {
                    let values: Vec<&str> = row.iter().map(AsRef::as_ref).collect();
                    taker.take(Piece::Row(&values)).await;
                }
            }
            Answer::End => return Ok(Answer::End),
            Answer::Done => return Ok(Answer::Done),
            Answer::Submitted { job, said } => return Ok(Answer::Submitted { job, said }),
            Answer::Failed(failure) => return Ok(Answer::Failed(failure)),
        }
    }
}
