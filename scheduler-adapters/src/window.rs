//! Which runs are asked for, what came back, and how much of the truth that can be.

use crate::JobSighting;
use model::{AccountName, ArrayStamp, ClusterName, Run, SchedulerJobId, SiteName, Stamp, Timestamp, UserName, Window};
use serde::{Deserialize, Serialize};

/// Whose jobs are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Users {
    /// Those of the person who asks.
    Mine,
    /// Those of everyone whom that person may see.
    Visible,
}

/// Whose jobs, and of which accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// Of whom.
    pub users: Users,
    /// Of which accounts; of all where empty.
    pub accounts: Vec<AccountName>,
}

impl Whose {
    /// The jobs of the person who asks, in all accounts.
    pub const fn mine() -> Self {
        Self { users: Users::Mine, accounts: Vec::new() }
    }

    /// All that can be seen.
    pub const fn visible() -> Self {
        Self { users: Users::Visible, accounts: Vec::new() }
    }
}

/// A question for runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunWindow {
    /// The site, for the runs' keys.
    pub site: SiteName,
    /// Runs that overlap this are wanted, whole.
    pub window: Window,
    /// Whose.
    pub whose: Whose,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The row, its values separated by the unit separator (0x1f); the raw id is the first.
    pub raw: String,
    /// Why it could not be read.
    pub reason: String,
    /// Our mark, where it can be read all the same.
    pub stamp: Option<Stamp>,
    /// Whether values are missing: then it may be any job's, whatever can be read in it.
    pub is_cut: bool,
}

impl RejectedRow {
    /// Whether the row may be that of one of these jobs.
    pub(crate) fn may_be_one_of(&self, is_one: impl Fn(SchedulerJobId) -> bool) -> bool {
        let id = self.raw.split('\u{1f}').next().and_then(|id| id.parse().ok());
        self.is_cut || id.is_none_or(is_one)
    }

    /// Whether the row may be that of a job with this mark.
    pub(crate) fn may_carry(&self, stamp: Stamp) -> bool {
        let may_be_its_task = |array: ArrayStamp| self.stamp.is_none() && array.index_of(stamp).is_some();
        self.is_cut || self.stamp == Some(stamp) || ArrayStamp::find_in(&self.raw).is_some_and(may_be_its_task)
    }
}

/// What waits, runs or has just ended, and what could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueBatch {
    /// The jobs; of an array a row for each task that was started and one for the rest.
    pub jobs: Vec<JobSighting>,
    /// Rows that could not be read: of a job in them nothing is known, and it is not absent.
    pub rejected: Vec<RejectedRow>,
    /// When it was asked.
    pub observed_at: Timestamp,
}

/// How much was asked for: a run that is missing from an answer is absent only inside its coverage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Of which cluster.
    pub cluster: ClusterName,
    /// Of which window.
    pub window: Window,
    /// Whose.
    pub whose: Whose,
    /// Who asked.
    pub asked_by: UserName,
}

/// What there is to say of an answer beside its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAnswer {
    /// Where.
    pub cluster: ClusterName,
    /// What was asked.
    pub coverage: Coverage,
    /// When it was asked.
    pub observed_at: Timestamp,
}

/// The answer with its runs: one for each start, what could not be read, and what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunBatch {
    /// Where.
    pub cluster: ClusterName,
    /// Runs, running ones included.
    pub runs: Vec<Run>,
    /// Rows that could not be read.
    pub rejected: Vec<RejectedRow>,
    /// What was asked.
    pub coverage: Coverage,
    /// The names of the values in a run's raw row, in order.
    pub fields: Vec<String>,
    /// When it was asked.
    pub observed_at: Timestamp,
}
