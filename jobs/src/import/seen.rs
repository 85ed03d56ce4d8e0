//! What a file covers, by what stands in it and by what a person says of it.

use super::wish::{Asked, Rights};
use ledger::{Coverage, ReaderRights, Scope};
use model::{AccountName, ClusterName, Run, SiteName, Timestamp, Window};
use std::collections::BTreeSet;

/// Whose runs were read, in words.
pub fn whose(read: &Coverage) -> String {
    match &read.scope {
        Scope::User(user) => format!("the runs of {user}"),
        Scope::All(reader) => format!("the runs that {reader} sees"),
        Scope::Site(_) => "all runs".to_owned(),
    }
}

/// So many clusters of a file are told apart; a site has a few.
const MOST_CLUSTERS: usize = 100;

/// What was seen of the runs of each cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Vec<OfCluster>);

#[derive(Clone, Debug)]
struct OfCluster {
    cluster: ClusterName,
    first_end: Timestamp,
    last_end: Timestamp,
    accounts: BTreeSet<Option<AccountName>>,
    last_account: Option<AccountName>,
}

impl Seen {
    /// Notes a run that has ended.
    pub(super) fn see(&mut self, run: &Run) {
        let Some(ended_at) = run.ended_at else { return };
        let place = self.0.iter().position(|seen| seen.cluster == run.key.cluster);
        match place {
            Some(place) => self.0[place].see(run, ended_at),
            None if self.0.len() < MOST_CLUSTERS => self.0.push(OfCluster {
                cluster: run.key.cluster.clone(),
                first_end: ended_at,
                last_end: ended_at,
                accounts: BTreeSet::from([run.account.clone()]),
                last_account: run.account.clone(),
            }),
            None => {}
        }
    }

    /// What the file covers. Without a word about the time it is only from the first end of a run to the last one: what
    /// was asked for began no later and ended no earlier.
    pub(super) fn coverage(&self, site: &SiteName, asked: &Asked, observed_at: Timestamp) -> Vec<Coverage> {
        let of_cluster = |seen: &OfCluster| {
            let window = Window {
                from: asked.since.unwrap_or(seen.first_end),
                to: asked.until.unwrap_or(seen.last_end.plus_seconds(1)).min(observed_at),
            };
            let by = asked.by.clone();
            let (scope, rights, whole_accounts) = match asked.rights {
                Rights::Own => (Scope::User(by), ReaderRights::Own, Vec::new()),
                Rights::Accounts => {
                    (Scope::All(by), ReaderRights::Coordinator, seen.accounts.iter().cloned().collect())
                }
                Rights::Cluster => (Scope::Site(by), ReaderRights::Site, Vec::new()),
            };
            let (site, cluster) = (site.clone(), seen.cluster.clone());
            let (rights, hidden_accounts) = (Some(rights), Vec::new());
            let read = Coverage { site, cluster, scope, rights, whole_accounts, hidden_accounts, window, observed_at };
            (window.from < window.to).then_some(read)
        };
        self.0.iter().filter_map(of_cluster).collect()
    }
}

impl OfCluster {
    fn see(&mut self, run: &Run, ended_at: Timestamp) {
        self.first_end = self.first_end.min(ended_at);
        self.last_end = self.last_end.max(ended_at);
        // Rows of one account often follow one another, and looking into the set costs more than a comparison.
        if self.last_account != run.account {
            self.last_account.clone_from(&run.account);
            if !self.accounts.contains(&run.account) {
                self.accounts.insert(run.account.clone());
            }
        }
    }
}
