//! Coverage: which runs were read, by whom, with which rights. What nobody has read is in no balance, and the books say so.

use crate::Scope;
use model::{AccountName, ClusterName, SiteName, Timestamp, UserName, Window};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One reading of a cluster's accounting that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Where.
    pub site: SiteName,
    /// On which cluster.
    pub cluster: ClusterName,
    /// Whose runs were asked for, and by whom.
    pub scope: Scope,
    /// The Slurm accounts of which the reader saw somebody else's run, `None` for runs without an account: of these the
    /// reader sees everybody's.
    pub whole_accounts: Vec<Option<AccountName>>,
    /// Every run of the scope that ended inside it was taken in.
    pub window: Window,
    /// When it was read.
    pub observed_at: Timestamp,
}

impl Coverage {
    /// The reading put together with those of its scope that it touches.
    pub(crate) fn joined_with(&self, known: &[Self]) -> Self {
        let all = || known.iter().chain([self]);
        let accounts: BTreeSet<_> = all().flat_map(|reading| reading.whole_accounts.iter().cloned()).collect();
        let from = all().map(|reading| reading.window.from).min().unwrap_or(self.window.from);
        let to = all().map(|reading| reading.window.to).max().unwrap_or(self.window.to);
        let observed_at = all().map(|reading| reading.observed_at).max().unwrap_or(self.observed_at);
        let whole_accounts = accounts.into_iter().collect();
        Self { whole_accounts, window: Window { from, to }, observed_at, ..self.clone() }
    }
}

/// What is known of the runs of one account in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCoverage {
    /// The stretches of which everybody's runs were read, in order, none touching the next.
    pub whole: Vec<Window>,
    /// Outside of those: the stretches of which only these persons' own runs were read.
    pub own: BTreeMap<UserName, Vec<Window>>,
    /// The stretches that nobody read at all.
    pub unread: Vec<Window>,
}
