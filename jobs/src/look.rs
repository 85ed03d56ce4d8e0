//! Where jobs stand, for whoever shows it: by answers that all processes of a person share, and that may be a little old.

use crate::{
    error::JobsError,
    house::House,
    reached::scheduled,
    removed::{fill_in, with_arrays},
};
use model::{JobId, LinkNumber, SchedulerJobId, Timestamp, UserName};
use scheduler_adapters::{Freshness, Look, LookedFor};

/// A job whose state is to be shown.
pub(crate) struct Watched<'a> {
    /// Our id.
    pub id: JobId,
    /// Which link of it.
    pub link: LinkNumber,
    /// The scheduler's id.
    pub job: SchedulerJobId,
    /// Whose it is.
    pub owner: &'a UserName,
    /// What was submitted before belongs to an earlier owner of the id.
    pub since: Timestamp,
    /// When its id was known.
    pub known_at: Timestamp,
}

/// Looks at all of them: at those of the person who asks by what is shared, at others by a question of its own.
pub(crate) async fn look(house: &House, wanted: &[Watched<'_>], freshness: Freshness) -> Result<Look, JobsError> {
    const WHAT: &str = "the scheduler was not asked";
    let (own, others): (Vec<_>, Vec<_>) = wanted.iter().partition(|job| *job.owner == house.principal.user);
    let since = |jobs: &[&Watched<'_>]| jobs.iter().map(|job| job.since).min();
    let mut look = match since(&own) {
        None => Look::default(),
        Some(since) => {
            let jobs = own.iter().flat_map(|job| [(job.job, job.known_at), (job.job.whole(), job.known_at)]).collect();
            scheduled(house.scheduler.look(&LookedFor { jobs, since }, freshness).await, WHAT)?
        }
    };
    if let Some(since) = since(&others) {
        let now = house.clock.now();
        let ids: Vec<SchedulerJobId> = with_arrays(others.iter().map(|job| job.job)).into_iter().collect();
        look.states.extend(scheduled(house.scheduler.states(&ids, since).await, WHAT)?);
        look.observed_at = Some(look.observed_at.map_or(now, |at| at.min(now)));
    }
    let tasks = wanted.iter().map(|job| (house.state.job(job.id).of_link(job.link), job.job, job.since));
    fill_in(&mut look.states, tasks.collect()).await?;
    Ok(look)
}
