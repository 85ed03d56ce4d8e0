//! Of all who want an answer at once one asks, and the others take what it was told.

use super::{
    folder::{Answer, Claim, Claimed, Folder},
    pace::{Freshness, Pace, Sharing},
    wait::Wait,
};
use crate::{AdapterError, AdapterErrorKind};
use model::{Clock, Timestamp, UserName};
use reach::Reach;
use std::{sync::Arc, time::Duration};

/// How long somebody else's question is waited for: as long as a question may take. After that everybody asks for themselves.
const PATIENCE: Duration = Duration::from_mins(1);

/// The first and the longest pause between two looks whether somebody else has been answered.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// The answers that a person's processes share about one site.
pub(crate) struct Shared {
    pub(crate) folder: Folder,
    pub(crate) pace: Pace,
    /// Whose they are.
    pub(crate) user: UserName,
    random: fn() -> u128,
    clock: Arc<dyn Clock>,
}

/// A question whose answer is shared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// The name of the answer.
    pub(crate) name: &'static str,
    /// Who is behind it, as far as not answering goes.
    pub(crate) source: &'static str,
    /// What is being done, for an error.
    pub(crate) doing: &'static str,
}

/// Whose turn it is.
pub(crate) enum Turn<Content> {
    /// There is an answer.
    Known(Content),
    /// It is ours to ask. `previous` is what was told last; the claim is none where nothing can be shared.
    Ask { previous: Option<Content>, claim: Option<Claim> },
}

impl Shared {
    pub(crate) fn new(reach: Arc<dyn Reach>, clock: Arc<dyn Clock>, sharing: Sharing) -> Self {
        let Sharing { folder, user, pace, random } = sharing;
        Self { folder: Folder::new(reach, folder), pace, user, random, clock }
    }

    /// Whether an answer of that instant is good enough. One from the future was dated by a clock that is wrong.
    pub(crate) fn is_young(&self, observed_at: Timestamp, freshness: Freshness) -> bool {
        let age = self.clock.now().seconds_since(observed_at);
        (0..i64::from(self.pace.oldest_seconds(freshness))).contains(&age)
    }

    /// A token for a new answer.
    pub(crate) fn token(&self) -> String {
        format!("{:032x}", (self.random)())
    }

    /// The answer under a name where it is good enough, or the right to ask for a new one. `Err` where the source is left alone
    /// for a while.
    pub(crate) async fn turn<Content: Answer>(
        &self,
        question: Question,
        is_good: &(dyn Fn(&Content) -> bool + Sync),
    ) -> Result<Turn<Content>, AdapterError> {
        let name = question.name;
        let mut waited = Duration::ZERO;
        let mut pause = LOOKS.0;
        loop {
            let previous =
                self.folder.read::<Content>(name, &self.user).await.filter(|content| is_token(content.token()));
            let previous = match previous {
                Some(content) if is_good(&content) => return Ok(Turn::Known(content)),
                previous => previous,
            };
            self.may_ask(question).await?;
            let token = previous.as_ref().map_or("none", Answer::token).to_owned();
            let claim = match self.folder.claim(name, &token, self.clock.now()).await {
                Claimed::Ours(claim) => Some(claim),
                Claimed::Theirs if waited < PATIENCE => {
                    // Between half of the pause and all of it, so that many do not look in step.
                    let share = u32::try_from((self.random)() % 512).unwrap_or(0) + 512;
                    let moment = pause * share / 1024;
                    tokio::time::sleep(moment).await;
                    waited += moment;
                    pause = (pause * 2).min(LOOKS.1);
                    continue;
                }
                Claimed::Theirs | Claimed::Unusable => return Ok(Turn::Ask { previous, claim: None }),
            };
            return self.with_claim((name, &token), is_good, previous, claim).await;
        }
    }

    /// Looks once more: somebody may have been answered between our look and our claim.
    async fn with_claim<Content: Answer>(
        &self,
        (name, token): (&str, &str),
        is_good: &(dyn Fn(&Content) -> bool + Sync),
        previous: Option<Content>,
        claim: Option<Claim>,
    ) -> Result<Turn<Content>, AdapterError> {
        match self.folder.read::<Content>(name, &self.user).await {
            Some(content) if content.token() != token && is_good(&content) => {
                if let Some(claim) = &claim {
                    self.folder.release(claim, None).await;
                }
                Ok(Turn::Known(content))
            }
            _ => Ok(Turn::Ask { previous, claim }),
        }
    }

    /// Shares what was told, or that nothing was, and gives the right to ask back.
    pub(crate) async fn told<Content: Answer>(
        &self,
        Question { name, source, .. }: Question,
        claim: Option<Claim>,
        told: Result<Content, AdapterError>,
    ) -> Result<Content, AdapterError> {
        match &told {
            Ok(content) => {
                self.answered(source).await;
                if let Some(claim) = &claim {
                    let lies_there = self.folder.put(name, &self.user, content).await;
                    self.folder.release(claim, Some(content.token()).filter(|_| lies_there)).await;
                }
            }
            Err(error) => {
                self.failed(source, error, None).await;
                if let Some(claim) = &claim {
                    self.folder.release(claim, None).await;
                }
            }
        }
        told
    }

    /// An error where the source did not answer lately and is left alone.
    async fn may_ask(&self, question: Question) -> Result<(), AdapterError> {
        let Some((wait, until)) = self.wait(question.source).await else { return Ok(()) };
        Err(AdapterError::new(AdapterErrorKind::Unreachable, question.doing)
            .with("not asked again until", until)
            .with("questions without answer so far", wait.failures)
            .with("said", &wait.said))
    }

    /// A source has answered: whatever it did not answer before is forgotten.
    pub(crate) async fn answered(&self, source: &str) {
        self.folder.remove(&wait_of(source)).await;
    }

    /// How a source is left alone, and until when; none where it may be asked.
    pub(crate) async fn wait(&self, source: &str) -> Option<(Wait, Timestamp)> {
        let wait = self.folder.read::<Wait>(&wait_of(source), &self.user).await?;
        let until = wait.until(self.clock.now())?;
        Some((wait, until))
    }

    /// Counts a question, or a write, that was not answered. Nothing is counted where the source answered, however badly, and
    /// nothing twice: a second failure while nobody may ask says nothing new.
    pub(crate) async fn failed(&self, source: &str, error: &AdapterError, asked_for: Option<u32>) {
        use AdapterErrorKind::{AccountingDown, OutcomeUnknown, Unreachable};
        if !matches!(error.kind, Unreachable | AccountingDown | OutcomeUnknown) {
            return;
        }
        let now = self.clock.now();
        let name = wait_of(source);
        let previous = self.folder.read::<Wait>(&name, &self.user).await;
        if previous.as_ref().is_some_and(|wait| wait.until(now).is_some()) {
            return;
        }
        let said = error.facts.iter().find(|(name, _)| name == "said" || name == "cause");
        let said = said.map_or_else(|| error.to_string(), |(_, said)| said.clone());
        let longest = self.pace.longest_wait_seconds;
        // What failed long ago is no sign of what is wrong now.
        let previous = previous.filter(|wait| now.seconds_since(wait.asked_at) < 3 * i64::from(longest));
        let wait = Wait::after(previous.as_ref(), now, (self.random)(), longest, asked_for, said);
        self.folder.put(&name, &self.user, &wait).await;
    }
}

fn wait_of(source: &str) -> String {
    format!("wait-{source}")
}

/// Whether a text is a token of ours: it becomes a part of a file's name.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 32 && text.bytes().all(|letter| letter.is_ascii_alphanumeric())
}
