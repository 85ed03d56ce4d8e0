//! A placement: a job spec made concrete for one partition of one site.

use crate::{AccountName, ContainerRules, GpuVendor, Images, JobSpec, PartitionName, SiteName, Tariff, Tres, WallTime};
use serde::{Deserialize, Serialize};

/// One option for the scheduler, without the leading dashes: `nodes` with `2`, `exclusive` with nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directive {
    /// The long option's name.
    pub option: String,
    /// Its value, where it takes one.
    pub value: Option<String>,
}

impl Directive {
    /// An option with a value.
    pub fn with(option: &str, value: &impl ToString) -> Self {
        Self { option: option.to_owned(), value: Some(value.to_string()) }
    }

    /// An option without a value.
    pub fn flag(option: &str) -> Self {
        Self { option: option.to_owned(), value: None }
    }
}

/// One variable that a partition needs, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSetting {
    /// The variable.
    pub name: String,
    /// Its value; `$NAME` is expanded on the node.
    pub value: String,
    /// The variable that must be set on the node, and not be empty, for this to be set at all; none to set it always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_set: Option<String>,
    /// Why it is set.
    pub reason: String,
}

/// How the nodes of a job find each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RendezvousRule {
    /// Appended to the first node's host name before it is looked up: `i` at JUWELS and JURECA, none at JUPITER.
    #[serde(default)]
    pub host_suffix: String,
    /// A name tried first, with `{host}` in it: `{host}-interconnect-1.jupiter.internal`.
    #[serde(default)]
    pub preferred_host: Option<String>,
    /// Whether the name is resolved to an IPv4 address on the node.
    #[serde(default)]
    pub resolve_ipv4: bool,
    /// The interfaces for NCCL's own sockets (`NCCL_SOCKET_IFNAME`).
    #[serde(default)]
    pub nccl_interface: Option<String>,
    /// The interfaces for Gloo (`GLOO_SOCKET_IFNAME`), which at some sites must differ or stay unset.
    #[serde(default)]
    pub gloo_interface: Option<String>,
}

/// What the launchers need to be told at a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LauncherRules {
    /// Further words for every `srun`: `--cpu-bind=none`.
    #[serde(default)]
    pub srun_options: Vec<String>,
    /// The MPI launcher's words: `srun --mpi=pspmix`, or `mpiexec`; empty where `srun` does.
    #[serde(default)]
    pub mpi_launcher: Vec<String>,
    /// All words for the container runtime, in a placement of before there were rules for it; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_launcher: Vec<String>,
    /// How the container runtime is called; none where the job wants none, or none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Box<ContainerRules>>,
}

/// What a node gives to this job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeShare {
    /// GPUs that the job's processes use on each node.
    pub gpus: u32,
    /// CPUs that the job has on each node, as the site counts CPUs.
    pub cpus: u32,
}

/// Where and how a job will run: everything that a script and a hold need, and nothing of how the scheduler is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The site.
    pub site: SiteName,
    /// The profile's name of the partition, always there.
    pub profile_partition: String,
    /// Slurm's partition, where it is given at all.
    pub partition: Option<PartitionName>,
    /// Slurm's account, where the site has accounts.
    pub account: Option<AccountName>,
    /// Nodes.
    pub nodes: u32,
    /// What the job has on each of them.
    pub share: NodeShare,
    /// Who makes their GPUs, where they have any.
    #[serde(default)]
    pub gpu_vendor: Option<GpuVendor>,
    /// The wall-time limit.
    pub time_limit: WallTime,
    /// What will be charged for: on exclusive nodes all of each node.
    pub charged: Tres,
    /// By which tariff.
    pub tariff: Tariff,
    /// The options for the scheduler, in order.
    pub directives: Vec<Directive>,
    /// The user's `scheduler.extra`, word by word, for the scheduler's command line as they are.
    pub extra: Vec<String>,
    /// Variables the partition needs, in order.
    pub environment: Vec<EnvironmentSetting>,
    /// How launchers are called.
    pub launcher: LauncherRules,
    /// The container image, where the job has several to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How nodes find each other.
    pub rendezvous: RendezvousRule,
    /// Whether compute nodes reach the internet; where not, offline variables are set.
    pub has_internet: bool,
    /// A variable or path for caches, away from a small home: `$SCRATCH`.
    pub cache_area: Option<String>,
    /// Where the job directory's parent lies as compute nodes see it, if a profile names one.
    pub state_area: Option<String>,
}

impl Placement {
    /// The image that the job runs inside here; none without a container, or where none of its images is for these nodes.
    pub fn image_of<'a>(&'a self, spec: &'a JobSpec) -> Option<&'a str> {
        match spec.environment.container.as_ref()? {
            Images::One(image) => Some(image),
            Images::ByNode(_) => self.image.as_deref(),
        }
    }
}
