//! What is to be imported, and what a file is said to be.

use model::{ClusterName, Timestamp, UserName, Zone};

/// A file that is to be imported.
#[derive(Clone, Debug)]
pub struct ImportWish {
    /// The command as it was written, for the books.
    pub command: String,
    /// Of which cluster, whatever the rows say.
    pub cluster: Option<ClusterName>,
    /// When accounting was asked.
    pub observed_at: Timestamp,
    /// The zone of times that have none.
    pub zone: Option<Zone>,
    /// Who asked accounting; where nobody says so, the file is no coverage.
    pub asked: Option<Asked>,
}

/// What a person says of how a file was made.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asked.
    pub by: UserName,
    /// What this person could see.
    pub rights: Rights,
    /// Since when; the first end of a run in the file where nobody says so.
    pub since: Option<Timestamp>,
    /// Until when; the last end of a run in the file where nobody says so.
    pub until: Option<Timestamp>,
}

/// What somebody sees who asks accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Their own runs.
    Own,
    /// Everybody's runs of the accounts that the file has, as their coordinator.
    Accounts,
    /// Everybody's runs of the cluster, as an operator.
    Cluster,
}

/// Runs that are to be asked of the scheduler.
#[derive(Clone, Debug)]
pub struct LiveWish {
    /// The command as it was written, for the books.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
    /// The runs of all users that are visible, instead of one's own.
    pub all_users: bool,
}
