//! A run: the accounting record of one attempt, ours or not.

use crate::{AccountName, JobState, PartitionName, QosName, RunKey, Stamp, Timestamp, Tres, UserName, WallTime};
use serde::{Deserialize, Serialize};

/// Who vouches for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceClass {
    /// The person whose run it is read it.
    SelfRead,
    /// A coordinator who sees all of the account's runs read it.
    CoordinatorRead,
    /// The site handed it over, signed.
    SiteSigned,
}

/// How a run ended: the exit code and the signal, `0:0` when all went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExitCode {
    /// What the batch script returned.
    pub code: u32,
    /// The signal that ended it, zero for none.
    pub signal: u32,
}

/// One started row of `sacct -D`: what one attempt was given, for how long, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What makes it one and the same.
    pub key: RunKey,
    /// Slurm's own unique id, from 24.11 on.
    pub sluid: Option<String>,
    /// The id as people see it: `4711`, `4711_3`, `4711+0`.
    pub shown_id: String,
    /// Whose.
    pub user: UserName,
    /// Charged to which Slurm account, where the site has accounts.
    pub account: Option<AccountName>,
    /// Where it ran.
    pub partition: Option<PartitionName>,
    /// Under which quality of service.
    pub qos: Option<QosName>,
    /// The job's name at the scheduler.
    pub name: String,
    /// Our mark, where it is one of ours.
    pub stamp: Option<Stamp>,
    /// Where it stands.
    pub state: JobState,
    /// How often it was started before, where Slurm says (24.11 on).
    pub restarts: Option<u32>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; none while it runs.
    pub ended_at: Option<Timestamp>,
    /// How long it has had its allocation, in seconds (`ElapsedRaw`).
    pub elapsed: WallTime,
    /// The limit it was given.
    pub time_limit: Option<WallTime>,
    /// What it was given.
    pub allocated: Tres,
    /// How it ended.
    pub exit: ExitCode,
    /// Who vouches for it.
    pub evidence: EvidenceClass,
    /// When it was read; of two readings the later one counts.
    pub observed_at: Timestamp,
    /// The row as the scheduler printed it, for whoever checks.
    pub raw: String,
}

impl Run {
    /// Whether it is *foreign*: a run without our stamp. It counts all the same.
    pub const fn is_foreign(&self) -> bool {
        self.stamp.is_none()
    }
}
