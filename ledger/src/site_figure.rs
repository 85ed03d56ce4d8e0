//! Site figures: what a site itself says was used of a budget. They are dated notes beside the books and no entries; the first
//! one of a budget brings its opening with it.

use model::{Amount, Principal, ProjectName, Timestamp, Unit};
use serde::{Deserialize, Serialize};

/// What a site says of a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSiteFigure {
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// What was granted; none where there is no bound, or it does not say.
    pub granted: Option<Amount>,
    /// What was used.
    pub used: Amount,
    /// From when on it counts; none where it counts everything.
    pub since: Option<Timestamp>,
    /// Up to when, that instant included.
    pub as_of: Timestamp,
    /// Who said so: a command.
    pub source: String,
    /// The digest of the text in which it was said, so that whoever kept the text can show that it is the one.
    pub digest: String,
}

/// A site's figure as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteFigureRecord {
    /// Its number.
    pub number: u64,
    /// When it was noted.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: Principal,
    /// What was said.
    #[serde(flatten)]
    pub terms: NewSiteFigure,
}
