//! The memory of a node that goes with the job, and whether the scheduler is told.

use super::placed::judged;
use crate::partition::{Memory, MemoryRule, Partition};
use model::{Finding, JobSpec};

/// What `--mem` has to say, in MiB; none to leave it out.
pub(super) fn of(
    partition: &Partition,
    spec: &JobSpec,
    gpus: u32,
    cpus: u32,
    has_whole_nodes: bool,
    findings: &mut Vec<Finding>,
) -> Option<u64> {
    let memory = &partition.memory;
    let hint = spec.resources.memory_mib;
    let most = most(&memory.value, gpus, has_whole_nodes);
    let given = match (hint, most) {
        (Some(hint), Some(most)) if hint > most => {
            let what = format!("{hint} MiB a node are asked for, and `{}` has {most} MiB for the job", partition.name);
            let next = format!("ask for at most `memory: {most}M`, or for more GPUs ({})", memory.citation());
            findings.push(judged(memory.confidence(), "resources.memory", what, next));
            Some(most)
        }
        (hint, _) => hint,
    };
    match memory.value.rule {
        MemoryRule::MandatoryBelowFullNode if gpus == 0 && !has_whole_nodes => {
            given.or_else(|| with_cpus(partition, cpus))
        }
        MemoryRule::MandatoryBelowFullNode => given.or(most),
        MemoryRule::Optional if !has_whole_nodes => given,
        MemoryRule::Optional | MemoryRule::Forbidden | MemoryRule::Meaningless => {
            if let Some(hint) = hint {
                let why = match memory.value.rule {
                    MemoryRule::Forbidden => "the site refuses `--mem`",
                    MemoryRule::Meaningless => "`--mem` means nothing here",
                    _ => "the job has all memory of each node",
                };
                let what = format!("`memory` ({hint} MiB) is not used: {why}");
                findings.push(Finding::warning("resources.memory", what, "leave `memory` out for this site"));
            }
            None
        }
    }
}

/// The memory of a node that goes with its GPUs, where that is known.
fn most(memory: &Memory, gpus: u32, has_whole_nodes: bool) -> Option<u64> {
    match (memory.per_gpu_mib, memory.per_node_mib) {
        (Some(per_gpu), _) if gpus > 0 && !has_whole_nodes => Some(per_gpu.saturating_mul(u64::from(gpus))),
        (Some(per_gpu), None) if gpus > 0 => Some(per_gpu.saturating_mul(u64::from(gpus))),
        (_, per_node) => per_node,
    }
}

/// As large a part of a node's memory as of its CPUs.
fn with_cpus(partition: &Partition, cpus: u32) -> Option<u64> {
    let per_node = partition.memory.value.per_node_mib?;
    Some(per_node.saturating_mul(u64::from(cpus)) / u64::from(partition.cpus.value.per_node.max(1)))
}
