//! Which holds are over. A hold closes once: when all that it was for has ended, or never began, and the scheduler said so.
//! And which jobs here are over whose hold is closed already.

use super::{
    desk::{Desk, LocalJobs, NOT_FINISHED},
    lost::kept_until,
    reading::{Attempt, Reading},
    unsent::is_abandoned,
};
use crate::{
    chain::over_if_spent,
    directory::{Ended, IndexedJob, OverReason, SentLink},
    error::JobsError,
    forgotten::may_have_begun,
    reached::{booked, scheduled},
    removed::{fill_in, with_arrays},
    whose_number::{is_certainly_anothers, is_queued, of_job},
};
use ledger::{CloseHold, CloseReason, Closing, Hold, HoldId};
use model::{BaseState, JobId, JobState, LinkNumber, RunKey, SchedulerJobId, Timestamp, UserName};
use scheduler_adapters::{JobSighting, RejectedRow};
use std::collections::BTreeSet;

/// What was decided.
#[derive(Default)]
pub(super) struct Decided {
    /// Holds to close, with how each of those jobs ended.
    pub(super) over: Vec<(CloseHold, Ended)>,
    /// Jobs here whose hold was closed before, with how they ended: whoever closed it did not come to write it down.
    pub(super) unwritten: Vec<(JobId, Ended)>,
    /// Jobs of which nobody knows anything.
    pub(super) unknown: Vec<JobId>,
    /// Those of them whose number is another job's by now.
    pub(super) forgotten: BTreeSet<JobId>,
    /// Those of them that were cancelled, so that nothing of them can work any more.
    pub(super) unwanted: BTreeSet<JobId>,
    /// Jobs that were begun and never sent.
    pub(super) unsent: Vec<JobId>,
}

/// A job of which neither queue nor accounting showed anything.
struct Unseen {
    job: JobId,
    owner: UserName,
    scheduler_job: SchedulerJobId,
    since: Timestamp,
    /// How its hold was closed; none while it is open.
    closing: Option<Closing>,
    /// Of a chain that is not known to be over, its links.
    links: Option<Vec<SentLink>>,
}

/// Decides for every open hold of this site, and for every job here that has not ended; asks the scheduler once for those
/// that neither queue nor accounting shows. A job in a row of the queue that could not be read may still wait: its hold
/// stays open, and where the row may be anyone's, every hold does.
pub(super) async fn decide(
    desk: &Desk<'_>,
    holds: &[Hold],
    local: &LocalJobs<'_>,
    reading: &Reading,
    queue: &[JobSighting],
    unread: &[RejectedRow],
) -> Result<Decided, JobsError> {
    let mut decided = Decided::default();
    if unread.iter().any(|row| row.is_cut) {
        return Ok(decided);
    }
    let mut unseen = Vec::new();
    let seen = queue.iter().filter(|job| !job.state.is_final()).filter_map(|job| job.stamp);
    let waiting: BTreeSet<JobId> =
        seen.chain(unread.iter().filter_map(|row| row.stamp)).map(|stamp| stamp.job).collect();
    for hold in holds.iter().filter(|hold| !waiting.contains(&hold.id.0)) {
        open_hold(desk, hold, local, reading, &mut decided, &mut unseen).await?;
    }
    let open: BTreeSet<JobId> = holds.iter().map(|hold| hold.id.0).collect();
    let unended = local.values().filter(|job| job.ended.is_none() && !open.contains(&job.intent.id));
    for job in unended.filter(|job| !waiting.contains(&job.intent.id)) {
        closed_before(desk, job, reading, &mut decided, &mut unseen).await?;
    }
    ask(desk, unseen, queue, &mut decided).await?;
    Ok(decided)
}

/// A hold whose job does not wait.
async fn open_hold(
    desk: &Desk<'_>,
    hold: &Hold,
    local: &LocalJobs<'_>,
    reading: &Reading,
    decided: &mut Decided,
    unseen: &mut Vec<Unseen>,
) -> Result<(), JobsError> {
    let job = hold.id.0;
    match (last_attempt(reading, job, None), local.get(&job)) {
        (Last::Over(_), Some(here)) if here.has_links => {
            if let Some(attempt) = last_of_chain(desk, here, reading).await? {
                let ended = ended_by(attempt, desk.house.clock.now());
                let reason = reason(desk, job, true).await?;
                decided.over.push((CloseHold { id: hold.id, reason, read_at: None }, ended));
            }
        }
        (Last::Over(attempt), Some(here)) if has_started_again(desk, here, attempt).await? => {}
        (Last::Over(attempt), here) => {
            let ended = ended_by(attempt, desk.house.clock.now());
            let reason = reason(desk, job, here.is_some()).await?;
            decided.over.push((CloseHold { id: hold.id, reason, read_at: None }, ended));
        }
        (Last::None, Some(here)) if desk.covers(hold, local) => match here.scheduler_job {
            Some(scheduler_job) => {
                let owner = here.intent.principal.user.clone();
                // Of a chain none of whose links has run, the last one is asked for.
                let scheduler_job = here.links.last().map_or(scheduler_job, |link| link.scheduler_job);
                let since = here.submitted_since();
                let goes_on = here.has_links && !is_given_up(desk, here, since).await?;
                let links = goes_on.then(|| here.links.clone());
                unseen.push(Unseen { job, owner, scheduler_job, since, closing: None, links });
            }
            None if is_abandoned(desk.house, here, desk.now).await? => decided.unsent.push(job),
            None => {}
        },
        (Last::UnderWay | Last::None, _) => {}
    }
    Ok(())
}

