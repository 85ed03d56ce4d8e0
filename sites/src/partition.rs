//! A partition of a site: what its nodes are, what may be asked for and what it costs.

use crate::{
    containers::Containers,
    sourced::{Limit, Sourced},
};
use model::{
    Architecture, ChargeRule, Directive, EnvironmentSetting, GpuVendor, Launch, PartitionName, QosName, RendezvousRule,
    ResourceClass, Timestamp, WallTime,
};
use serde::{Deserialize, Serialize};

/// The GPUs of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpus {
    /// Who makes them.
    pub vendor: GpuVendor,
    /// What people call them: `GH200 96 GB`.
    pub model: String,
    /// The class of the unit their time is counted in: `gh200`.
    pub class: ResourceClass,
    /// How many a node has, as the scheduler counts them.
    pub per_node: u32,
    /// Milli-GPUs of the class for each one that the scheduler counts.
    #[serde(default = "thousand")]
    pub milli_gpus_per_scheduler_gpu: u64,
    /// Devices that a program sees for each one that the scheduler counts: two tiles of an Intel Max 1550.
    #[serde(default = "one")]
    pub devices_per_scheduler_gpu: u32,
}

/// What the scheduler calls a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CpuKind {
    /// A core.
    Core,
    /// A hardware thread: two of them are a core.
    Thread,
}

/// The CPUs of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpus {
    /// How many a node has, as the scheduler counts them.
    pub per_node: u32,
    /// How many go with each GPU of a shared node.
    #[serde(default)]
    pub per_gpu: Option<u32>,
    /// What one is.
    pub counts: CpuKind,
}

/// What `--mem` is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryRule {
    /// A job on part of a node must give it.
    MandatoryBelowFullNode,
    /// It is refused.
    Forbidden,
    /// It is accepted and says nothing: nodes are given whole, or memory is summed over kinds of it.
    Meaningless,
    /// It may be given.
    Optional,
}

/// The memory of a node, in MiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// What `--mem` is good for.
    pub rule: MemoryRule,
    /// Of a whole node, where that is known.
    #[serde(default)]
    pub per_node_mib: Option<u64>,
    /// The share of one GPU, where that is known.
    #[serde(default)]
    pub per_gpu_mib: Option<u64>,
}

/// How GPUs are asked for; neither of the two where the partition alone decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuSelection {
    /// The name in `--gres=NAME:COUNT`: `gpu`, `gpu:a100`. Spelling is case-sensitive.
    #[serde(default)]
    pub gres: Option<String>,
    /// Node features that must be asked for (`--constraint`).
    #[serde(default)]
    pub constraint: Option<String>,
    /// Features that select other nodes of the same partition. A job that asks for one of them does not get `constraint`
    /// beside it: no node has both, so such a job would wait for ever.
    #[serde(default)]
    pub alternatives: Vec<String>,
}

/// Who else is on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Nobody: a node is given and charged whole.
    Exclusive,
    /// Others, on what is left.
    Shared,
    /// Others, unless all of a node's GPUs are asked for.
    SharedBelowFullNode,
    /// Others, unless all GPUs are asked for together with `--exclusive`.
    SharedUnlessAsked,
}

/// A wall-time limit, written as `24:00:00` or `2-00:00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct WallLimit(pub WallTime);

impl TryFrom<String> for WallLimit {
    type Error = model::DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<WallLimit> for String {
    fn from(limit: WallLimit) -> Self {
        limit.0.to_string()
    }
}

/// What one job, or one user, may have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The longest wall time.
    pub wall: Option<Limit<WallLimit>>,
    /// The wall time of a job that names none.
    pub default_wall: Option<Limit<WallLimit>>,
    /// Nodes of one job.
    pub nodes: Option<Limit<u32>>,
    /// The fewest GPUs of one job.
    pub least_gpus: Option<Limit<u32>>,
    /// The most GPUs of one job.
    pub gpus: Option<Limit<u32>>,
    /// Jobs of one user that run at once.
    pub running: Option<Limit<u32>>,
    /// Jobs of one user that wait or run.
    pub submitted: Option<Limit<u32>>,
    /// The largest number of tasks of an array.
    pub array: Option<Limit<u32>>,
}

/// The site's formula for a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TariffProfile {
    /// What is multiplied by what, in milli-units per second.
    pub charge: ChargeRule,
    /// The class it is counted in: `core`, `gh200`, `nhr-core`.
    pub class: ResourceClass,
    /// The least that is charged for, in seconds.
    #[serde(default)]
    pub minimum_seconds: u64,
}

