//! Usage: what runs took, summed by what reports ask for.

use model::{
    ClusterName, Day, EndState, Month, PartitionName, ProjectName, SiteName, Timestamp, Unit, UserName, Window, Zone,
};
use serde::{Deserialize, Serialize};

/// The zone that the days of a site's accounts begin in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteZone {
    /// Which site.
    pub site: SiteName,
    /// Its zone.
    pub zone: Zone,
}

/// What usage can be told apart by. Units are always told apart: their amounts do not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageField {
    /// The day on which it was used, in the zone of the site's accounts.
    Day,
    /// The month of that day.
    Month,
    /// Who pays.
    Project,
    /// Who ran it.
    Person,
    /// Where.
    Site,
    /// On which cluster, with its site.
    Cluster,
    /// In which partition.
    Partition,
    /// How the runs ended.
    EndState,
}

/// Which time is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageSpan {
    /// From the beginning of a day to the beginning of another, each at the site of the run.
    Days {
        /// The first day.
        from: Day,
        /// The first day that no longer counts.
        to: Day,
    },
    /// Between two instants.
    Instants(Window),
}

/// A state of the books that once was: knowledge has a position in the log of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownAt {
    /// After this entry.
    Entry(u64),
    /// After the last post that was recorded at this instant or before.
    Instant(Timestamp),
}

/// Which runs count; where nothing is said, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Those that this project pays for.
    pub project: Option<ProjectName>,
    /// Those of a person, at whichever site.
    pub person: Option<UserName>,
    /// Those at a site.
    pub site: Option<SiteName>,
    /// Those on a cluster, at whichever site has one of that name.
    pub cluster: Option<ClusterName>,
    /// Those in a partition.
    pub partition: Option<PartitionName>,
    /// Those in a unit.
    pub unit: Option<Unit>,
    /// Those that ended so.
    pub end_state: Option<EndState>,
}

/// A question about usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// Over which time.
    pub span: UsageSpan,
    /// As the books were then; as they are now where nothing is said.
    pub known_at: Option<KnownAt>,
    /// Which runs.
    pub filter: UsageFilter,
    /// What is told apart.
    pub by: Vec<UsageField>,
}

/// What a sum of usage is of: the unit, and those of the fields that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UsageGroup {
    /// The day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// The month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
    /// Who pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Who ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<UserName>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteName>,
    /// On which cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterName>,
    /// In which partition; none also where the site did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionName>,
    /// How the runs ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_state: Option<EndState>,
    /// In which unit.
    pub unit: Unit,
}

/// One sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsageSum {
    /// Of what.
    #[serde(flatten)]
    pub group: UsageGroup,
    /// How much.
    pub amount: model::Amount,
}

/// What sites charge for the runs of a sum by their own formula, in one of their units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SiteChargeSum {
    /// Of what; its unit is the one that the budget is counted in.
    #[serde(flatten)]
    pub group: UsageGroup,
    /// How much.
    pub charge: model::Charge,
}
