//! Calls the scheduler once. An error of the scheduler's is no evidence of absence, and a failed look-up is not "absent".

use crate::{
    directory::{Intent, JobDirectory, Sending, SubmittedNote},
    error::{Gravity, JobsError},
    house::{House, Step},
    reached::{schedule_failure, scheduled},
};
use scheduler_adapters::{AdapterErrorKind, FoundJob, StampSearch, Submission};
use std::time::Duration;

/// How long another process of this host is given to hear from the scheduler: sbatch itself tries for 120 s
/// (Slurm 25.11, src/sbatch/sbatch.c).
const PATIENCE_SECONDS: u64 = 160;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Sends the job unless it was sent, and tells the scheduler's id.
pub(crate) async fn send(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submission: &Submission,
) -> Result<SubmittedNote, JobsError> {
    if let Some(known) = directory.submitted().await? {
        return Ok(known);
    }
    let sending = Sending {
        host: intent_host(house).await?,
        process: house.process.number,
        process_started: house.process.started,
        at: house.clock.now(),
    };
    let number = directory.note_sending(&sending).await?;
    house.steps.done(Step::Sending);
    // Whoever noted it earlier may be calling the scheduler now, may have died after the call, or before.
    if let Some(earlier) = directory.sending(number - 1).await? {
        if let Some(known) = wait_for_other(house, directory, &earlier).await? {
            return Ok(known);
        }
        if let Some(found) = look_up(house, directory, intent).await? {
            return Ok(found);
        }
    }
    match house.scheduler.submit(submission).await {
        Ok(submitted) => {
            house.steps.done(Step::Sent);
            note(house, directory, submitted.id, submitted.cluster, false).await
        }
        Err(error) if error.kind == AdapterErrorKind::OutcomeUnknown => {
            look_up(house, directory, intent).await?.ok_or_else(|| {
                let what = format!("it is not known whether job `{}` was submitted", intent.name);
                let next = "run the same command again in three minutes: it looks the job up before it sends anything";
                JobsError::new(Gravity::Unknown, what, error.to_string(), next)
            })
        }
        Err(error) => Err(schedule_failure(&error, &format!("job `{}` was not submitted", intent.name))),
    }
}

/// The name of this host.
pub(crate) async fn intent_host(house: &House) -> Result<String, JobsError> {
    crate::reached::reached(house.files.host_name().await, "the name of this host was not read")
}

/// Waits while the process that is calling the scheduler lives on this host; none when it is gone without an answer.
async fn wait_for_other(
    house: &House,
    directory: &JobDirectory,
    sending: &Sending,
) -> Result<Option<SubmittedNote>, JobsError> {
    let is_other = sending.process != house.process.number || sending.process_started != house.process.started;
    let is_here = sending.host == intent_host(house).await?;
    if !(is_other && is_here) {
        return Ok(None);
    }
    let looks = PATIENCE_SECONDS * 1000 / 100;
    for _ in 0..looks {
        if let Some(known) = directory.submitted().await? {
            return Ok(Some(known));
        }
        if !house.processes.is_alive(sending.process, sending.process_started) {
            return directory.submitted().await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(None)
}

/// Finds the job by its stamp in queue and accounting. Of several the oldest is it; those of them that still wait are
/// taken back, because they would only start to end at their claim.
async fn look_up(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<Option<SubmittedNote>, JobsError> {
    let search = StampSearch {
        stamp: intent.stamp(),
        job_name: intent.scheduler_name(),
        user: Some(house.principal.user.clone()),
        since: intent.made_at,
    };
    let what = format!("it is not known whether job `{}` was submitted, so nothing was sent again", intent.name);
    let mut found = scheduled(house.scheduler.find(&search).await, &what)?;
    found.sort_by_key(|job| (job.sighting.submitted_at, job.sighting.id));
    let mut jobs = found.into_iter().map(|job: FoundJob| job.sighting);
    let Some(oldest) = jobs.next() else { return Ok(None) };
    for duplicate in jobs.filter(|job| job.state.is_pending()) {
        scheduled(house.scheduler.cancel(duplicate.id).await, "a duplicate in the queue was not taken back")?;
    }
    note(house, directory, oldest.id, oldest.cluster, true).await.map(Some)
}

async fn note(
    house: &House,
    directory: &JobDirectory,
    scheduler_job: model::SchedulerJobId,
    cluster: Option<model::ClusterName>,
    was_found: bool,
) -> Result<SubmittedNote, JobsError> {
    let note = SubmittedNote { scheduler_job, cluster, at: house.clock.now(), was_found, submitted_at: None };
    let note = directory.put_submitted(&note).await?;
    house.steps.done(Step::Submitted);
    Ok(note)
}
