//! Runs on their way into the books, and those that no project pays for yet.

use model::{Price, Run, Unit};
use serde::{Deserialize, Serialize};

/// A run that has ended, with its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledRun {
    /// What ran.
    pub run: Run,
    /// What it costs.
    pub price: Price,
}

/// Why a run is charged to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnattributedReason {
    /// It has no hold in this ledger, and no binding covers it.
    NotBound,
    /// Somebody pays for it, in this unit, in which it has no price. This is not zero.
    NotPriced(Unit),
}

/// A run that is in the books and charged to nobody: listed, never guessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnattributedRun {
    /// What ran.
    pub run: Run,
    /// What it costs.
    pub price: Price,
    /// Why nobody was charged.
    pub reason: UnattributedReason,
}
