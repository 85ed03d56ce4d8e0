//! The CPUs of a node that go with the job.

use crate::partition::{CpuKind, Partition};
use model::{Finding, JobSpec};

/// CPUs on each node: all of a whole node, else the share of the GPUs, or the hint where there are none.
pub(super) fn of(
    partition: &Partition,
    spec: &JobSpec,
    gpus: u32,
    has_whole_nodes: bool,
    findings: &mut Vec<Finding>,
) -> u32 {
    let cpus = &partition.cpus.value;
    let hint = spec.resources.cpus;
    let kind = match cpus.counts {
        CpuKind::Core => "CPUs (cores)",
        CpuKind::Thread => "CPUs (hardware threads, two a core)",
    };
    if has_whole_nodes {
        if let Some(hint) = hint.filter(|hint| *hint != cpus.per_node) {
            let what = format!("`cpus: {hint}` is not used: the job has all {} {kind} of each node", cpus.per_node);
            findings.push(Finding::warning("resources.cpus", what, "leave `cpus` out"));
        }
        return cpus.per_node;
    }
    let (share, of) = match (gpus, cpus.per_gpu) {
        (0, _) | (_, None) => (cpus.per_node, "a node".to_owned()),
        (_, Some(per_gpu)) => (per_gpu.saturating_mul(gpus).min(cpus.per_node), format!("{gpus} of its GPUs")),
    };
    match hint {
        Some(hint) if hint > share => {
            let what =
                format!("`cpus: {hint}` is more than the {share} {kind} that go with {of} on `{}`", partition.name);
            findings.push(Finding::warning("resources.cpus", what, format!("{share} are used; leave `cpus` out")));
            share
        }
        Some(hint) => hint,
        None if gpus == 0 => 1,
        None => share,
    }
}
