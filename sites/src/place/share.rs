//! How nodes, GPUs, CPUs and memory are divided, and what of them is charged.

use super::{cpus, extra, memory, placed::judged};
use crate::{
    partition::{Partition, Sharing},
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
    /// Whether the scheduler is told so. Of a whole node it need not be, and a wrong guess would refuse the job.
    pub(super) tells_cpus: bool,
    /// Tasks on each node.
    pub(super) tasks: u32,
    /// What `--mem` says, in MiB a node; none to leave it out.
    pub(super) memory_mib: Option<u64>,
    /// Whether the nodes are the job's alone.
    pub(super) has_whole_nodes: bool,
    /// Whether Pakt asks for that itself.
    pub(super) gives_exclusive: bool,
    /// What will be allocated, all nodes together.
    pub(super) charged: Tres,
}

/// Divides what the job asks for; none where it cannot be divided.
pub(super) fn divide(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) -> Option<Share> {
    let (nodes, gpus) = nodes_and_gpus(partition, spec, findings)?;
    let per_node = partition.gpus_per_node();
    let is_full = fills_a_node(partition, spec, gpus);
    let gives_exclusive = is_full && partition.sharing.value == Sharing::SharedUnlessAsked;
    let has_whole_nodes = extra::asks_for_whole_nodes(spec)
        || match partition.sharing.value {
            Sharing::Exclusive => true,
            Sharing::Shared => false,
            Sharing::SharedBelowFullNode | Sharing::SharedUnlessAsked => is_full,
        };
    let cpus = cpus::of(partition, spec, gpus, has_whole_nodes, findings);
    let memory_mib = memory::of(partition, spec, gpus, cpus, has_whole_nodes, findings);
    let devices = gpus * partition.gpus.as_ref().map_or(1, |gpus| gpus.value.devices_per_scheduler_gpu);
    let tasks = match spec.launch {
        Launch::Torchrun | Launch::Command => 1,
        Launch::Srun | Launch::Mpi => devices.max(1),
    };
    let charged_gpus = if has_whole_nodes { per_node.max(gpus) } else { gpus };
    let charged = Tres {
        cpus: Some(u64::from(nodes) * u64::from(cpus)),
        nodes: Some(u64::from(nodes)),
        memory_mib: memory_mib.map(|mib| mib.saturating_mul(u64::from(nodes))),
        billing: None,
        gpus_total: Some(u64::from(nodes) * u64::from(charged_gpus)),
        gpus_by_type: BTreeMap::new(),
    };
    let tells_cpus = !(has_whole_nodes && partition.cpus.is_guess());
    Some(Share { nodes, gpus, devices, cpus, tells_cpus, tasks, memory_mib, has_whole_nodes, gives_exclusive, charged })
}

/// Whether the job asks for all of a node: all its GPUs, or where it has none, all its CPUs.
fn fills_a_node(partition: &Partition, spec: &JobSpec, gpus: u32) -> bool {
    match partition.gpus_per_node() {
        0 => spec.resources.cpus.is_some_and(|cpus| cpus >= partition.cpus.value.per_node),
        per_node => gpus >= per_node,
    }
}

fn nodes_and_gpus(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) -> Option<(u32, u32)> {
    let asked = spec.resources.nodes;
    let field = match spec.resources.gpus {
        GpuRequest::None => {
            no_gpus(partition, findings)?;
            return Some((asked.unwrap_or(1), 0));
        }
        GpuRequest::PerNode(_) => "resources.gpus_per_node",
        GpuRequest::Total(_) => "resources.gpus",
    };
    let Some(own) = partition.gpus.as_ref().filter(|gpus| gpus.value.per_node > 0) else {
        let what = format!("nodes of `{}` have no GPUs", partition.name);
        findings.push(Finding::error(field, what, "ask for none, or name a partition that has them"));
        return None;
    };
    let per_node = own.value.per_node;
    match spec.resources.gpus {
        GpuRequest::None => None,
        GpuRequest::PerNode(gpus) if gpus <= per_node => Some((asked.unwrap_or(1), gpus)),
        GpuRequest::PerNode(gpus) => {
            let what = format!("{gpus} GPUs a node are asked for, and nodes of `{}` have {per_node}", partition.name);
            let nodes = u64::from(gpus).div_ceil(u64::from(per_node)) * u64::from(asked.unwrap_or(1));
            let next =
                format!("ask for more nodes: `nodes: {nodes}`, `gpus_per_node: {per_node}` ({})", own.citation());
            findings.push(judged(own.confidence(), field, what, next));
            own.is_guess().then_some((asked.unwrap_or(1), gpus))
        }
        GpuRequest::Total(gpus) => match evenly(gpus, asked, per_node) {
            Ok(split) => Some(split),
            Err((nodes, per_node_then)) => {
                findings.push(judged(
                    own.confidence(),
                    field,
                    uneven(gpus, asked, partition),
                    other_counts(gpus, asked, per_node),
                ));
                own.is_guess().then_some((nodes, per_node_then))
            }
        },
    }
}

/// All GPUs of a job on equal nodes, as few as possible; the error is the nearest that holds them all.
fn evenly(gpus: u32, asked: Option<u32>, per_node: u32) -> Result<(u32, u32), (u32, u32)> {
    let nodes = asked.unwrap_or_else(|| gpus.div_ceil(per_node)).max(1);
    let must_fill = asked.is_none() && nodes > 1;
    let share = (nodes, gpus.div_ceil(nodes));
    let is_even = gpus.is_multiple_of(nodes) && share.1 <= per_node && (!must_fill || share.1 == per_node);
    if is_even { Ok(share) } else { Err(share) }
}

fn uneven(gpus: u32, asked: Option<u32>, partition: &Partition) -> String {
    let per_node = partition.gpus_per_node();
    let nodes = asked.map(|nodes| format!("{nodes} ")).unwrap_or_default();
    format!("{gpus} GPUs cannot be split evenly over {nodes}nodes of {per_node} GPUs (`{}`)", partition.name)
}

/// The next smaller and larger number of GPUs that can be split, and how else it can be said.
fn other_counts(gpus: u32, asked: Option<u32>, per_node: u32) -> String {
    let (step, most) = match asked {
        Some(nodes) => (u64::from(nodes.max(1)), u64::from(nodes.max(1)) * u64::from(per_node)),
        None => (u64::from(per_node), u64::MAX),
    };
    let below = (u64::from(gpus) / step * step).clamp(step, most);
    let above = (below + step).min(most);
    let counts = if below == above { format!("{below}") } else { format!("{below} or {above}") };
    match asked {
        Some(_) => format!("ask for {counts}, or for other `nodes`"),
        None => format!("ask for {counts}, or say how they lie: `nodes` and `gpus_per_node`"),
    }
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
