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
    directory::{Checkpoint, SentLink},
    error::JobsError,
    house::House,
    job_file::{JobFile, Mistake},
    ledger_view::LedgerView,
    outlook::Advice,
    provenance::CodeView,
    reached::reached,
    sweep::point_counts,
};
use model::{Amount, Factors, JobId, LinkNumber, SchedulerJobId, Sweep, Unit};
use std::path::PathBuf;

/// What a person asks for.
pub struct Submission {
    /// The job.
    pub file: JobFile,
    /// A new job even while an earlier one of the same file is not over.
    pub again: bool,
    /// The reason to go on where the ledger refuses.
    pub anyway: Option<String>,
    /// The checkpoint of an earlier job at which a chain begins.
    pub checkpoint: Option<Checkpoint>,
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

/// How large a sweep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SubmittedSweep {
    /// How many cells: starts of the program, or of an evaluation tasks of models.
    pub cells: usize,
    /// In how many jobs of the scheduler's.
    pub links: LinkNumber,
}

impl SubmittedSweep {
    /// How large this one is.
    pub(crate) fn of(sweep: &Sweep) -> Self {
        Self { cells: sweep.point_count(), links: sweep.links() }
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
    /// Of a chain or a sweep: its links that the scheduler has, or had.
    pub links: Vec<SentLink>,
    /// Of a sweep: how large it is.
    pub sweep: Option<SubmittedSweep>,
    /// Those of them that were sent by this call, but for the first one.
    pub sent_now: Vec<SentLink>,
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
    let Submission { file, again, anyway, checkpoint } = submission;
    if let Some(checkpoint) = &checkpoint {
        may_begin_at(house, &file, checkpoint).await?;
    }
    let ready =
        Box::pin(ready((&LedgerView::of(&house.here), &CodeView::new()), house, file, (anyway, checkpoint))).await?;
    let advice = match &ready.told.payment {
        Some((book, unit, amount)) => {
            advice_for(house, &ready.intent.project, (book, unit, *amount), ready.told.expected).await
        }
        None => None,
    };
    let earlier = house.state.last_of_request(&ready.digest).await?.map(|(_, id)| id);
    let opened = open_request(house, &ready.digest, again).await?;
    let begun = Box::pin(begin(house, opened, ready)).await?;
    if !begun.was_sent
        && let Err(error) = take_hold(house, &begun.directory, &begun.intent).await
    {
        return Err(begun.refused(house, error).await?);
    }
    let submitted = Box::pin(begun.send(house)).await?;
    let mut answer = Box::pin(begun.answer(house, &submitted, Seen::NotYet)).await?;
    if let Some(earlier) = earlier.filter(|id| *id != answer.id && !answer.links.is_empty()) {
        answer.notes.extend(begins_anew(house, earlier).await?);
    }
    answer.advice = advice.filter(|_| answer.outcome == SubmitOutcome::New && answer.hold.is_some());
    Ok(answer)
}

/// That a chain begins anew although an earlier one of the same request left a checkpoint, or a sweep although one has done cells.
async fn begins_anew(house: &House, earlier: JobId) -> Result<Option<String>, JobsError> {
    let directory = house.state.job(earlier);
    let intent = directory.intent().await?;
    if let Some(intent) = intent.as_ref()
        && let Some(sweep) = directory.cells_of(intent).await?
    {
        let counts = point_counts(&*house.files, &directory, &sweep).await?;
        let note = format!(
            "it begins all cells anew; job {earlier} of the same file has done {} of {}, and `pakt results {earlier} --missing` submits the others alone",
            counts.done, counts.all
        );
        return Ok((counts.done > 0).then_some(note));
    }
    let last = house.state.job(earlier).checkpoints().await?.last;
    Ok(last.map(|Checkpoint { step, path }| {
        format!(
            "it begins anew, unless its program finds a checkpoint by itself; job {earlier} of the same file left one of step {step}, \
             at which `--checkpoint {step}:{}` begins",
            path.display()
        )
    }))
}

/// Whether a job can begin at a checkpoint: one that is there, and of a chain, whose program is told where to go on.
async fn may_begin_at(house: &House, file: &JobFile, checkpoint: &Checkpoint) -> Result<(), JobsError> {
    let what = format!("job `{}` was not submitted", file.spec.name);
    if file.spec.chain.is_none() {
        let why = "it is no chain, and its program is not told at which checkpoint to go on";
        return Err(JobsError::usage(what, why, "write `chain: { until: steps }` (docs/checkpoints.md)"));
    }
    if reached(house.files.modified_at(&checkpoint.path).await, &what)?.is_none() {
        let why = format!("there is no checkpoint at `{}`", checkpoint.path.display());
        return Err(JobsError::usage(
            what,
            why,
            "`pakt show` of the job that wrote it names the last one that is there",
        ));
    }
    Ok(())
}
