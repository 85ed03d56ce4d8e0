//! A refusal: what was wanted, what is free, and what stands in the way.

use crate::Hold;
use model::{Amount, ProjectName, Timestamp, Unit};
use serde::{Deserialize, Serialize};

/// Why an enforced budget does not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Whose budget.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// What was asked for.
    pub wanted: Amount,
    /// What is free.
    pub free: Amount,
    /// When the grant that ends first ends.
    pub ends_at: Option<Timestamp>,
    /// How many holds are open.
    pub open_holds: u64,
    /// The open holds that reserve most, at most five, largest first.
    pub blocking: Vec<Hold>,
}
