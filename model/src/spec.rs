//! The job a person describes: what to run, on how much, for how long. Portable between sites; nothing here is Slurm's
//! but the `scheduler` part, which says so.

use crate::{
    AccountName, Chain, Code, GpuType, Images, JobName, OnFailure, PartitionName, ProjectName, QosName, SiteName,
    Sweep, WallTime,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What sort of work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Trains a model.
    Train,
    /// Evaluates one.
    Evaluate,
    /// Anything else.
    Command,
}

/// Where it may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiteChoice {
    /// On one of these, in this order of preference; one entry for a fixed site.
    OneOf(Vec<SiteName>),
    /// Anywhere that fits.
    Any,
}

/// How the GPUs are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GpuRequest {
    /// So many on each node.
    PerNode(u32),
    /// So many in all; the nodes follow from the partition.
    Total(u32),
    /// None.
    None,
}

/// How much is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Nodes; none where the GPUs decide.
    pub nodes: Option<u32>,
    /// GPUs.
    pub gpus: GpuRequest,
    /// The type they must be of; none for whatever the partition has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_type: Option<GpuType>,
    /// The wall-time limit.
    pub time: WallTime,
    /// Memory per node in MiB, a hint: sites count memory too differently to carry a number from one to the next.
    pub memory_mib: Option<u64>,
    /// CPUs per node, a hint: a CPU is a core at one site and a hardware thread at the next.
    pub cpus: Option<u32>,
}

/// How the processes are started on the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Launch {
    /// One `torchrun` a node, one process a GPU.
    Torchrun,
    /// One task a GPU, started by `srun`.
    Srun,
    /// One MPI rank a GPU, started by the site's MPI launcher.
    Mpi,
    /// Once, on the first node.
    Command,
}

/// What is run: shell words, or a list that is quoted word by word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RunLine {
    /// Shell text, put behind the launcher as it is; several lines only with `launch: command`.
    Shell(String),
    /// Words; each reaches the program exactly as written.
    Words(Vec<String>),
}

/// What must be in place before the program starts, on the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Modules to load, in order.
    pub modules: Vec<String>,
    /// A Python virtual environment to activate.
    pub venv: Option<String>,
    /// The container images of which the job runs inside one.
    pub container: Option<Images>,
    /// Variables; `$NAME` in a value is expanded on the node, never on the login node.
    pub variables: BTreeMap<String, String>,
}

/// When the scheduler sends mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyWhen {
    /// At the start.
    Start,
    /// At the end, however it ended.
    End,
    /// When it failed.
    Fail,
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// A mail address.
    pub mail: Option<String>,
    /// When.
    pub when: Vec<NotifyWhen>,
}

/// What is said to the scheduler beyond the portable part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulerOptions {
    /// The Slurm account; none to take the one that the project's binding names.
    pub account: Option<AccountName>,
    /// The partition; none to let the profile choose.
    pub partition: Option<PartitionName>,
    /// The quality of service.
    pub qos: Option<QosName>,
    /// A reservation.
    pub reservation: Option<String>,
    /// Node features (sbatch(1), `--constraint`).
    pub constraint: Option<String>,
    /// Nodes to avoid.
    pub exclude: Option<String>,
    /// Not before (sbatch(1), `--begin`).
    pub begin: Option<String>,
    /// Dependencies (sbatch(1), `--dependency`).
    pub after: Option<String>,
    /// Further sbatch options, word by word, as they are.
    pub extra: Vec<String>,
}

/// A job as a person describes it, read from a job file and checked for itself, not yet against a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// What it is called.
    pub name: JobName,
    /// What sort of work it is.
    pub kind: JobKind,
    /// Which project spends.
    pub project: ProjectName,
    /// Where it may run.
    pub site: SiteChoice,
    /// On how much.
    pub resources: Resources,
    /// How it is started.
    pub launch: Launch,
    /// What is run.
    pub run: RunLine,
    /// Where it starts: absolute, or beginning with `~` or `$NAME`, which the node expands; `$$` is one dollar, as it is in
    /// every path and value that a node reads. What comes from a file system has its dollars doubled.
    pub workdir: String,
    /// What must be in place.
    pub environment: Environment,
    /// Where the log goes instead of into the job directory, as the scheduler reads it: `%j` is its own, nothing else is
    /// expanded.
    pub output: Option<String>,
    /// Whether each line of the log says which rank printed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub labels_ranks: bool,
    /// Who is told.
    pub notify: Notify,
    /// What is said to the scheduler.
    pub scheduler: SchedulerOptions,
    /// How it goes on past the limit; none where it ends there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain>,
    /// What becomes of it when its program fails; none for what is usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// The cells that it works through; none where it starts its program once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// Which code it runs.
    #[serde(default, skip_serializing_if = "Code::is_usual")]
    pub code: Code,
}