/// Whether the job's own directory has a later start than the one that accounting tells of as its last, which Slurm may start again: accounting
/// learns of it seconds later. What a killed controller never tells it is waited for as long as a job may be missed.
async fn has_started_again(desk: &Desk<'_>, here: &IndexedJob, last: &Attempt) -> Result<bool, JobsError> {
    let Some(ended_at) = last.ended_at.filter(|_| last.state.may_start_again()) else { return Ok(false) };
    if kept_until(ended_at) < desk.now {
        return Ok(false);
    }
    let started = desk.house.state.job(here.intent.id).attempts().await?;
    // The first start is the one that has ended, whatever the clock of its node said.
    Ok(started.iter().skip(1).any(|start| start.started_at.is_some_and(|at| at >= ended_at)))
}

/// How far the attempts of a job are.
enum Last<'a> {
    /// None was seen.
    None,
    /// One runs, or a row of the job was not taken in.
    UnderWay,
    /// All are over; this is the one that worked.
    Over(&'a Attempt),
}

/// A scheduler job that ended at its claim did no work; the attempt that worked tells how the job ended. One that Slurm ended
/// and started again tells nothing, however long it worked.
fn last_attempt(reading: &Reading, job: JobId, link: Option<LinkNumber>) -> Last<'_> {
    let attempts = reading.attempts(job);
    if reading.is_withheld(job) || attempts.iter().any(|(_, attempt)| attempt.ended_at.is_none()) {
        return Last::UnderWay;
    }
    let has_later = |of: &RunKey| {
        attempts.iter().any(|(key, _)| key.scheduler_job == of.scheduler_job && key.submitted_at > of.submitted_at)
    };
    let telling = attempts.iter().filter(|(key, attempt)| !attempt.state.may_start_again() || !has_later(key));
    let telling = telling.filter(|(_, attempt)| link.is_none_or(|link| attempt.link == link));
    let last = telling.max_by_key(|(key, attempt)| (attempt.elapsed, key.submitted_at));
    last.map_or(Last::None, |&(_, attempt)| Last::Over(attempt))
}

/// The attempt that tells how a chain ended, where it is over and every link that began is in accounting; none where it goes
/// on. Nothing of it waits or runs.
async fn last_of_chain<'a>(
    desk: &Desk<'_>,
    here: &IndexedJob,
    reading: &'a Reading,
) -> Result<Option<&'a Attempt>, JobsError> {
    let (job, directory) = (here.intent.id, desk.house.state.job(here.intent.id));
    let attempts = reading.attempts(job);
    let last_end = attempts.iter().filter_map(|(_, attempt)| attempt.ended_at).max();
    // A controller that was killed may never tell accounting of a start: that is waited for as long as a job may be missed.
    let may_come = kept_until(last_end.unwrap_or(desk.now)) >= desk.now;
    for sent in here.links.iter().filter(|_| may_come) {
        let is_in_accounting = attempts.iter().any(|(_, attempt)| attempt.link == sent.link);
        if !is_in_accounting && !directory.of_link(sent.link).attempts().await?.is_empty() {
            return Ok(None);
        }
    }
    if !is_chain_over(desk, here, last_end.unwrap_or(desk.now)).await? {
        return Ok(None);
    }
    let worked = directory.current_link().await?.link();
    Ok([Some(worked), None].into_iter().find_map(|link| match last_attempt(reading, job, link) {
        Last::Over(attempt) => Some(attempt),
        Last::None | Last::UnderWay => None,
    }))
}

