//! `pakt ledger refund`: gives back what a run was charged.

use crate::{
    by_hand::{another_answer, post},
    directory::{IndexedJob, list},
    error::JobsError,
    house::House,
    reached::booked,
};
use ledger::{Book, ChargedRun, Command, Effect, HoldId, Outcome, Refund};
use model::{Amount, JobId, RunKey, SchedulerJobId, SiteName, Timestamp};
use std::str::FromStr;

const WHAT: &str = "nothing was refunded";

/// Of which job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundedJob {
    /// By the scheduler's id.
    Scheduled(SchedulerJobId),
    /// By ours.
    Ours(JobId),
}

/// A refund that was entered.
#[derive(Clone, Debug)]
pub struct Refunded {
    /// Of which run.
    pub run: ChargedRun,
    /// How much.
    pub amount: Amount,
    /// Whether it was entered now.
    pub is_new: bool,
}

/// One of the runs of a job: as text `ID@SUBMIT`, such as `4711@2026-11-25T09:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOfJob {
    /// The scheduler's id.
    pub scheduler_job: SchedulerJobId,
    /// When it was submitted; a requeue has an instant of its own.
    pub submitted_at: Timestamp,
}

impl FromStr for RunOfJob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (id, at) = text.split_once('@')?;
            Some(Self { scheduler_job: id.parse().ok()?, submitted_at: at.parse().ok()? })
        };
        read().ok_or_else(|| {
            "write it as `4711@2026-11-25T09:00:00Z`: the scheduler's id, and when it was submitted".to_owned()
        })
    }
}

/// Which run is meant.
#[derive(Clone, Debug)]
pub struct RefundWish {
    /// At which site; without it here, and of a job of ours wherever it ran.
    pub site: Option<SiteName>,
    /// Of which job.
    pub job: RefundedJob,
    /// Which of its runs, where several were charged.
    pub run: Option<RunOfJob>,
    /// How much; without it all.
    pub amount: Option<Amount>,
    /// Why.
    pub reason: String,
}

/// Gives back what a run was charged. Of several runs of the job, which is one that was requeued, or whose id was given
/// again, the wish says which: the one that failed is meant as a rule, and it is not the last.
pub async fn refund(house: &House, wish: RefundWish) -> Result<Refunded, JobsError> {
    let RefundWish { site, job, run, amount, reason } = wish;
    let book = house.needed_book(WHAT).await?;
    if let Some(site) = &site {
        house.site(site)?;
    }
    let runs = match job {
        RefundedJob::Scheduled(id) => scheduled(house, book.as_ref(), site, id).await?,
        RefundedJob::Ours(id) => ours(house, book.as_ref(), site, id).await?,
    };
    let run = chosen(runs, run)?;
    let wish = Refund { run: run.run.clone(), amount, reason };
    match post(house, book.as_ref(), Command::Refund(wish), WHAT).await? {
        Outcome::Refunded(amount, effect) => Ok(Refunded { run, amount, is_new: effect == Effect::Done }),
        _ => Err(another_answer(WHAT)),
    }
}

/// The run that is meant of those that somebody paid for.
fn chosen(mut runs: Vec<ChargedRun>, wanted: Option<RunOfJob>) -> Result<ChargedRun, JobsError> {
    let is_it = |run: &RunKey| {
        wanted.is_none_or(|wanted| (run.scheduler_job, run.submitted_at) == (wanted.scheduler_job, wanted.submitted_at))
    };
    let listed: Vec<String> = runs.iter().map(shown).collect();
    runs.retain(|run| is_it(&run.run));
    if runs.len() == 1 {
        return Ok(runs.remove(0));
    }
    let (why, listed) = match wanted {
        Some(_) if runs.is_empty() => ("none of the runs that were charged is that one", listed),
        _ => ("several runs of the job were charged", runs.iter().map(shown).collect()),
    };
    Err(JobsError::usage(
        WHAT,
        format!("{why}: {}", listed.join("; ")),
        "name one: `--run ID@SUBMIT`, as they are listed",
    ))
}

/// A run as it is named, and what tells it from others.
fn shown(charged: &ChargedRun) -> String {
    let ChargedRun { run, started_at, end_state, unit, amount, .. } = charged;
    let hours = amount.in_hours_of(unit);
    format!("{}@{} (started {started_at}, {end_state}, {hours})", run.scheduler_job, run.submitted_at)
}

async fn scheduled(
    house: &House,
    book: &dyn Book,
    site: Option<SiteName>,
    id: SchedulerJobId,
) -> Result<Vec<ChargedRun>, JobsError> {
    let site = site.unwrap_or_else(|| house.here.clone());
    if id.task().is_some() {
        let next =
            "name the job by our id (`pakt jobs`), or the run by its own number (`sacct --format=JobIDRaw,JobID`)";
        return Err(JobsError::usage(
            WHAT,
            format!("`{id}` is a task of an array, whose runs have numbers of their own"),
            next,
        ));
    }
    let mut runs = booked(book.charged_runs(&site, id).await, WHAT)?;
    // As they came, which is how people tell them.
    runs.reverse();
    if runs.is_empty() {
        let why = format!("nobody was charged for a run of job {id} at `{site}`");
        let next =
            "`pakt settle` reads runs; `pakt ledger covered` lists those in openings; `--at SITE` names another site";
        return Err(JobsError::usage(WHAT, why, next));
    }
    Ok(runs)
}

/// The ledger knows the runs that drew from the job's hold, and its directory here the scheduler's id of one without.
async fn ours(house: &House, book: &dyn Book, site: Option<SiteName>, id: JobId) -> Result<Vec<ChargedRun>, JobsError> {
    let mut runs = booked(book.runs_charged_to(HoldId(id)).await, WHAT)?;
    let jobs = list(&house.state).await?;
    let here = jobs.iter().find(|job| job.intent.id == id);
    // The runs of a task are known by a number that only its hold tells.
    let number = |job: &IndexedJob| job.scheduler_job.filter(|id| id.task().is_none());
    if let Some((job, scheduler_job)) = here.and_then(|job| Some((job, number(job)?))) {
        let found = booked(book.charged_runs(&job.intent.site, scheduler_job).await, WHAT)?;
        // An id is given again; the runs of its earlier owners began before this job was submitted.
        runs.extend(found.into_iter().filter(|run| run.run.submitted_at >= job.submitted_since()));
    }
    runs.retain(|run| site.as_ref().is_none_or(|site| *site == run.run.site));
    runs.sort_by(|one, other| (one.run.submitted_at, &one.run).cmp(&(other.run.submitted_at, &other.run)));
    runs.dedup_by(|one, other| one.run == other.run);
    if runs.is_empty() {
        let place = site.map(|site| format!(" at `{site}`")).unwrap_or_default();
        let why = format!("nobody was charged for a run of job {id}{place}");
        let next = format!("`pakt settle` reads runs; `pakt show {id}` says what is known of the job");
        return Err(JobsError::usage(WHAT, why, next));
    }
    Ok(runs)
}
