//! What a submission does before it cancels or releases a job by its number: it looks whose that is now. A job that the scheduler
//! forgot for certain is over, so that the same command makes a new one.

use crate::{
    directory::{Intent, JobDirectory, Origin, SubmittedNote},
    error::{Gravity, JobsError},
    house::House,
    reached::scheduled,
    removed::{fill_in, with_arrays},
    submit::found_each,
    undo::give_up,
    whose_number::{is_anothers, is_certainly_anothers},
};
use model::SchedulerJobId;
use scheduler_adapters::JobSighting;
use std::collections::BTreeMap;

/// The job as the scheduler shows it under its number now. Another one's is an error, and so is what cannot be seen: `what` was
/// not done then.
pub(crate) async fn still_ours(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    what: &str,
) -> Result<JobSighting, JobsError> {
    let seen = shown(house, directory, intent, submitted, what).await?;
    seen.ok_or_else(|| not_shown(submitted.scheduler_job, what))
}

/// The job that nobody wants, as it is shown under its number. None where it is shown nowhere and never began: a controller that was
/// killed forgot it, and should it come all the same, it ends at its claim, or waits under its hold.
pub(crate) async fn unwanted(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    what: &str,
) -> Result<Option<JobSighting>, JobsError> {
    let seen = shown(house, directory, intent, submitted, what).await?;
    if seen.is_none() && (may_have_begun(directory).await? || !is_nowhere(house, directory, intent, submitted).await?) {
        return Err(not_shown(submitted.scheduler_job, what));
    }
    Ok(seen)
}

/// That a script which waits held and was never let go is over, because it is shown nowhere: a controller that was killed forgot it.
/// None where it may be late, or may have begun. Should it come all the same, it waits under its hold.
pub(crate) async fn is_forgotten_held(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    what: &str,
) -> Result<Option<JobsError>, JobsError> {
    let is_late = house.clock.now() < submitted.at.plus_seconds(SHOWN_WITHIN_SECONDS);
    if is_late || may_have_begun(directory).await? || directory.released().await?.is_some() {
        return Ok(None);
    }
    if shown(house, directory, intent, submitted, what).await?.is_some()
        || !is_nowhere(house, directory, intent, submitted).await?
    {
        return Ok(None);
    }
    give_up(house, directory, intent, "never began: the scheduler forgot it".to_owned()).await?;
    let why =
        format!("the scheduler forgot it: neither queue nor accounting shows a job {} now", submitted.scheduler_job);
    Ok(Some(JobsError::new(Gravity::Refused, what, why, "run the same command again: it makes a new job")))
}

/// The queue shows a job as soon as it was accepted; this is for whoever answers a little late.
const SHOWN_WITHIN_SECONDS: i64 = 60;

/// Whether a job may have begun that nobody shows: it claimed; it leaves no claim, as an allocation by hand and a job that was taken over;
/// or it is a script that was let go without a claim in front.
pub(crate) async fn may_have_begun(directory: &JobDirectory) -> Result<bool, JobsError> {
    let origin = directory.intent().await?.and_then(|intent| intent.origin);
    Ok(!matches!(origin, Some(Origin::JobFile { .. } | Origin::Script { .. }))
        || directory.claimed_by().await?.is_some()
        || !directory.attempts().await?.is_empty()
        || (directory.released().await?.is_some() && !directory.all_sent_claims().await?))
}

async fn shown(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    what: &str,
) -> Result<Option<JobSighting>, JobsError> {
    let number = submitted.scheduler_job;
    match look(house, intent, number, what).await?.remove(&number) {
        Some(seen) if is_anothers(&seen, intent.id, &intent.principal.user) => {
            Err(of_another(house, directory, intent, submitted, &seen, what).await?)
        }
        seen => Ok(seen),
    }
}

fn not_shown(number: SchedulerJobId, what: &str) -> JobsError {
    let why = format!("neither queue nor accounting shows a job {number} now");
    let next = "run the same command again in a minute: it looks again; of what is never shown `pakt settle` gives the hold back \
                after two weeks, and `--again` makes a new job";
    JobsError::new(Gravity::Unknown, what, why, next)
}

async fn look(
    house: &House,
    intent: &Intent,
    number: SchedulerJobId,
    what: &str,
) -> Result<BTreeMap<SchedulerJobId, JobSighting>, JobsError> {
    let ids: Vec<SchedulerJobId> = with_arrays([number]).into_iter().collect();
    let mut seen = scheduled(house.scheduler.states(&ids, intent.made_at).await, what)?;
    fill_in(&mut seen, vec![(house.state.job(intent.id), number, intent.made_at)]).await?;
    Ok(seen)
}

/// The job's number is another one's. Where that is certain our job is over, and its hold, if one was entered, given back.
pub(crate) async fn of_another(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    seen: &JobSighting,
    what: &str,
) -> Result<JobsError, JobsError> {
    let number = submitted.scheduler_job;
    let whose = seen.stamp.map_or_else(|| format!("one of {}", seen.user), |stamp| format!("that of stamp {stamp}"));
    if is_certainly_anothers(seen, intent.id) && is_nowhere(house, directory, intent, submitted).await? {
        let note = "the scheduler forgot it: its number is another job's".to_owned();
        give_up(house, directory, intent, note).await?;
        let why = format!("the scheduler forgot it: its number {number} is another job's by now, {whose}");
        return Ok(JobsError::new(Gravity::Refused, what, why, "run the same command again: it makes a new job"));
    }
    let why = format!("its number {number} is another job's by now, {whose}");
    let next = format!("look at that job: `scontrol show job {number}`; `pakt settle` gives ours back when it is lost");
    Ok(JobsError::new(Gravity::Unknown, what, why, next))
}

/// Whether nothing has its stamp, here where it was submitted: an earlier owner of a recycled number may have run.
async fn is_nowhere(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
) -> Result<bool, JobsError> {
    if let Some(cluster) = &submitted.cluster {
        let here = house.scheduler.cluster_name().await;
        if scheduled(here, "it is not known whether the job is on another cluster")? != *cluster {
            return Ok(false);
        }
    }
    Ok(found_each(house, &[(directory, intent)]).await?.iter().all(Vec::is_empty))
}
