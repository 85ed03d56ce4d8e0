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

/// Whether the books have all that was used of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completeness {
    /// Somebody read all of it who sees everybody's runs, or nothing was to be read yet.
    #[default]
    Read,
    /// They have as much as the site says.
    AsTheSiteSays,
    /// The site says more than they have: others ran what nobody read.
    Unseen,
    /// They have more than the site says, which may not have counted it yet. Nothing is unseen.
    Ahead,
    /// Runs of it are in the books without a price. Nothing else is missing, and nobody can say how much they took.
    Unpriced,
    /// Nobody can say.
    Unknown,
}

impl Completeness {
    /// Whether nothing is missing.
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Read | Self::AsTheSiteSays)
    }

    /// Whether it is known how much is missing.
    pub const fn is_known(self) -> bool {
        !matches!(self, Self::Unknown | Self::Unpriced)
    }

    /// As `--json` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::AsTheSiteSays => "as-the-site-says",
            Self::Unseen => "unseen",
            Self::Ahead => "ahead",
            Self::Unpriced => "unpriced",
            Self::Unknown => "unknown",
        }
    }
}

/// The numbers of one project in one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// What has come into reach of what was granted, without what has expired and what was used before the ledger began.
    pub granted: Amount,
    /// What was granted for a time that has begun and comes into reach later: months and quarters that are still to come.
    pub later: Amount,
    /// What was overdrawn and has been forgiven: no grant gave it, and it is free as if one had.
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
    /// What of that is expected to be spent from lots that come into reach later; it leaves what is free now as it is.
    pub committed_later: Amount,
    /// Ceilings of pending and running foreign jobs less what they have run, as last observed.
    pub foreign_committed: Amount,
    /// What the site says was used beyond what the books have, where nobody read everybody's runs: provisional usage, and no
    /// entry.
    pub unseen: Amount,
    /// Whether the books have all that was used since the grant in force began.
    pub completeness: Completeness,
    /// Up to when they have it; none where nothing was read, or nobody can say.
    pub complete_as_of: Option<Timestamp>,
    /// The last day of the grant that ends first, where grants end.
    pub ends_at: Option<Timestamp>,
    /// Whether the PI has switched refusal on.
    pub is_enforced: bool,
    /// The site's own figure, the latest that was noted.
    pub site_figure: Option<SiteFigure>,
}

impl Balance {
    /// Granted and forgiven, less used and reserved. Where nobody can say what else was used it is the most that can be free.
    pub fn free(&self) -> Result<Amount, AmountError> {
        self.granted.plus(self.forgiven)?.minus(self.used)?.minus(self.reserved()?)
    }

    /// What is free; none where nobody can say.
    pub fn known_free(&self) -> Result<Option<Amount>, AmountError> {
        self.completeness.is_known().then(|| self.free()).transpose()
    }

    /// What is spent, or will be, of what is in reach: running, committed but for what is expected to be spent later, foreign
    /// committed, and what is unseen.
    pub fn reserved(&self) -> Result<Amount, AmountError> {
        let committed = self.committed.minus(self.committed_later)?;
        Amount::sum([self.running, committed, self.foreign_committed, self.unseen])
    }
}
