//! Runs whose price nobody can tell yet: they are in the books and in no sum.

use model::{AccountName, PartitionName, SiteName, Timestamp, UserName, Window};
use serde::{Deserialize, Serialize};

/// Those of one person in one account and partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpricedRuns {
    /// Where.
    pub site: SiteName,
    /// Charged to which Slurm account.
    pub account: Option<AccountName>,
    /// In which partition.
    pub partition: Option<PartitionName>,
    /// Whose.
    pub user: UserName,
    /// How many.
    pub runs: u64,
    /// When the last of them began.
    pub last_start: Timestamp,
    /// From the first start to the last end.
    pub window: Window,
}
