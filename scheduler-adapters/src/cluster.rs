//! What a cluster says about itself: the live side of a site's profile.

use model::{AccountName, ClusterName, PartitionName, QosName, Timestamp, Tres, UserName, WallTime};

/// Nodes of one kind in one partition, as `sinfo` groups them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeGroup {
    /// How many.
    pub nodes: u32,
    /// How many of them are idle.
    pub idle_nodes: u32,
    /// CPUs of each, as the scheduler counts CPUs.
    pub cpus: u32,
    /// Memory of each in MiB.
    pub memory_mib: u64,
    /// Generic resources of each, in Slurm's words: `gpu:gh200:4(S:0-3)`.
    pub gres: String,
    /// Features for `--constraint`.
    pub features: Vec<String>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionFacts {
    /// Its name.
    pub name: PartitionName,
    /// Whether jobs that name none land here.
    pub is_default: bool,
    /// Whether it takes and starts jobs (`State=UP`).
    pub is_up: bool,
    /// The longest job; none for no limit (the limit may then stand in a QOS).
    pub max_time: Option<WallTime>,
    /// The limit of a job that asks for none.
    pub default_time: Option<WallTime>,
    /// The most nodes of a job; none for no limit.
    pub max_nodes: Option<u32>,
    /// The partition's own QOS.
    pub qos: Option<QosName>,
    /// Accounts that may use it; none for all.
    pub allowed_accounts: Option<Vec<AccountName>>,
    /// Whether a job gets whole nodes (`OverSubscribe=EXCLUSIVE`).
    pub is_exclusive: bool,
    /// All of its resources together.
    pub tres: Tres,
    /// Nodes in all.
    pub nodes: u32,
    /// Its nodes by kind.
    pub groups: Vec<NodeGroup>,
}

/// A quality of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QosFacts {
    /// Its name.
    pub name: QosName,
    /// The longest job; none for no limit of its own.
    pub max_time: Option<WallTime>,
    /// The most of a user at once, in Slurm's words.
    pub max_tres_per_user: String,
    /// The minutes its jobs may use together, in Slurm's words: `gres/gpu=60000`.
    pub group_tres_minutes: String,
    /// The most jobs of a user that run at once.
    pub max_jobs_per_user: Option<u32>,
    /// The most jobs of a user in the queue.
    pub max_submitted_jobs_per_user: Option<u32>,
}

/// What an account, or a person in it, may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// The account.
    pub account: AccountName,
    /// The person; none for the account as a whole.
    pub user: Option<UserName>,
    /// The only partition it holds for.
    pub partition: Option<PartitionName>,
    /// QOS that may be asked for.
    pub qos: Vec<QosName>,
    /// The QOS of a job that asks for none.
    pub default_qos: Option<QosName>,
    /// The longest job.
    pub max_time: Option<WallTime>,
    /// The minutes that may be used together, in Slurm's words: `gres/gpu=60000`.
    pub group_tres_minutes: String,
    /// The most jobs in the queue.
    pub max_submitted_jobs: Option<u32>,
}

/// What accounting says about limits and about the person who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountingFacts {
    /// All qualities of service.
    pub qos: Vec<QosFacts>,
    /// The person's associations and those of the accounts they are in.
    pub associations: Vec<Association>,
}

/// What a cluster says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its name.
    pub cluster: ClusterName,
    /// The scheduler's version, in its own words.
    pub version: String,
    /// Partitions that the person may see.
    pub partitions: Vec<PartitionFacts>,
    /// Limits and associations; none when accounting did not answer.
    pub accounting: Option<AccountingFacts>,
    /// How long a finished job stays in the queue (`MinJobAge`).
    pub min_job_age: Option<WallTime>,
    /// One more than the largest index of an array (`MaxArraySize`).
    pub max_array_size: Option<u32>,
    /// Whether accounting counts GPUs (`AccountingStorageTRES`); where not, a run without GPUs is not one with none.
    pub tracks_gpus: bool,
    /// Whether accounting keeps comments (`AccountingStoreFlags=job_comment`).
    pub stores_comments: bool,
    /// What is hidden from other people (`PrivateData`).
    pub private_data: Vec<String>,
    /// What is enforced (`AccountingStorageEnforce`).
    pub enforced: Vec<String>,
    /// Whether a submit filter may change jobs (`JobSubmitPlugins`).
    pub has_submit_filter: bool,
    /// When this was read.
    pub observed_at: Timestamp,
}
