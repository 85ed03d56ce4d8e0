//! A verification: what a replay of all entries found.

use serde::{Deserialize, Serialize};

/// How much was checked, and every disagreement between the entries and what is stored beside them.
///
/// Without findings a ledger agrees with itself. It is no proof against somebody who may write the whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Entries replayed.
    pub entries: u64,
    /// Stored account balances compared.
    pub balances: u64,
    /// Holds compared.
    pub holds: u64,
    /// Runs compared.
    pub runs: u64,
    /// What disagrees, one sentence each.
    pub findings: Vec<String>,
}

impl Verification {
    /// Whether nothing disagrees.
    pub const fn is_consistent(&self) -> bool {
        self.findings.is_empty()
    }
}
