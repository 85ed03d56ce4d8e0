//! What people enter by hand: time given back for a run, corrections that no reading brings, time passed on to another project.

use model::{Amount, EndState, Principal, ProjectName, RunKey, Timestamp, Unit};
use serde::{Deserialize, Serialize};

/// Hours of a unit that one person may adjust of a project in [`ALONE_WITHIN_SECONDS`]; beyond them another one has to agree.
pub const ALONE_UP_TO: Amount = Amount::from_milli(100 * 3_600_000);

/// The time over which the adjustments of one person count together: 30 days.
pub const ALONE_WITHIN_SECONDS: i64 = 30 * 86_400;

/// What the keys of adjustments begin with.
pub(crate) const ADJUST: &str = "adjust:";
/// What the keys of the entries begin with that propose them.
pub(crate) const PROPOSE: &str = "propose:";

/// The key of the adjustment that an entry with this key proposes.
pub(crate) fn agreed_key(proposed: &str) -> String {
    format!("{ADJUST}{}", proposed.strip_prefix(PROPOSE).unwrap_or(proposed))
}

/// Gives back what a run was charged, or a part of it, because it was not its fault: a node that failed, say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Which run. It is refunded once.
    pub run: RunKey,
    /// How much; all that it was charged where none is given.
    pub amount: Option<Amount>,
    /// Why.
    pub reason: String,
}

/// Changes a budget by what no reading tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjust {
    /// The writer's own key: the same adjustment posted twice counts once.
    pub key: String,
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// What the budget gets; less than nothing where it loses something.
    pub amount: Amount,
    /// When it takes effect.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// An adjustment that one person wants, above what one alone may enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What is wanted.
    pub wish: Adjust,
    /// Who wants it.
    pub proposed_by: Principal,
    /// When it was put down.
    pub proposed_at: Timestamp,
    /// The entry that it became, once somebody else agreed.
    pub entry: Option<u64>,
}

/// What became of an adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adjusted {
    /// It is entered.
    Entered,
    /// It was entered before.
    EnteredBefore,
    /// It waits for somebody else.
    Waits,
}

/// Passes time of a grant on to another project, a part of the first one: what both have together stays what was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegate {
    /// The writer's own key: the same passed on twice counts once.
    pub key: String,
    /// Whose grant.
    pub from: ProjectName,
    /// Its key.
    pub grant: String,
    /// Who gets it.
    pub to: ProjectName,
    /// How much.
    pub amount: Amount,
    /// What for.
    pub reason: String,
}

/// A run in the books that somebody pays for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChargedRun {
    /// Which.
    pub run: RunKey,
    /// When it started.
    pub started_at: Timestamp,
    /// How it ended.
    pub end_state: EndState,
    /// Who pays.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// How much.
    pub amount: Amount,
}
