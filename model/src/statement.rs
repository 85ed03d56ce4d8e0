//! A statement: every movement of one project in one unit over a window, and the sums that must meet.

use crate::{Amount, AmountError, Charge, ProjectName, RunKey, Timestamp, Unit, Window};
use serde::{Deserialize, Serialize};

/// What moved the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementLineKind {
    /// Time carried in from before the ledger began.
    Opening,
    /// Time granted.
    Grant,
    /// Time that was granted by mistake, taken back.
    Withdraw,
    /// Time of a grant passed on to another project.
    Delegate,
    /// A run, within its hold or without one.
    Settle,
    /// What a run took beyond its hold.
    Overrun,
    /// Time given back.
    Refund,
    /// A change by hand.
    Adjust,
    /// A later reading that changed an earlier entry.
    Correct,
    /// A charge that moved to or from another project.
    Reattribute,
    /// Time forfeited.
    Expire,
    /// Time that was overdrawn, forgiven.
    Forgive,
}

/// One movement. `amount` is positive where it adds to what is free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// Entry number in the ledger.
    pub entry: u64,
    /// When it took effect; of a run, when that ended.
    pub at: Timestamp,
    /// What it was.
    pub kind: StatementLineKind,
    /// By how much.
    pub amount: Amount,
    /// Which run, where it was one.
    pub run: Option<RunKey>,
    /// Job name, grant id or reason, for people.
    pub note: String,
    /// What the site charges for the run by its own formula, as the run is known now; on the first line of its present charge
    /// alone, and split with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_charge: Option<Charge>,
    /// That it is a part of a charge, which was split at a border of the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<StatementPart>,
}

/// What of a run's charge falls into a statement, where the run was under way at its border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPart {
    /// The whole charge.
    pub of: Amount,
    /// The time of the run that lies inside.
    pub window: Window,
}

/// A project's movements in one unit over `[from, to)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// Over which time.
    pub window: Window,
    /// Balance at the start.
    pub opening: Amount,
    /// The movements, in order.
    pub lines: Vec<StatementLine>,
    /// Balance at the end.
    pub closing: Amount,
}

impl Statement {
    /// The sum of the lines of these kinds.
    pub fn sum_of(&self, kinds: &[StatementLineKind]) -> Result<Amount, AmountError> {
        Amount::sum(self.lines.iter().filter(|line| kinds.contains(&line.kind)).map(|line| line.amount))
    }

    /// Whether opening and lines give closing: asserted on every report.
    pub fn adds_up(&self) -> Result<bool, AmountError> {
        let moved = Amount::sum(self.lines.iter().map(|line| line.amount))?;
        Ok(self.opening.plus(moved)? == self.closing)
    }
}
