//! A helper that runs: how it is started and heard, and how it answers.

use super::helper::{Piece, PieceTaker};
use crate::slurm::{columns::AccountingFields, queue_row, submit::in_environment};
use reach::{Command, Conversation, Reach, ReachError};
use slurm_messages::{Answer, Hello, PROTOCOL, Question, frame};
use std::{path::Path, sync::Arc, time::Duration};

/// How long the helper may take to say what it is: it reads Slurm's configuration, perhaps from a controller.
const HELLO_LIMIT: Duration = Duration::from_secs(30);

/// A helper that has said what it is.
pub(super) struct Awake {
    pub(super) conversation: Box<dyn Conversation>,
    pub(super) hello: Hello,
    pub(super) fields: Arc<AccountingFields>,
}

impl Awake {
    pub(super) async fn start(reach: &dyn Reach, program: &Path, patience: Duration) -> Result<Self, String> {
        // Long lists of waiting array tasks are cut otherwise (squeue(1), SLURM_BITSTR_LEN).
        let command = in_environment(Command::new(program.to_string_lossy()), false).variable("SLURM_BITSTR_LEN", "0");
        let mut conversation = reach.converse(&command).await.map_err(|error| error.to_string())?;
        let told = receive(conversation.as_mut(), HELLO_LIMIT.min(patience)).await;
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
        Ok(Self { conversation, hello, fields: Arc::new(fields) })
    }

    /// Asks, and hands the rows of the answer on as they come; its last message.
    pub(super) async fn exchange(
        &mut self,
        question: &Question,
        within: Duration,
        taker: &mut dyn PieceTaker,
    ) -> Result<Answer<'static>, Broken> {
        let conversation = self.conversation.as_mut();
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
}

/// Why the exchange failed.
pub(super) struct Broken(pub(super) String);

impl Broken {
    /// With what the helper said before it ended.
    pub(super) fn with_complaints(self, conversation: &dyn Conversation) -> Self {
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