/// Whether a chain of which nothing waits or runs is over: it was cancelled, or that was written down, or no link may come, or
/// nobody has gone on with it since then for as long as a job may be missed. Until then it keeps its hold.
async fn is_chain_over(desk: &Desk<'_>, here: &IndexedJob, since: Timestamp) -> Result<bool, JobsError> {
    let directory = desk.house.state.job(here.intent.id);
    if directory.cancel().await?.is_some() {
        return Ok(true);
    }
    let Some(intent) = directory.intent().await? else { return Ok(false) };
    if over_if_spent(desk.house, &directory, &intent, &here.links).await?.is_some() {
        return Ok(true);
    }
    is_given_up(desk, here, since).await
}

/// Whether a chain of which nothing waits or runs was cancelled, or is known to be over, or nobody has gone on with it since then
/// for as long as a job may be missed.
async fn is_given_up(desk: &Desk<'_>, here: &IndexedJob, since: Timestamp) -> Result<bool, JobsError> {
    let directory = desk.house.state.job(here.intent.id);
    if directory.is_over_noted().await? {
        return Ok(true);
    }
    if kept_until(since) >= desk.now {
        return Ok(false);
    }
    let last = here.links.last().map_or(LinkNumber::FIRST, |link| link.link);
    directory.put_over(OverReason::Abandoned, last, desk.house.clock.now()).await.map(|over| over.is_some())
}

/// A job here whose hold is closed, although nothing here says that it is over.
async fn closed_before(
    desk: &Desk<'_>,
    job: &IndexedJob,
    reading: &Reading,
    decided: &mut Decided,
    unseen: &mut Vec<Unseen>,
) -> Result<(), JobsError> {
    let id = job.intent.id;
    let hold = booked(desk.book.hold(HoldId(id)).await, NOT_FINISHED)?;
    let Some(closing) = hold.and_then(|hold| hold.closing) else { return Ok(()) };
    match (last_attempt(reading, id, None), job.scheduler_job) {
        (Last::UnderWay, _) => {}
        (Last::Over(attempt), _) if job.has_links => {
            // Whoever closed its hold did not see its directory.
            let directory = desk.house.state.job(id);
            let last = job.links.last().map_or(LinkNumber::FIRST, |link| link.link);
            if !directory.is_over_noted().await? {
                directory.put_over(OverReason::Closed, last, desk.house.clock.now()).await?;
            }
            decided.unwritten.push((id, ended_by(attempt, desk.house.clock.now())));
        }
        (Last::Over(attempt), _) => decided.unwritten.push((id, ended_by(attempt, desk.house.clock.now()))),
        (Last::None, Some(scheduler_job)) => {
            let (owner, since) = (job.intent.principal.user.clone(), job.submitted_since());
            unseen.push(Unseen { job: id, owner, scheduler_job, since, closing: Some(closing), links: None });
        }
        (Last::None, None) => decided.unwritten.push((id, ended_as_closed(closing, desk.house.clock.now()))),
    }
    Ok(())
}

/// Jobs that were submitted, wait nowhere and have no run: they were cancelled before their start, or nobody knows.
async fn ask(
    desk: &Desk<'_>,
    unseen: Vec<Unseen>,
    queue: &[JobSighting],
    decided: &mut Decided,
) -> Result<(), JobsError> {
    let Some(oldest) = unseen.iter().map(|job| job.since).min() else { return Ok(()) };
    let ids: Vec<SchedulerJobId> = with_arrays(unseen.iter().map(|job| job.scheduler_job)).into_iter().collect();
    let asked = desk.house.scheduler.states(&ids, oldest).await;
    let mut states = scheduled(asked, "the jobs without a run were not looked up")?;
    let link =
        |job: &Unseen| job.links.as_ref().and_then(|links| links.last()).map_or(LinkNumber::FIRST, |last| last.link);
    let tasks =
        unseen.iter().map(|job| (desk.house.state.job(job.job).of_link(link(job)), job.scheduler_job, job.since));
    fill_in(&mut states, tasks.collect()).await?;
    for Unseen { job, owner, scheduler_job, since, closing, links } in unseen {
        // What was submitted before is an earlier owner of the id: the question was for all of them at once.
        let sighting = states.get(&scheduler_job).filter(|sighting| sighting.submitted_at >= since);
        if sighting.is_some_and(|sighting| is_certainly_anothers(sighting, job)) && links.is_none() {
            decided.forgotten.insert(job);
        }
        let sighting = of_job(sighting, job, &owner);
        match (sighting, closing) {
            (Some(sighting), Some(_)) if sighting.state.is_final() => {
                decided.unwritten.push((job, ended_as_seen(sighting, desk.house.clock.now())));
            }
            (None, Some(closing)) => {
                decided.unwritten.push((job, ended_as_closed(closing, desk.house.clock.now())));
            }
            (Some(sighting), None)
                if sighting.state.is_final() && !has_run(sighting) && is_over(desk, job, links.as_deref()).await? =>
            {
                let close = CloseHold { id: job.into(), reason: CloseReason::NeverStarted, read_at: None };
                decided.over.push((close, ended_as_seen(sighting, desk.house.clock.now())));
            }
            (Some(sighting), None) if sighting.state.is_pending() && !is_queued(queue, scheduler_job) => {
                if was_cancelled(desk, job).await? {
                    decided.unknown.push(job);
                    decided.unwanted.insert(job);
                } else if waits_for_ever(sighting, desk.now) {
                    decided.unknown.push(job);
                }
            }
            (None, None) => {
                decided.unknown.push(job);
                if !is_queued(queue, scheduler_job) && never_began(desk, job).await? {
                    decided.unwanted.insert(job);
                }
            }
            (Some(_), _) => {}
        }
    }
    Ok(())
}

