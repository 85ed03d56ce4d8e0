//! Bindings, enforcement and cursors: what a project's people decide beside amounts.

use crate::Scope;
use model::{AccountName, ClusterName, PartitionName, ProjectName, SiteName, Timestamp, Unit, UserName};
use serde::{Deserialize, Serialize};

/// Says which project pays for the runs of an account, a partition or a person at a site, in which unit, and when.
///
/// A part that is absent matches everything. Of several that match a run the most specific one counts.
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
    /// The unit that is charged.
    pub unit: Unit,
    /// Who pays.
    pub project: ProjectName,
    /// For runs that started at this instant or later.
    pub from: Timestamp,
    /// For runs that started before this instant; none while it stands.
    pub to: Option<Timestamp>,
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
