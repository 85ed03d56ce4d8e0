//! Runs that were under way when they were read: what they take is in no entry before they end.

use model::{AccountName, ClusterName, ProjectName, SiteName, Timestamp, Unit, UserName};
use serde::{Deserialize, Serialize};

/// That runs of an account had not ended when a batch was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningRows {
    /// On which cluster.
    pub cluster: ClusterName,
    /// Of which account.
    pub account: Option<AccountName>,
    /// When the first of them had begun.
    pub since: Timestamp,
}

/// One run that was under way when it was last read, or those of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillRunning {
    /// Where.
    pub site: SiteName,
    /// Charged to which Slurm account.
    pub account: Option<AccountName>,
    /// Whose; none where it is only known of an account.
    pub user: Option<UserName>,
    /// Which budget would pay, and in which unit; none where only the account is known.
    pub paid_by: Option<(ProjectName, Unit)>,
    /// When it had begun, or the first of them.
    pub since: Timestamp,
    /// When it was read.
    pub as_of: Timestamp,
}
