//! What runs and waits now: priced so far and at most, so that a balance counts it before it is settled.

use crate::ceiling::will_be_allocated;
use ledger::{Observation, ObservedPending, ObservedRun, Scope};
use model::{AmountError, ClusterName, Price, Run, SiteName, Tariff, Timestamp, Tres, WallTime, price};
use scheduler_adapters::JobSighting;
use sites::Site;

/// A wall time for jobs that have no limit: a week, the longest that sites grant.
const NO_LIMIT: WallTime = WallTime::from_seconds(7 * 86_400);

/// The observation of a cluster: running runs from accounting, pending jobs from the queue.
pub(super) fn observe(
    site: &Site,
    cluster: &ClusterName,
    scope: Scope,
    as_of: Timestamp,
    running: &[&Run],
    queue: &[JobSighting],
) -> Result<Observation, AmountError> {
    let mut observation = Observation {
        site: site.name().clone(),
        cluster: cluster.clone(),
        scope,
        whole_accounts: Vec::new(),
        as_of,
        running: Vec::new(),
        pending: Vec::new(),
    };
    for run in running {
        let Some(tariff) = tariff_of(site, run.partition.as_ref(), &run.allocated) else { continue };
        observation.running.push(ObservedRun {
            key: run.key.clone(),
            stamp: run.stamp,
            user: run.user.clone(),
            account: run.account.clone(),
            partition: run.partition.clone(),
            price_so_far: price(&run.allocated, run.elapsed, &tariff)?,
            ceiling: price(&run.allocated, run.time_limit.unwrap_or(NO_LIMIT).max(run.elapsed), &tariff)?,
        });
    }
    for job in queue.iter().filter(|job| job.state.is_pending()) {
        let Some(tariff) = tariff_of(site, job.partition.as_ref(), &job.requested) else { continue };
        observation.pending.push(ObservedPending {
            scheduler_job: job.id,
            stamp: job.stamp,
            user: job.user.clone(),
            account: job.account.clone(),
            partition: job.partition.clone(),
            ceiling: ceiling(job, &tariff)?,
        });
    }
    Ok(observation)
}

/// The tariff of a partition at this site.
pub(super) fn tariff_of(site: &Site, partition: Option<&model::PartitionName>, tres: &Tres) -> Option<Tariff> {
    sites::tariff_for(site, partition, tres)
}

fn ceiling(job: &JobSighting, tariff: &Tariff) -> Result<Price, AmountError> {
    price(&will_be_allocated(&job.requested, tariff), job.time_limit.unwrap_or(NO_LIMIT), tariff)
}

/// Names a site and cluster for messages.
pub(super) fn place(site: &SiteName, cluster: &ClusterName) -> String {
    if site.as_str() == cluster.as_str() { site.to_string() } else { format!("{site}/{cluster}") }
}