/// A formula that held until another took its place. A run is priced by the one that held when it started: by it its user
/// decided to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierTariff {
    /// The first instant at which it did not hold any more, with its zone: `2026-04-01T00:00:00+02:00`.
    #[serde(with = "instant")]
    pub before: Timestamp,
    /// The site's formula then.
    pub tariff: Sourced<TariffProfile>,
    /// The formula for runs without GPUs then, where it differed.
    #[serde(default)]
    pub tariff_without_gpus: Option<Sourced<TariffProfile>>,
}

/// Instants as people write them.
mod instant {
    use model::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(instant)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// What launchers need to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Launchers {
    /// Which ways of starting exist here; all where none is named.
    pub available: Vec<Launch>,
    /// Further words for every `srun`.
    pub srun_options: Vec<String>,
    /// Further words for an `srun` that starts one launcher a node, which then starts the processes.
    pub one_task_options: Vec<String>,
    /// The MPI launcher's words; empty where `srun` does.
    pub mpi_launcher: Vec<String>,
}

/// What to do when a job is longer than the wall time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndOfTime {
    /// Chain jobs with `afterany`: a job that meets its limit is not successful, so `afterok` never starts the next.
    ChainAfterAny,
    /// A signal before the end, then `scontrol requeue`.
    SignalAndRequeue,
    /// The program stops itself before the limit.
    StopEarly,
}

/// For which jobs a partition is taken when none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Jobs with GPUs.
    Gpu,
    /// Jobs without.
    Cpu,
}

/// A partition as Pakt sees it: often Slurm's, sometimes what a constraint selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// The profile's name for it.
    pub name: String,
    /// Slurm's name for it, given with `--partition`; none where a submit filter chooses.
    #[serde(default)]
    pub slurm_name: Option<Sourced<PartitionName>>,
    /// Slurm's names, as patterns, under which its runs stand in accounting, where they are not `slurm_name`.
    #[serde(default)]
    pub runs_as: Option<Sourced<Vec<String>>>,
    /// The quality of service that must be asked for.
    #[serde(default)]
    pub qos: Option<Sourced<QosName>>,
    /// For which jobs it is taken when none is named.
    #[serde(default)]
    pub default_for: Vec<Purpose>,
    /// The processors' architecture.
    pub architecture: Sourced<Architecture>,
    /// The GPUs of a node; none on CPU partitions.
    #[serde(default)]
    pub gpus: Option<Sourced<Gpus>>,
    /// The CPUs of a node.
    pub cpus: Sourced<Cpus>,
    /// The memory of a node.
    pub memory: Sourced<Memory>,
    /// How GPUs are asked for.
    pub selection: Sourced<GpuSelection>,
    /// Who else is on the node.
    pub sharing: Sourced<Sharing>,
    /// What one job, or one user, may have.
    #[serde(default)]
    pub limits: Limits,
    /// The site's formula.
    pub tariff: Sourced<TariffProfile>,
    /// The formula for runs without GPUs, where it differs.
    #[serde(default)]
    pub tariff_without_gpus: Option<Sourced<TariffProfile>>,
    /// The formulas that held before, for the runs that started then.
    #[serde(default)]
    pub earlier_tariffs: Vec<EarlierTariff>,
    /// Further options that every job here must give the scheduler, in order.
    #[serde(default)]
    pub directives: Vec<Sourced<Directive>>,
    /// Whether compute nodes reach the internet.
    pub internet: Sourced<bool>,
    /// The node feature that selects nodes with internet, where only some have it.
    #[serde(default)]
    pub internet_constraint: Option<Sourced<String>>,
    /// How nodes find each other.
    pub rendezvous: Sourced<RendezvousRule>,
    /// Variables that jobs need here, in order.
    #[serde(default)]
    pub environment: Vec<Sourced<EnvironmentSetting>>,
    /// How launchers are called.
    pub launchers: Sourced<Launchers>,
    /// What starts containers here, the usual one first; empty where nothing is known.
    #[serde(default)]
    pub containers: Vec<Sourced<Containers>>,
    /// Whether `sbatch` works on compute nodes, where that is known.
    #[serde(default)]
    pub submits_from_compute: Option<Sourced<bool>>,
    /// What to do when a job is longer than the wall time.
    #[serde(default)]
    pub end_of_time: Option<Sourced<EndOfTime>>,
    /// What else a user should know.
    #[serde(default)]
    pub notes: Vec<Sourced<String>>,
}

const fn thousand() -> u64 {
    1000
}

const fn one() -> u32 {
    1
}
