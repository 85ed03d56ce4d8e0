//! The limits of a partition: wall time, nodes, GPUs.

use super::{placed::judged, share::Share};
use crate::partition::{EndOfTime, Partition};
use crate::sourced::{Limit, LimitPlace};
use model::{Finding, GpuRequest, JobSpec};

/// Checks the wall time and what waits for it, which can be told before anything is divided.
pub(super) fn check_time(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) {
    wall(partition, spec, findings);
    dependency(partition, spec, findings);
    owner(partition, spec, findings);
}

/// Checks nodes and GPUs against the limits that the profile knows.
pub(super) fn check_size(partition: &Partition, spec: &JobSpec, share: &Share, findings: &mut Vec<Finding>) {
    let nodes_field = if spec.resources.nodes.is_some() { "resources.nodes" } else { gpus_field(spec) };
    if let Some(limit) = partition.limits.nodes.as_ref().filter(|limit| share.nodes > limit.most.value) {
        let most = limit.most.value;
        let what =
            format!("{} nodes are more than the {most} that a job may have on `{}`", share.nodes, partition.name);
        findings.push(judged(
            limit.most.confidence(),
            nodes_field,
            what,
            next_step(limit, &format!("ask for at most {most}")),
        ));
    }
    let gpus = u64::from(share.nodes) * u64::from(share.gpus);
    if let Some(limit) = partition.limits.gpus.as_ref().filter(|limit| gpus > u64::from(limit.most.value)) {
        let most = limit.most.value;
        let what = format!("{gpus} GPUs are more than the {most} that a job may have on `{}`", partition.name);
        let next = next_step(limit, &format!("ask for at most {most}"));
        findings.push(judged(limit.most.confidence(), gpus_field(spec), what, next));
    }
    if let Some(limit) = partition.limits.least_gpus.as_ref().filter(|limit| gpus < u64::from(limit.most.value)) {
        let least = limit.most.value;
        let what = format!("{gpus} GPUs are fewer than the {least} that a job must have on `{}`", partition.name);
        let next = next_step(limit, &format!("ask for at least {least}, or name another partition"));
        findings.push(judged(limit.most.confidence(), gpus_field(spec), what, next));
    }
}

fn wall(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) {
    let asked = spec.resources.time;
    let Some(limit) = partition.limits.wall.as_ref().filter(|limit| asked > limit.most.value.0) else { return };
    let most = limit.most.value.0;
    let what = format!("{asked} is longer than the {most} that a job may run on `{}`", partition.name);
    let advice = format!("write `time: \"{most}\"` at most, save checkpoints, and go on in a second job");
    findings.push(judged(limit.most.confidence(), "resources.time", what, next_step(limit, &advice)));
}

/// The advice with where the limit comes from and where the site keeps it.
fn next_step<T>(limit: &Limit<T>, advice: &str) -> String {
    let place = match limit.sits_in {
        Some(LimitPlace::Qos) => "; the limit sits in the QOS",
        Some(LimitPlace::Association) => "; the limit sits in your association",
        Some(LimitPlace::Partition) => "; the limit sits in the partition",
        None => "",
    };
    format!("{advice} ({}{place})", limit.most.citation())
}

/// Where a job that meets its wall time is not successful, `afterok` never starts the next one.
fn dependency(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) {
    let chains = partition.end_of_time.as_ref().filter(|end| end.value == EndOfTime::ChainAfterAny);
    let (Some(end), Some(after)) = (chains, &spec.scheduler.after) else { return };
    if after.contains("afterok") {
        let what = "a job that meets its wall time is not successful, so one behind it with `afterok` never starts";
        let next = format!("write `afterany:` if this goes on where the other stops ({})", end.citation());
        findings.push(Finding::warning("scheduler.after", what, next));
    }
}

/// A chain goes on by successors. Where a partition has its jobs go on by a requeue, or stop early, it would have two owners.
fn owner(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) {
    // What follows a chain has its links as that has.
    let is_own = spec.sweep.as_ref().is_none_or(|sweep| sweep.follows.is_none());
    let (Some(end), Some(_)) = (&partition.end_of_time, spec.chain.as_ref().filter(|_| is_own)) else { return };
    let does = match end.value {
        EndOfTime::ChainAfterAny => return,
        EndOfTime::SignalAndRequeue => "are requeued at their limit",
        EndOfTime::StopEarly => "stop before their limit and are submitted anew",
    };
    let what = format!("jobs on `{}` {does}, and a chain goes on by links that wait behind each other", partition.name);
    let next = format!("leave `chain` out, or choose another partition ({})", end.citation());
    findings.push(judged(end.confidence(), "chain", what, next));
}

/// Where a job file says how many GPUs it wants.
pub(super) fn gpus_field(spec: &JobSpec) -> &'static str {
    match spec.resources.gpus {
        GpuRequest::Total(_) => "resources.gpus",
        GpuRequest::PerNode(_) => "resources.gpus_per_node",
        GpuRequest::None => "resources.nodes",
    }
}
