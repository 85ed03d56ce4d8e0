//! `pakt cancel`: ends a job and leaves nothing behind.

use crate::{
    directory::{Cancel, Ended},
    error::JobsError,
    find::find,
    house::House,
    reached::scheduled,
    undo::release_unsent,
};
use model::{BaseState, JobId, JobName, JobState, SchedulerJobId};
use scheduler_adapters::StampSearch;

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
}

/// Cancels the job that `text` names: every scheduler job with its stamp, also one whose id was never heard.
///
/// Its hold is closed by the next `settle`, which knows what it used; that of a job that was never sent, at once.
pub async fn cancel(house: &House, text: &str) -> Result<Cancelled, JobsError> {
    let found = find(house, text).await?;
    let intent = found.intent;
    let directory = house.state.job(intent.id);
    if directory.ended().await?.is_some() {
        return Ok(Cancelled { id: intent.id, name: intent.name, scheduler_jobs: Vec::new(), was_over: true });
    }
    directory.put_cancel(&Cancel { principal: house.principal.clone(), at: house.clock.now() }).await?;
    let what = format!("job `{}` was not cancelled", intent.name);
    let mut jobs: Vec<SchedulerJobId> =
        directory.submitted().await?.map(|note| note.scheduler_job).into_iter().collect();
    let was_sent = !jobs.is_empty() || directory.sending(1).await?.is_some();
    if was_sent {
        let search = StampSearch {
            stamp: intent.stamp(),
            job_name: intent.scheduler_name(),
            user: Some(house.principal.user.clone()),
            since: intent.made_at,
        };
        let found = scheduled(house.scheduler.find(&search).await, &what)?;
        jobs.extend(found.iter().filter(|job| !job.sighting.state.is_final()).map(|job| job.sighting.id));
        jobs.sort_unstable();
        jobs.dedup();
    }
    for job in &jobs {
        scheduled(house.scheduler.cancel(*job).await, &what)?;
    }
    if jobs.is_empty() {
        release_unsent(house, &intent).await?;
        let ended = Ended {
            state: JobState::of(BaseState::Cancelled),
            exit_code: None,
            at: None,
            note: Some("cancelled before it was sent".to_owned()),
            observed_at: house.clock.now(),
        };
        directory.put_ended(&ended).await?;
    }
    Ok(Cancelled { id: intent.id, name: intent.name, scheduler_jobs: jobs, was_over: false })
}
