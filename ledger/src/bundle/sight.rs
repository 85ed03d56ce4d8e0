//! What runs and waits, before it has a price.

use super::run::gpu_fault;
use model::{AccountName, PartitionName, SchedulerJobId, Stamp, Timestamp, Tres, UserName, WallTime};
use serde::{Deserialize, Serialize};

/// The most jobs of one sight. A ledger that is told of some of them only would call the others gone.
const MOST_SEEN: usize = 20_000;
/// The most accounts of which all was seen.
pub(super) const MOST_ACCOUNTS: usize = 10_000;

/// All that was seen of one cluster at one instant. Priced, it is an [`Observation`](crate::Observation).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sight {
    /// When.
    pub as_of: Timestamp,
    /// The Slurm accounts of which the reader sees everybody's jobs, `None` for jobs without an account.
    pub whole_accounts: Vec<Option<AccountName>>,
    /// What ran.
    pub running: Vec<SeenRun>,
    /// What waited.
    pub pending: Vec<SeenPending>,
}

/// A job that was seen running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenRun {
    /// Which.
    pub scheduler_job: SchedulerJobId,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Our mark, where it is one of ours.
    pub stamp: Option<Stamp>,
    /// Whose.
    pub user: UserName,
    /// Charged to which Slurm account.
    pub account: Option<AccountName>,
    /// Where it runs.
    pub partition: Option<PartitionName>,
    /// What it was given.
    pub allocated: Tres,
    /// When it began, where accounting told; a bundle does not, and the time for which it ran stands for it.
    #[serde(skip)]
    pub started_at: Option<Timestamp>,
    /// For how long by then; never longer than its limit where it should have ended long ago.
    pub elapsed: WallTime,
    /// Its limit.
    pub time_limit: Option<WallTime>,
}

/// A job that was seen waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenPending {
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
    /// What each of its tasks asks for.
    pub requested: Tres,
    /// The limit of each.
    pub time_limit: Option<WallTime>,
    /// How many tasks the row stands for.
    pub tasks: u32,
}

impl Sight {
    /// Whose jobs it has.
    pub(super) fn users(&self) -> impl Iterator<Item = &UserName> {
        self.running.iter().map(|job| &job.user).chain(self.pending.iter().map(|job| &job.user))
    }

    /// What makes it longer than any is.
    pub fn fault(&self) -> Option<String> {
        if self.whole_accounts.len() > MOST_ACCOUNTS {
            return Some(format!("it names more than {MOST_ACCOUNTS} accounts"));
        }
        if self.running.len() + self.pending.len() > MOST_SEEN {
            return Some(format!("it tells of more than {MOST_SEEN} running and waiting jobs"));
        }
        let mut given =
            self.running.iter().map(|job| &job.allocated).chain(self.pending.iter().map(|job| &job.requested));
        given.find_map(gpu_fault)
    }
}