/// Whether a job whose last scheduler job was taken out of the queue is over: a chain is where no link of it may come.
async fn is_over(desk: &Desk<'_>, job: JobId, links: Option<&[SentLink]>) -> Result<bool, JobsError> {
    let Some(links) = links else { return Ok(true) };
    let directory = desk.house.state.job(job);
    let Some(intent) = directory.intent().await? else { return Ok(true) };
    Ok(over_if_spent(desk.house, &directory, &intent, links).await?.is_some())
}

/// Whether what accounting alone shows as waiting, and the queue does not, was forgotten: by a controller that was killed before it had
/// saved the job, and nobody tells accounting. One that was just submitted may have come behind the look at the queue.
fn waits_for_ever(sighting: &JobSighting, now: Timestamp) -> bool {
    sighting.submitted_at.plus_seconds(JUST_SUBMITTED_SECONDS) < now
}

/// Whether the job here was cancelled. Where the controller does not have it, nothing of it can work any more: what came all the same
/// would end at its claim, or waits under its hold.
async fn was_cancelled(desk: &Desk<'_>, job: JobId) -> Result<bool, JobsError> {
    Ok(desk.house.state.job(job).cancel().await?.is_some())
}

/// Whether a job that is shown nowhere was cancelled before anything of it began.
async fn never_began(desk: &Desk<'_>, job: JobId) -> Result<bool, JobsError> {
    Ok(was_cancelled(desk, job).await? && !may_have_begun(&desk.house.state.job(job)).await?)
}

/// No settlement takes longer between its look at the queue and this one.
const JUST_SUBMITTED_SECONDS: i64 = 3600;

/// Whether a job that is over has ever run. The queue shows the start that was expected of one that was cancelled while it
/// waited (Slurm 22.05: `StartTime` of a job with `--begin`), so that of those the time they ran for has to tell; what was
/// cancelled within its first second used nothing either. One that completed or failed has run, however short.
pub(crate) fn has_run(sighting: &JobSighting) -> bool {
    let was_cancelled = sighting.state.base == BaseState::Cancelled;
    sighting.started_at.is_some() && !(was_cancelled && sighting.elapsed.seconds() == 0)
}

fn ended_by(attempt: &Attempt, observed_at: Timestamp) -> Ended {
    Ended {
        state: attempt.state.clone(),
        exit_code: Some(attempt.exit.code),
        at: attempt.ended_at,
        elapsed: Some(attempt.elapsed),
        time_limit: attempt.time_limit,
        progress: None,
        note: None,
        observed_at,
    }
}

/// As the scheduler shows a job that is over.
pub(crate) fn ended_as_seen(sighting: &JobSighting, observed_at: Timestamp) -> Ended {
    let has_started = has_run(sighting);
    Ended {
        state: sighting.state.clone(),
        exit_code: None,
        at: sighting.ends_at.filter(|_| has_started),
        elapsed: Some(sighting.elapsed).filter(|_| has_started),
        time_limit: sighting.time_limit,
        progress: None,
        note: (!has_started).then(|| "it never started".to_owned()),
        observed_at,
    }
}

/// As its hold was closed, where the scheduler has forgotten the job.
fn ended_as_closed(closing: Closing, observed_at: Timestamp) -> Ended {
    let state = match closing.reason {
        CloseReason::NeverStarted | CloseReason::Cancelled | CloseReason::Undone => JobState::of(BaseState::Cancelled),
        CloseReason::Finished | CloseReason::Lost => JobState::unknown(),
    };
    let note = Some(format!("its hold was closed at {}", closing.at));
    Ended { state, exit_code: None, at: None, elapsed: None, time_limit: None, progress: None, note, observed_at }
}

async fn reason(desk: &Desk<'_>, job: JobId, is_here: bool) -> Result<CloseReason, JobsError> {
    let was_cancelled = is_here && desk.house.state.job(job).cancel().await?.is_some();
    Ok(if was_cancelled { CloseReason::Cancelled } else { CloseReason::Finished })
}
