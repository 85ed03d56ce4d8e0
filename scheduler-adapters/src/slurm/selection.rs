//! Which jobs and which rows of accounting are asked for, whatever the way.

use crate::{AdapterError, JobSighting, Whose};
use crate::{Users, slurm::SlurmCommands};
use model::{AccountName, SchedulerJobId, Timestamp, UserName};
use std::collections::BTreeSet;

/// Up to so many ids are named in one question; for more, everything of the person who asks is asked for. More than some
/// hundreds make sacct hang (Parsl/parsl#3814).
pub(super) const NAMED_IDS: usize = 200;

/// Whose jobs, and which; a part that is empty selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) user: Option<UserName>,
    pub(super) accounts: Vec<AccountName>,
    pub(super) jobs: BTreeSet<SchedulerJobId>,
}

impl Selection {
    pub(super) fn of_user(user: UserName) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    /// This job; of a task the array, which is one id however many of its tasks are asked for.
    pub(super) fn of_job(job: SchedulerJobId) -> Self {
        Self { jobs: BTreeSet::from([job.whole()]), ..Self::default() }
    }

    /// Whether no job is left out.
    pub(super) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// As `squeue` takes it.
    pub(super) fn for_queue(&self) -> Vec<String> {
        let mut words = self.common();
        words.extend(self.listed_accounts().map(|names| format!("--account={names}")));
        words
    }

    /// As `sacct` takes it.
    pub(super) fn for_accounting(&self) -> Vec<String> {
        let mut words = self.common();
        if self.user.is_none() && self.jobs.is_empty() {
            words.push("--allusers".to_owned());
        }
        words.extend(self.listed_accounts().map(|names| format!("--accounts={names}")));
        words
    }

    /// Whether a job is among them, as `squeue` chooses: by its own id, or that of what it is a part of.
    pub(super) fn has(&self, job: &JobSighting) -> bool {
        self.user.as_ref().is_none_or(|user| *user == job.user)
            && (self.accounts.is_empty() || job.account.as_ref().is_some_and(|account| self.accounts.contains(account)))
            && (self.jobs.is_empty() || self.jobs.contains(&job.id) || self.jobs.contains(&job.leader))
    }

    fn common(&self) -> Vec<String> {
        let jobs = || self.jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let user = self.user.iter().map(|user| format!("--user={user}"));
        user.chain((!self.jobs.is_empty()).then(|| format!("--jobs={}", jobs()))).collect()
    }

    fn listed_accounts(&self) -> Option<String> {
        let names: Vec<&str> = self.accounts.iter().map(AccountName::as_str).collect();
        (!names.is_empty()).then(|| names.join(","))
    }
}

/// The same of accounting, within a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RowSelection {
    pub(super) of: Selection,
    /// Begin of the time; all time where none.
    pub(super) from: Option<Timestamp>,
    /// The last second of it; now where none.
    pub(super) until: Option<Timestamp>,
}

impl SlurmCommands {
    /// The jobs of these people and accounts.
    pub(super) async fn selected(&self, whose: &Whose) -> Result<Selection, AdapterError> {
        let user = match whose.users {
            Users::Mine => Some(self.user().await?.clone()),
            Users::Visible => None,
        };
        Ok(Selection { user, accounts: whose.accounts.clone(), jobs: BTreeSet::new() })
    }

    /// These jobs, and perhaps others of the person who asks.
    pub(super) async fn naming(&self, ids: &BTreeSet<SchedulerJobId>) -> Result<Selection, AdapterError> {
        let jobs: BTreeSet<SchedulerJobId> = ids.iter().map(|id| id.whole()).collect();
        if jobs.len() > NAMED_IDS {
            return Ok(Selection::of_user(self.user().await?.clone()));
        }
        Ok(Selection { jobs, ..Selection::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_in_the_words_of_both_commands() {
        let jobs: BTreeSet<_> = [7, 8].into_iter().map(SchedulerJobId::new).collect();
        let accounts = vec!["hai".parse().expect("an account"), "atlas".parse().expect("an account")];
        let ada = || Some("ada".parse().expect("a user"));
        for (selection, queue, accounting) in [
            (Selection::default(), "", "--allusers"),
            (Selection { user: ada(), ..Selection::default() }, "--user=ada", "--user=ada"),
            (Selection { jobs, ..Selection::default() }, "--jobs=7,8", "--jobs=7,8"),
            (
                Selection { user: ada(), accounts, ..Selection::default() },
                "--user=ada --account=hai,atlas",
                "--user=ada --accounts=hai,atlas",
            ),
        ] {
            assert_eq!(selection.for_queue().join(" "), queue);
            assert_eq!(selection.for_accounting().join(" "), accounting);
        }
    }
}
