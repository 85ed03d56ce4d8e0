//! Sealing: the directories of jobs that are long over are packed, a hundred a call, oldest first.
//!
//! A job is long over when its end was noted a week ago, its hold is closed, and nothing in its directory was written since:
//! by then accounting has said what it had to say, and a requeue is not to be expected. Nobody follows it then any more. Both may still come: a sealed
//! directory is read like any other.

use crate::{
    directory::{JobIndex, Sealing},
    error::{Gravity, JobsError},
    house::House,
    reached::booked,
};
use ledger::HoldId;
use model::JobId;
use serde::Serialize;
use std::collections::BTreeSet;

/// How long a job must be over and its directory quiet, in seconds: a week.
pub const QUIET_SECONDS: i64 = 7 * 86_400;
/// The most jobs that one call seals; each costs about twenty synced writes.
const MOST_AT_ONCE: usize = 100;

/// What was sealed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SealReport {
    /// The jobs.
    pub sealed: Vec<JobId>,
    /// Why others were not, where something stood in the way.
    pub notes: Vec<String>,
}

/// Seals one's own jobs that are long over. Sealing can wait, so that whatever stops it is told and nothing more.
pub async fn seal(house: &House) -> Result<SealReport, JobsError> {
    let mut index = JobIndex::of(&house.state).await?;
    let quiet_since = house.clock.now().plus_seconds(-QUIET_SECONDS);
    let mut report = SealReport::default();
    for id in index.ids() {
        if report.sealed.len() == MOST_AT_ONCE {
            break;
        }
        // Those that are not in the index are not known to be over.
        let Some(job) = (if index.is_over(id) { index.job(id).await? } else { None }) else { continue };
        let is_long_over = job.ended.as_ref().is_some_and(|ended| ended.observed_at <= quiet_since);
        let is_ours = job.intent.principal.user == house.principal.user;
        let may_be_sealed = !job.is_sealed && is_long_over && is_ours;
        if !may_be_sealed || is_held(house, id).await? || is_followed(house, &index, id).await? {
            continue;
        }
        match house.state.job(id).seal(quiet_since).await {
            Ok(Sealing::InUse) => {}
            Ok(Sealing::Known) => index.note_sealed(job),
            Ok(Sealing::Done) => {
                report.sealed.push(id);
                index.note_sealed(job);
            }
            Err(error) => {
                report.notes.push(format!("job {id} was not sealed: {}", error.why));
                // A disk that is full for one is full for all.
                if error.gravity == Gravity::Unreachable {
                    break;
                }
            }
        }
    }
    index.keep().await;
    Ok(report)
}

/// Whether an evaluation that is not known to be over reads the checkpoints of the job in its directory.
async fn is_followed(house: &House, index: &JobIndex, job: JobId) -> Result<bool, JobsError> {
    let followers = house.state.job(job).followers().await?;
    let known: BTreeSet<JobId> = if followers.is_empty() { BTreeSet::new() } else { index.ids().into_iter().collect() };
    Ok(followers.into_iter().any(|follower| known.contains(&follower) && !index.is_over(follower)))
}

/// Whether something is held for the job, or may be.
async fn is_held(house: &House, job: JobId) -> Result<bool, JobsError> {
    let what = "no job was sealed";
    let Some(book) = house.book(what).await? else { return Ok(false) };
    Ok(booked(book.hold(HoldId(job)).await, what)?.is_some_and(|hold| hold.is_open()))
}
