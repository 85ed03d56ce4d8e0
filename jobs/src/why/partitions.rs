//! The partitions that a job waits for: whether they start it at all.

use super::Cause;
use model::PendingClass;
use scheduler_adapters::{PartitionFacts, PendingJob};

const NEVER: &str =
    "it never starts there as it is: cancel it (`pakt cancel`), change the job file and submit it again";

/// What is against the job in its partitions.
pub(super) fn causes(job: &PendingJob) -> Vec<Cause> {
    let own = job.all_partitions.iter().flatten().filter(|known| job.partitions.contains(&known.name));
    own.flat_map(|partition| against(job, partition)).collect()
}

fn against(job: &PendingJob, partition: &PartitionFacts) -> Vec<Cause> {
    let PartitionFacts { name, max_time, max_nodes, allowed_accounts, .. } = partition;
    let never = |what: String| Cause::new(PendingClass::Never, what, Some(NEVER.to_owned()));
    let mut found = Vec::new();
    if !partition.is_up {
        let what = format!("partition `{name}` starts no jobs now");
        found.push(Cause::new(
            PendingClass::Unavailable,
            what,
            Some("ask the site; the job keeps its place".to_owned()),
        ));
    }
    if let (Some(most), Some(limit)) = (max_time, job.sighting.time_limit)
        && limit > *most
    {
        found.push(never(format!("partition `{name}` lets a job run for {most}, and it asks for {limit}")));
    }
    if let Some(most) = max_nodes.filter(|most| job.sighting.nodes > *most) {
        found.push(never(format!(
            "partition `{name}` gives a job {most} nodes, and it asks for {}",
            job.sighting.nodes
        )));
    }
    if job.sighting.nodes > partition.nodes {
        found.push(never(format!(
            "partition `{name}` has {} nodes, and it asks for {}",
            partition.nodes, job.sighting.nodes
        )));
    }
    if let (Some(accounts), Some(account)) = (allowed_accounts, &job.sighting.account)
        && !accounts.contains(account)
    {
        found.push(never(format!("partition `{name}` is not for account `{account}`")));
    }
    found
}

/// Whether a partition would take the job, as far as its own rules tell.
pub(super) fn would_take(job: &PendingJob, partition: &PartitionFacts) -> bool {
    partition.is_up && against(job, partition).is_empty()
}
