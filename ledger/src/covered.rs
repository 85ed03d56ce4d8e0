//! Runs that an opening has already: they are in the books, and nobody is charged for them a second time.

use model::{Amount, AmountError, ProjectName, Run, Unit, Window};
use serde::{Deserialize, Serialize};

/// A run that ended before the instant up to which an opening says what was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoveredRun {
    /// What ran.
    pub run: Run,
    /// Whose opening.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// What it would have been charged.
    pub amount: Amount,
}

/// All such runs of a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoveredSum {
    /// Whose.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// How many.
    pub runs: u64,
    /// What they would have been charged together.
    pub amount: Amount,
    /// What the opening has that is in no charge. They are a part of it.
    pub opened: Amount,
    /// From the first start to the last end.
    pub window: Window,
}

impl CoveredSum {
    /// What they come to beyond the opening, and nobody is charged for; zero where the opening is as much or more.
    pub fn exceeds_by(&self) -> Result<Amount, AmountError> {
        Ok(self.amount.minus(self.opened)?.max(Amount::ZERO))
    }
}
