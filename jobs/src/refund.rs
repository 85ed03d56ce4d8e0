//! `pakt ledger refund`: gives back what a run was charged.

use crate::{
    by_hand::{another_answer, post},
    directory::{IndexedJob, list},
    error::JobsError,
    house::House,
    reached::booked,
};
use ledger::{Book, ChargedRun, Command, Effect, Entry, EntryPage, HoldId, Outcome, Refund};
use model::{Amount, JobId, RunKey, SchedulerJobId, SiteName};

const WHAT: &str = "nothing was refunded";

/// So many entries are looked at together.
const PAGE: u32 = 10_000;

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

/// Gives back what a run was charged: the latest run of the job, at the site where one is named.
pub async fn refund(
    house: &House,
    (site, job): (Option<SiteName>, RefundedJob),
    amount: Option<Amount>,
    reason: String,
) -> Result<Refunded, JobsError> {
    let book = house.needed_book(WHAT).await?;
    if let Some(site) = &site {
        house.site(site)?;
    }
    let run = match job {
        RefundedJob::Scheduled(id) => scheduled(house, book.as_ref(), site, id).await?,
        RefundedJob::Ours(id) => ours(house, book.as_ref(), site, id).await?,
    };
    let wish = Refund { run: run.run.clone(), amount, reason };
    match post(house, book.as_ref(), Command::Refund(wish), WHAT).await? {
        Outcome::Refunded(amount, effect) => Ok(Refunded { run, amount, is_new: effect == Effect::Done }),
        _ => Err(another_answer(WHAT)),
    }
}

async fn scheduled(
    house: &House,
    book: &dyn Book,
    site: Option<SiteName>,
    id: SchedulerJobId,
) -> Result<ChargedRun, JobsError> {
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
    let runs = booked(book.charged_runs(&site, id).await, WHAT)?;
    runs.into_iter().next().ok_or_else(|| {
        let why = format!("nobody was charged for a run of job {id} at `{site}`");
        JobsError::usage(
            WHAT,
            why,
            "`pakt settle` reads runs; `pakt ledger covered` lists those in openings; `--at SITE` names another site",
        )
    })
}

/// The ledger knows the runs that drew from the job's hold, and its directory here the scheduler's id of one without.
async fn ours(house: &House, book: &dyn Book, site: Option<SiteName>, id: JobId) -> Result<ChargedRun, JobsError> {
    let mut keys = keys_of_hold(book, id).await?;
    let jobs = list(&house.state).await?;
    let here = jobs.iter().find(|job| job.intent.id == id);
    // The runs of a task are known by a number that only its hold tells.
    let number = |job: &IndexedJob| job.scheduler_job.filter(|id| id.task().is_none());
    if let Some((job, scheduler_job)) = here.and_then(|job| Some((job, number(job)?))) {
        let runs = booked(book.charged_runs(&job.intent.site, scheduler_job).await, WHAT)?;
        // An id is given again; the runs of its earlier owners began before this job was submitted.
        keys.extend(runs.into_iter().map(|run| run.run).filter(|run| run.submitted_at >= job.submitted_since()));
    }
    keys.retain(|key| site.as_ref().is_none_or(|site| *site == key.site));
    keys.sort_by_key(|key| key.submitted_at);
    while let Some(key) = keys.pop() {
        let runs = booked(book.charged_runs(&key.site, key.scheduler_job).await, WHAT)?;
        if let Some(run) = runs.into_iter().find(|run| run.run == key) {
            return Ok(run);
        }
    }
    let place = site.map(|site| format!(" at `{site}`")).unwrap_or_default();
    let why = format!("nobody was charged for a run of job {id}{place}");
    Err(JobsError::usage(
        WHAT,
        why,
        format!("`pakt settle` reads runs; `pakt show {id}` says what is known of the job"),
    ))
}

async fn keys_of_hold(book: &dyn Book, id: JobId) -> Result<Vec<RunKey>, JobsError> {
    let (mut keys, mut after) = (Vec::new(), 0);
    if booked(book.hold(HoldId(id)).await, WHAT)?.is_none() {
        return Ok(keys);
    }
    loop {
        let page = EntryPage { after, limit: PAGE };
        let entries: Vec<Entry> = booked(book.entries(page).await, WHAT)?;
        let Some(last) = entries.last() else { return Ok(keys) };
        after = last.number;
        let its = entries.into_iter().filter(|entry| entry.links.hold == Some(HoldId(id)));
        keys.extend(its.filter_map(|entry| entry.links.run));
    }
}
