//! `pakt cancel`: ends a job and leaves nothing behind.

use crate::{
    directory::{Cancel, Intent, JobDirectory, SubmittedNote},
    error::{Gravity, JobsError},
    find::find_to_end,
    house::House,
    reached::scheduled,
    submit::{await_calls, found, note},
    undo::give_up,
};
use model::{JobId, JobName, SchedulerJobId, Timestamp};
use scheduler_adapters::JobSighting;
use std::collections::BTreeSet;

/// What was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cancelled {
    /// Our id.
    pub id: JobId,
    /// Its name.
    pub name: JobName,
    /// The scheduler jobs that were asked to end; none where it was never sent or was over.
    pub scheduler_jobs: Vec<SchedulerJobId>,
    /// Whether it had been over before.
    pub was_over: bool,
    /// Why it is not known whether there is another scheduler job of it.
    pub unasked: Option<String>,
}

/// Cancels the job that `text` names: every scheduler job with its stamp, also one whose id was never heard.
///
/// Its hold is closed by the next `settle`, which knows what it used; that of a job that was never sent, at once. What
/// burns hours is ended first: neither a full disk nor a silent accounting keeps a known job running.
pub async fn cancel(house: &House, text: &str) -> Result<Cancelled, JobsError> {
    let known = find_to_end(house, text).await?;
    let intent = known.intent;
    let directory = house.state.job(intent.id);
    let answer = |scheduler_jobs: BTreeSet<SchedulerJobId>, was_over, unasked| Cancelled {
        id: intent.id,
        name: intent.name.clone(),
        scheduler_jobs: scheduler_jobs.into_iter().collect(),
        was_over,
        unasked,
    };
    if directory.ended().await?.is_some() {
        return Ok(answer(BTreeSet::new(), true, None));
    }
    // From here on whoever sends the job sees that it is not wanted.
    let noted = directory.put_cancel(&Cancel { principal: house.principal.clone(), at: house.clock.now() }).await;
    let mut ended = BTreeSet::new();
    let told = await_calls(house, &directory, intent.stamp(), u32::MAX).await?;
    let others = match (&told, directory.sending(1).await?) {
        (None, None) => Ok(Vec::new()),
        _ => found(house, &intent).await,
    };
    let (others, unasked) = match (others, &told) {
        (Ok(others), _) => (others, None),
        (Err(error), Some(_)) => (Vec::new(), Some(error.why)),
        (Err(error), None) => return Err(not_known(&intent, error)),
    };
    if let Some(told) = &told
        && !others.iter().any(|job| job.sighting.handle() == told.scheduler_job)
        && is_worth_a_try(house, &intent, told, unasked.is_some()).await?
    {
        end(house, &intent, told.scheduler_job).await?;
        ended.insert(told.scheduler_job);
    }
    for job in others.iter().filter(|job| !job.sighting.state.is_final()) {
        end(house, &intent, job.sighting.handle()).await?;
        ended.insert(job.sighting.handle());
    }
    noted?;
    finish(house, &directory, &intent, told.is_some(), others.first().map(|job| &job.sighting)).await?;
    Ok(answer(ended, false, unasked))
}

async fn end(house: &House, intent: &Intent, job: SchedulerJobId) -> Result<(), JobsError> {
    scheduled(house.scheduler.cancel(job).await, &format!("job `{}` was not cancelled", intent.name))
}

/// A job that neither queue nor accounting shows by its stamp: a filter may have taken the stamp away, and the id may be
/// somebody else's by now. Where nobody answers, the id is all there is, and it is ours as far as anybody knows.
async fn is_worth_a_try(
    house: &House,
    intent: &Intent,
    told: &SubmittedNote,
    nobody_answers: bool,
) -> Result<bool, JobsError> {
    if nobody_answers {
        return Ok(true);
    }
    let since: Timestamp = told.submitted_at.unwrap_or(intent.made_at);
    let asked = house.scheduler.states(&[told.scheduler_job], since).await;
    let states = scheduled(asked, &format!("job `{}` was not cancelled", intent.name))?;
    let seen = states.get(&told.scheduler_job);
    Ok(seen.is_some_and(|seen| !seen.state.is_final() && seen.user == house.principal.user))
}

/// Whether it was sent is not known, so its hold stays.
fn not_known(intent: &Intent, error: JobsError) -> JobsError {
    let what = format!("it is not known whether job `{}` was submitted, so its hold stays", intent.name);
    let next =
        "run `pakt cancel` again when the scheduler answers; a job that comes to be is not wanted and is noted so";
    let gravity = if error.gravity == Gravity::Unreachable { Gravity::Unreachable } else { Gravity::Unknown };
    JobsError::new(gravity, what, error.why, next)
}

/// Notes the id of a job that was only found by its stamp; a job of which there is no scheduler job is over.
async fn finish(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    was_told: bool,
    found: Option<&JobSighting>,
) -> Result<(), JobsError> {
    match (was_told, found) {
        (true, _) => Ok(()),
        (false, Some(job)) => {
            note(house, directory, job.handle(), job.cluster.clone(), Some(job.submitted_at)).await.map(drop)
        }
        (false, None) => give_up(house, directory, intent, "cancelled before it was sent".to_owned()).await,
    }
}
