//! Jobs that nobody knows any more. A hold lives as long as its job: while the job waits or runs nothing is posted, because
//! the observation says so each time. Where neither queue nor accounting knows it, a note of that begins a grace; a job that
//! is seen again ends the note. Only a settlement that would have seen the job counts: of one's own jobs, with every row of
//! the job's whole life understood. A question that was not answered ends the settlement before it comes here.

use super::{
    close::Decided,
    desk::{Desk, LocalJobs},
    reading::Reading,
};
use crate::{
    directory::{Ended, IndexedJob, Missed},
    error::JobsError,
};
use ledger::{CloseHold, CloseReason, is_ahead};
use model::{BaseState, JobId, JobState, Timestamp};
use scheduler_adapters::{JobSighting, RejectedRow};
use std::collections::BTreeSet;

/// How long a job may be known to nobody before its hold is given back: longer than an accounting daemon is ever away while
/// controllers keep what it misses, and two weekends for a person to look.
const GRACE_SECONDS: i64 = 14 * 86_400;

/// Until when a hold is kept whose job was seen, or missed, at this instant.
pub(crate) fn kept_until(at: Timestamp) -> Timestamp {
    at.plus_seconds(GRACE_SECONDS)
}

/// A job whose hold was given back because nobody knows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LostJob {
    /// Which.
    pub job: JobId,
    /// Since when nobody has known it.
    pub since: Timestamp,
    /// Whether the scheduler has forgotten it for certain: its number is another job's by now.
    pub is_forgotten: bool,
}

/// What a settlement looked at.
pub(super) struct Look<'a> {
    /// Since when accounting was asked.
    pub(super) since: Timestamp,
    pub(super) reading: &'a Reading,
    pub(super) queue: &'a [JobSighting],
    pub(super) unread: &'a [RejectedRow],
}

/// Turns the unknown jobs of which the grace is over into lost ones; the answer is those, and the others stay unknown.
pub(super) async fn judge(
    desk: &Desk<'_>,
    local: &LocalJobs<'_>,
    look: &Look<'_>,
    decided: &mut Decided,
) -> Result<Vec<LostJob>, JobsError> {
    forget_seen(desk, local, look).await?;
    let (mut lost, mut unknown, mut unwanted) = (Vec::new(), Vec::new(), Vec::new());
    for job in std::mem::take(&mut decided.unknown) {
        let here = local.get(&job).filter(|here| would_see(desk, look, here));
        match here {
            // Nothing can bring it back, so that there is nothing to wait for.
            Some(_) if decided.forgotten.contains(&job) => {
                lost.push(LostJob { job, since: desk.now, is_forgotten: true });
            }
            Some(_) if decided.unwanted.contains(&job) => unwanted.push(job),
            Some(_) => match missed_too_long(desk, job).await? {
                Some(since) => lost.push(LostJob { job, since, is_forgotten: false }),
                None => unknown.push(job),
            },
            None => unknown.push(job),
        }
    }
    decided.unknown = unknown;
    let now = desk.house.clock.now();
    decided.over.extend(lost.iter().map(|lost| {
        (CloseHold { id: lost.job.into(), reason: CloseReason::Lost, read_at: None }, ended_as_lost(lost, now))
    }));
    decided.over.extend(unwanted.into_iter().map(|job| {
        (CloseHold { id: job.into(), reason: CloseReason::Cancelled, read_at: None }, ended_as_unwanted(now))
    }));
    Ok(lost)
}

/// Whether this settlement would have seen the job, had anybody known it. What others run may be hidden, whatever a reader is
/// told of their accounts.
fn would_see(desk: &Desk<'_>, look: &Look<'_>, job: &IndexedJob) -> bool {
    let is_own = job.intent.principal.user == desk.house.principal.user;
    let began = job.submitted_at.map_or(job.intent.made_at, |at| at.min(job.intent.made_at));
    is_own && look.since <= began && look.unread.is_empty() && look.reading.is_whole()
}

/// Since when the job has been missed, where that is longer than the grace; the first time it is noted. A note of a clock
/// that was ahead says nothing.
async fn missed_too_long(desk: &Desk<'_>, job: JobId) -> Result<Option<Timestamp>, JobsError> {
    let directory = desk.house.state.job(job);
    let mut known = directory.missed().await?;
    if known.as_ref().is_some_and(|missed| is_ahead(missed.at, desk.now)) {
        directory.forget_missed().await?;
        known = None;
    }
    let Some(Missed { at }) = known else {
        return directory.put_missed(&Missed { at: desk.now }).await.map(|_| None);
    };
    Ok((kept_until(at) < desk.now).then_some(at))
}

/// Ends the notes of jobs that were seen.
async fn forget_seen(desk: &Desk<'_>, local: &LocalJobs<'_>, look: &Look<'_>) -> Result<(), JobsError> {
    let queued: BTreeSet<JobId> = look.queue.iter().filter_map(|seen| seen.stamp).map(|stamp| stamp.job).collect();
    let is_seen = |id: JobId| queued.contains(&id) || !look.reading.attempts(id).is_empty();
    let own = local.values().filter(|job| job.intent.principal.user == desk.house.principal.user);
    for job in own.filter(|job| job.ended.is_none() && is_seen(job.intent.id)) {
        let directory = desk.house.state.job(job.intent.id);
        if directory.missed().await?.is_some() {
            directory.forget_missed().await?;
        }
    }
    Ok(())
}

/// As a job that was cancelled, and that the scheduler forgot.
fn ended_as_unwanted(observed_at: Timestamp) -> Ended {
    let note = Some("cancelled, and the scheduler forgot it".to_owned());
    ended(JobState::of(BaseState::Cancelled), note, observed_at)
}

fn ended_as_lost(lost: &LostJob, observed_at: Timestamp) -> Ended {
    let note = if lost.is_forgotten {
        "the scheduler forgot it: its number is another job's".to_owned()
    } else {
        format!("nobody has known it since {}", lost.since)
    };
    ended(JobState::unknown(), Some(note), observed_at)
}

const fn ended(state: JobState, note: Option<String>, observed_at: Timestamp) -> Ended {
    Ended { state, exit_code: None, at: None, elapsed: None, time_limit: None, progress: None, note, observed_at }
}
