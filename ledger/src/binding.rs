//! Bindings, enforcement, policies and cursors: what a project's people decide beside amounts.

use crate::{Policy, Scope};
use model::{
    AccountName, ClusterName, DirectoryPrefix, PartitionName, Pattern, Principal, ProjectName, SiteName, Timestamp,
    Unit, UserName, Window, Zone,
};
use serde::{Deserialize, Serialize};

/// Says which project pays for the runs of an account, a partition or a person at a site, in which unit, and when.
///
/// A part that is absent matches everything. Of several that match a run the most specific one counts. One that names
/// a directory or a name is a *rule*: it counts for runs that have ended and that no other binding covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Binding {
    /// Where.
    pub site: SiteName,
    /// For runs of this Slurm account.
    pub account: Option<AccountName>,
    /// For runs in this partition.
    pub partition: Option<PartitionName>,
    /// For runs of this person.
    pub user: Option<UserName>,
    /// For runs that were told to work in this directory or below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_directory: Option<DirectoryPrefix>,
    /// For runs with such a name at the scheduler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Pattern>,
    /// The unit that is charged.
    pub unit: Unit,
    /// Who pays.
    pub project: ProjectName,
    /// For runs that started at this instant or later.
    pub from: Timestamp,
    /// For runs that started before this instant; none while it stands.
    pub to: Option<Timestamp>,
}

/// A binding as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingRecord {
    /// Its number, by which it is ended.
    pub number: u64,
    /// The entry whose leaf has its digest; none where somebody put it beside the log.
    pub entry: Option<u64>,
    /// When it was made.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: Principal,
    /// What it says, with the end that it was given since.
    #[serde(flatten)]
    pub terms: Binding,
}

/// Ends a binding, which is never deleted: runs that started earlier may have been charged by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unbind {
    /// Which one.
    pub number: u64,
    /// It says nothing about runs that started at this instant or later; its own start takes it back altogether.
    pub to: Timestamp,
}

/// Charges the runs that started inside a window at a site once more, by the bindings as they are now: those that are
/// charged by a binding, and those that are unattributed. What a hold paid stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reattribute {
    /// Where.
    pub site: SiteName,
    /// When the runs started.
    pub window: Window,
}

impl Binding {
    /// Whether it goes by what people write into their jobs.
    pub const fn is_rule(&self) -> bool {
        self.work_directory.is_some() || self.name.is_some()
    }

    /// Whether this and `other` cover the same runs at some time, name the same unit, and let different projects pay.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        // Slurm keeps accounts in lower case.
        let account = |binding: &Self| binding.account.as_ref().map(|name| name.as_str().to_ascii_lowercase());
        let same = (&self.site, account(self), &self.partition, &self.user, &self.unit)
            == (&other.site, account(other), &other.partition, &other.user, &other.unit)
            && (&self.work_directory, &self.name) == (&other.work_directory, &other.name);
        let ends_before = |one: &Self, two: &Self| one.to.is_some_and(|to| to <= two.from || to <= one.from);
        same && self.project != other.project && !ends_before(self, other) && !ends_before(other, self)
    }

    /// What it covers, in words: `account `hai` and partition `booster` at `jupiter``, or `every run at `jupiter``.
    pub fn covers(&self) -> String {
        let named = [
            self.account.as_ref().map(|name| format!("account `{name}`")),
            self.partition.as_ref().map(|name| format!("partition `{name}`")),
            self.user.as_ref().map(|name| format!("user `{name}`")),
            self.work_directory.as_ref().map(|directory| format!("directory `{directory}`")),
            self.name.as_ref().map(|pattern| format!("name `{pattern}`")),
        ];
        let named: Vec<String> = named.into_iter().flatten().collect();
        if named.is_empty() {
            return format!("every run at `{}`", self.site);
        }
        format!("{} at `{}`", named.join(" and "), self.site)
    }
}

/// The PI's switch: whether holds beyond what is free are refused. Without it the ledger only advises.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Enforce {
    /// Whose budget.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// On or off.
    pub is_enforced: bool,
}

/// Says what the programme lets a project do with its time, and in whose days. The last word counts, for the past too: a
/// programme's rules do not change, what is known of them does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPolicy {
    /// Whose budget.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// The rules.
    pub policy: Policy,
    /// The zone in which months and quarters begin.
    pub zone: Zone,
}

/// How far the runs of a cluster have been settled, of those that one scope covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// Where.
    pub site: SiteName,
    /// On which cluster.
    pub cluster: ClusterName,
    /// Whose.
    pub scope: Scope,
    /// Everything of the scope that ended before this instant was read and taken in.
    pub settled_until: Timestamp,
}
