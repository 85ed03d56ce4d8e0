//! Observations: what runs and waits on a cluster at one instant, of what one reader sees. They are dated, replaced as a
//! whole, and no entries. A balance puts those of all readers together.

use crate::Scope;
use model::{
    AccountName, ClusterName, PartitionName, Price, RunKey, SchedulerJobId, SiteName, Stamp, Timestamp, UserName,
};
use serde::{Deserialize, Serialize};

/// All that was seen of one cluster at one instant; it replaces the previous observation of that cluster in that scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Where.
    pub site: SiteName,
    /// On which cluster.
    pub cluster: ClusterName,
    /// Whose jobs were asked for.
    pub scope: Scope,
    /// The Slurm accounts of which the reader sees everybody's jobs, `None` for jobs without an account. Only of these,
    /// and of the reader, an observation of [`Scope::All`] says that a job it lacks is gone.
    pub whole_accounts: Vec<Option<AccountName>>,
    /// When.
    pub as_of: Timestamp,
    /// What ran.
    pub running: Vec<ObservedRun>,
    /// What waited.
    pub pending: Vec<ObservedPending>,
}

/// A job that was seen running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedRun {
    /// Which.
    pub key: RunKey,
    /// Our mark, where it is one of ours.
    pub stamp: Option<Stamp>,
    /// Whose.
    pub user: UserName,
    /// Charged to which Slurm account.
    pub account: Option<AccountName>,
    /// Where it runs.
    pub partition: Option<PartitionName>,
    /// When it began; observations of earlier releases do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// What it has cost so far.
    pub price_so_far: Price,
    /// What it costs when it reaches its limit.
    pub ceiling: Price,
}

/// A job that was seen waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedPending {
    /// Which.
    pub scheduler_job: SchedulerJobId,
    /// Our mark, where it is one of ours.
    pub stamp: Option<Stamp>,
    /// Whose.
    pub user: UserName,
    /// Charged to which Slurm account.
    pub account: Option<AccountName>,
    /// Where it wants to run, where that is one partition.
    pub partition: Option<PartitionName>,
    /// What it costs when it reaches its limit.
    pub ceiling: Price,
}
