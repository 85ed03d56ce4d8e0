//! Batches: what was read at one time.

use super::sight::MOST_ACCOUNTS;
use super::{BundleHeader, BundledRun, KeyTrust, Sight};
use crate::evidence::TreeHash;
use crate::{Coverage, ReaderRights, Scope};
use model::{AccountName, ClusterName, Timestamp, Window};
use serde::{Deserialize, Serialize};

/// The most runs of a batch.
pub const MOST_RUNS: usize = 4_000;

/// What was read of a cluster at one time: runs that have ended, and in the last batch of a reading what ran and waited, and
/// how far was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Its place, from 1.
    pub number: u64,
    /// The hash of the line before it: of the batch before it, or of the header.
    pub previous: TreeHash,
    /// When it was written.
    pub written_at: Timestamp,
    /// On which cluster.
    pub cluster: ClusterName,
    /// Whose jobs were asked for.
    pub scope: Scope,
    /// What ran.
    pub runs: Vec<BundledRun>,
    /// What runs and waits.
    pub sight: Option<Sight>,
    /// How far was read.
    pub coverage: Option<BatchCoverage>,
}

/// A reading that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchCoverage {
    /// What the reader could see of others; bundles of the first release do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<ReaderRights>,
    /// The accounts of which everybody's runs were seen.
    pub whole_accounts: Vec<Option<AccountName>>,
    /// Every run of the scope that ended inside it stands in this batch or an earlier one.
    pub window: Window,
}

impl Batch {
    /// The coverage as a ledger keeps it that believes the key so far.
    pub fn coverage_of(&self, header: &BundleHeader, trust: KeyTrust) -> Option<Coverage> {
        let is_signed = trust == KeyTrust::Site && matches!(self.scope, Scope::All(_));
        self.coverage.as_ref().map(|coverage| Coverage {
            site: header.site.clone(),
            cluster: self.cluster.clone(),
            scope: self.scope.clone(),
            rights: if is_signed { Some(ReaderRights::Site) } else { coverage.rights },
            whole_accounts: coverage.whole_accounts.clone(),
            hidden_accounts: Vec::new(),
            window: coverage.window,
            observed_at: self.written_at,
        })
    }

    /// The latest date in it: what lies ahead of the present was written by a clock that was wrong.
    pub fn latest(&self) -> Timestamp {
        let runs = self.runs.iter().map(|run| run.observed_at().max(run.ended_at()));
        let seen = self.sight.iter().map(|sight| sight.as_of);
        let covered = self.coverage.iter().map(|coverage| coverage.window.to);
        runs.chain(seen).chain(covered).fold(self.written_at, Timestamp::max)
    }

    /// What is wrong with it, whoever signed it: more than a batch may have, or what its reader cannot have seen.
    pub(super) fn fault(&self, header: &BundleHeader) -> Option<String> {
        let reader = match &self.scope {
            Scope::User(reader) | Scope::All(reader) => reader,
            // Whose word is the site's is for whoever merges to say, who knows the key.
            Scope::Site(_) => return Some("it calls itself the site's".to_owned()),
        };
        if self.coverage.as_ref().is_some_and(|coverage| coverage.rights == Some(ReaderRights::Site)) {
            return Some("it calls its reader the site".to_owned());
        }
        if *reader != header.user {
            return Some(format!("it was read by `{reader}`, and the bundle is `{}`'s", header.user));
        }
        if self.runs.len() > MOST_RUNS {
            return Some(format!("it has more than {MOST_RUNS} runs"));
        }
        if let Scope::User(user) = &self.scope {
            let seen = self.sight.iter().flat_map(Sight::users);
            let mut others = self.runs.iter().map(BundledRun::user).chain(seen).filter(|other| *other != user);
            if let Some(other) = others.next() {
                return Some(format!("it is of `{user}`'s own jobs, and has one of `{other}`"));
            }
        }
        if self.coverage.as_ref().is_some_and(|coverage| coverage.whole_accounts.len() > MOST_ACCOUNTS) {
            return Some(format!("it names more than {MOST_ACCOUNTS} accounts"));
        }
        if self.coverage.as_ref().is_some_and(|coverage| coverage.window.to <= coverage.window.from) {
            return Some("it says that an empty span of time was read".to_owned());
        }
        let runs = self.runs.iter().filter_map(BundledRun::fault);
        runs.chain(self.sight.iter().filter_map(Sight::fault)).next()
    }
}
