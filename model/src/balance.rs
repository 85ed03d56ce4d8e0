//! A balance: what a project has, holds and owes in one unit, at one instant.

use crate::{Amount, AmountError, ProjectName, Timestamp, Unit};
use serde::{Deserialize, Serialize};

/// The site's own figure, which lags: shown beside ours, never instead of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteFigure {
    /// What the site says was granted; none where it sets no bound or does not say.
    pub granted: Option<Amount>,
    /// What the site says was used.
    pub used: Amount,
    /// From when on the site counts; none where it counts everything.
    pub since: Option<Timestamp>,
    /// As of when.
    pub as_of: Timestamp,
    /// Who said so: a command.
    pub source: String,
    /// What the ledger has settled of the same time by now, with what was used before it began.
    pub settled: Amount,
}

impl SiteFigure {
    /// What the site says beyond the ledger, which nothing explains; negative where the ledger says more.
    pub fn unexplained(&self) -> Result<Amount, AmountError> {
        self.used.minus(self.settled)
    }
}

/// The numbers of one project in one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// What has come into reach of what was granted, with what was forgiven; without what has expired and what was used
    /// before the ledger began.
    pub granted: Amount,
    /// What was granted for a time that has begun and comes into reach later: months and quarters that are still to come.
    pub later: Amount,
    /// What was overdrawn and has been forgiven; it is part of what is granted.
    pub forgiven: Amount,
    /// What was left of grants when their time was over. It is not spent and may not be spent any more.
    pub expired: Amount,
    /// Settled.
    pub used: Amount,
    /// A dated observation of what runs now; no entry.
    pub running: Amount,
    /// When that was observed.
    pub running_as_of: Option<Timestamp>,
    /// Remainders of open holds less what their running jobs have already drawn in the observation.
    pub committed: Amount,
    /// Ceilings of pending and running foreign jobs less what they have run, as last observed.
    pub foreign_committed: Amount,
    /// The last day of the grant that ends first, where grants end.
    pub ends_at: Option<Timestamp>,
    /// Whether the PI has switched refusal on.
    pub is_enforced: bool,
    /// The site's own figure, the latest that was noted.
    pub site_figure: Option<SiteFigure>,
}

impl Balance {
    /// Granted less used, running, committed and foreign committed.
    pub fn free(&self) -> Result<Amount, AmountError> {
        self.granted.minus(self.used)?.minus(self.running)?.minus(self.committed)?.minus(self.foreign_committed)
    }
}
