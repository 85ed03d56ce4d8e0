//! The route of one job in order. Bad input is refused before the first step; after a refusal nothing is left but a note of
//! it.

use super::{
    begun::begin,
    hold::take_hold,
    open_request,
    read_back::Seen,
    ready::{advice_for, ready},
};
use crate::{
    directory::SentLink,
    error::JobsError,
    house::House,
    job_file::{JobFile, Mistake},
    ledger_view::LedgerView,
    outlook::Advice,
};
use model::{Amount, Factors, JobId, SchedulerJobId, Unit};
use std::path::PathBuf;

/// What a person asks for.
pub struct Submission {
    /// The job.
    pub file: JobFile,
    /// A new job even while an earlier one of the same file is not over.
    pub again: bool,
    /// The reason to go on where the ledger refuses.
    pub anyway: Option<String>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubmitOutcome {
    /// It was submitted now.
    New,
    /// It had been begun; now it is submitted.
    Resumed,
    /// It was submitted before and is not over.
    Already,
}

impl SubmitOutcome {
    pub(crate) const fn of(was_begun: bool, was_sent: bool) -> Self {
        match (was_begun, was_sent) {
            (_, true) => Self::Already,
            (true, false) => Self::Resumed,
            (false, false) => Self::New,
        }
    }
}

/// A submitted job.
pub struct SubmitAnswer {
    /// Our id.
    pub id: JobId,
    /// The scheduler's.
    pub scheduler_job: SchedulerJobId,
    /// What became of the request.
    pub outcome: SubmitOutcome,
    /// What is held.
    pub hold: Option<(Unit, Amount)>,
    /// Of a chain: its links that the scheduler has, or had.
    pub links: Vec<SentLink>,
    /// How that comes about.
    pub factors: Option<Factors>,
    /// Why nothing is held.
    pub no_hold: Option<String>,
    /// What the budget's policy said to the job, where it was made now.
    pub advice: Option<Advice>,
    /// What the scheduler changed.
    pub drift: Vec<String>,
    /// What could not be done and loses nothing.
    pub notes: Vec<String>,
    /// Doubts about the job file.
    pub doubts: Vec<Mistake>,
    /// Where its log will be.
    pub log: PathBuf,
}

/// Submits a job exactly once.
pub async fn submit(house: &House, submission: Submission) -> Result<SubmitAnswer, JobsError> {
    let Submission { file, again, anyway } = submission;
    let ready = Box::pin(ready(&LedgerView::of(&house.here), house, file, anyway)).await?;
    let advice = match &ready.told.payment {
        Some((book, unit, amount)) => {
            advice_for(house, &ready.intent.project, (book, unit, *amount), ready.told.expected).await
        }
        None => None,
    };
    let opened = open_request(house, &ready.digest, again).await?;
    let begun = begin(house, opened, ready).await?;
    if !begun.was_sent
        && let Err(error) = take_hold(house, &begun.directory, &begun.intent).await
    {
        return Err(begun.refused(house, error).await?);
    }
    let submitted = Box::pin(begun.send(house)).await?;
    let mut answer = begun.answer(house, &submitted, Seen::NotYet).await?;
    answer.advice = advice.filter(|_| answer.outcome == SubmitOutcome::New && answer.hold.is_some());
    Ok(answer)
}
