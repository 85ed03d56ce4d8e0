//! How nodes, GPUs, CPUs and memory are divided, and what of them is charged.

use super::placed::judged;
use crate::{
    partition::{CpuKind, Memory, MemoryRule, Partition, Sharing},
    provenance::Confidence,
};
use model::{Finding, GpuRequest, JobSpec, Launch, Tres};
use std::collections::BTreeMap;

/// What a job gets.
pub(super) struct Share {
    pub(super) nodes: u32,
    /// GPUs on each node that are asked for, as the scheduler counts them.
    pub(super) gpus: u32,
    /// Devices on each node that the job's processes see, one process each: tiles where a GPU has several.
    pub(super) devices: u32,
    /// CPUs on each node that the job has.
    pub(super) cpus: u32,
    /// Tasks on each node.
    pub(super) tasks: u32,
    /// What `--mem` says, in MiB a node; none to leave it out.
    pub(super) memory_mib: Option<u64>,
    /// Whether the nodes are the job's alone.
    pub(super) has_whole_nodes: bool,
    /// What will be allocated, all nodes together.
    pub(super) charged: Tres,
}

/// Divides what the job asks for; none where it cannot be divided.
pub(super) fn divide(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) -> Option<Share> {
    let (nodes, gpus) = nodes_and_gpus(partition, spec, findings)?;
    let per_node = partition.gpus_per_node();
    let is_full = per_node > 0 && gpus == per_node;
    let has_whole_nodes = match partition.sharing.value {
        Sharing::Exclusive => true,
        Sharing::Shared => false,
        Sharing::SharedBelowFullNode | Sharing::SharedUnlessAsked => is_full,
    };
    let cpus = cpus(partition, spec, gpus, has_whole_nodes, findings);
    let memory_mib = memory(partition, spec, gpus, has_whole_nodes, findings);
    let devices = gpus * partition.gpus.as_ref().map_or(1, |gpus| gpus.value.devices_per_scheduler_gpu);
    let tasks = match spec.launch {
        Launch::Torchrun | Launch::Command => 1,
        Launch::Srun | Launch::Mpi => devices.max(1),
    };
    let charged_gpus = if has_whole_nodes { per_node } else { gpus };
    let charged = Tres {
        cpus: Some(u64::from(nodes) * u64::from(cpus)),
        nodes: Some(u64::from(nodes)),
        memory_mib: memory_mib.map(|mib| mib.saturating_mul(u64::from(nodes))),
        billing: None,
        gpus_total: Some(u64::from(nodes) * u64::from(charged_gpus)),
        gpus_by_type: BTreeMap::new(),
    };
    Some(Share { nodes, gpus, devices, cpus, tasks, memory_mib, has_whole_nodes, charged })
}

fn nodes_and_gpus(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) -> Option<(u32, u32)> {
    let per_node = partition.gpus_per_node();
    let asked = spec.resources.nodes;
    let field = match spec.resources.gpus {
        GpuRequest::None => {
            no_gpus(partition, findings)?;
            return Some((asked.unwrap_or(1), 0));
        }
        GpuRequest::PerNode(_) => "resources.gpus_per_node",
        GpuRequest::Total(_) => "resources.gpus",
    };
    if per_node == 0 {
        let what = format!("nodes of `{}` have no GPUs", partition.name);
        findings.push(Finding::error(field, what, "ask for none, or name a partition that has them"));
        return None;
    }
    match spec.resources.gpus {
        GpuRequest::None => None,
        GpuRequest::PerNode(gpus) if gpus <= per_node => Some((asked.unwrap_or(1), gpus)),
        GpuRequest::PerNode(gpus) => {
            let what = format!("{gpus} GPUs a node are asked for, and nodes of `{}` have {per_node}", partition.name);
            let nodes = u64::from(gpus).div_ceil(u64::from(per_node)) * u64::from(asked.unwrap_or(1));
            let next = format!("ask for more nodes: `nodes: {nodes}`, `gpus_per_node: {per_node}`");
            findings.push(Finding::error(field, what, next));
            None
        }
        GpuRequest::Total(gpus) => evenly(gpus, asked, per_node, partition, findings),
    }
}

/// All GPUs of a job on equal nodes, as few as possible.
fn evenly(
    gpus: u32,
    asked: Option<u32>,
    per_node: u32,
    partition: &Partition,
    findings: &mut Vec<Finding>,
) -> Option<(u32, u32)> {
    let nodes = asked.unwrap_or_else(|| if gpus <= per_node { 1 } else { gpus.div_ceil(per_node) }).max(1);
    let must_fill = asked.is_none() && nodes > 1;
    if gpus.is_multiple_of(nodes) && gpus / nodes <= per_node && (!must_fill || gpus / nodes == per_node) {
        return Some((nodes, gpus / nodes));
    }
    let below = gpus / per_node * per_node;
    let what = format!(
        "{gpus} GPUs cannot be split evenly over {}nodes of {per_node} GPUs (`{}`)",
        asked.map(|nodes| format!("{nodes} ")).unwrap_or_default(),
        partition.name
    );
    let next = format!(
        "ask for {} or {}, or say how they lie: `nodes` and `gpus_per_node`",
        below.max(per_node),
        u64::from(below) + u64::from(per_node)
    );
    findings.push(Finding::error("resources.gpus", what, next));
    None
}

/// A job without GPUs on a partition with GPUs: a whole node where nodes are exclusive, refused where they are shared.
fn no_gpus(partition: &Partition, findings: &mut Vec<Finding>) -> Option<()> {
    let serves_cpu_jobs = partition.tariff_without_gpus.is_some() || partition.sharing.value == Sharing::Exclusive;
    if partition.gpus_per_node() == 0 || serves_cpu_jobs {
        return Some(());
    }
    let what = format!("the job asks for no GPU, and `{}` is for jobs with GPUs", partition.name);
    let next = "write `gpus_per_node: 1`, or name a partition without GPUs";
    findings.push(judged(partition.sharing.confidence(), "resources", what, next));
    (partition.sharing.confidence() == Confidence::Guess).then_some(())
}

/// CPUs on each node: all of a whole node, else the share of the GPUs, or the hint where there are none.
fn cpus(partition: &Partition, spec: &JobSpec, gpus: u32, has_whole_nodes: bool, findings: &mut Vec<Finding>) -> u32 {
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

/// What `--mem` has to say.
fn memory(
    partition: &Partition,
    spec: &JobSpec,
    gpus: u32,
    has_whole_nodes: bool,
    findings: &mut Vec<Finding>,
) -> Option<u64> {
    let memory = &partition.memory;
    let hint = spec.resources.memory_mib;
    let most = most_memory(&memory.value, gpus, has_whole_nodes);
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
fn most_memory(memory: &Memory, gpus: u32, has_whole_nodes: bool) -> Option<u64> {
    match (memory.per_gpu_mib, memory.per_node_mib) {
        (Some(per_gpu), _) if gpus > 0 && !has_whole_nodes => Some(per_gpu.saturating_mul(u64::from(gpus))),
        (Some(per_gpu), None) if gpus > 0 => Some(per_gpu.saturating_mul(u64::from(gpus))),
        (_, per_node) => per_node,
    }
}
