//! Grants and openings: time given to a project, and time it had used before the ledger began.

use model::{Amount, ProgrammeName, ProjectName, Timestamp, Unit, Window};
use serde::{Deserialize, Serialize};

/// Time that a programme gives to a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGrant {
    /// The writer's own key: the same grant posted twice counts once.
    pub key: String,
    /// Who receives.
    pub project: ProjectName,
    /// Who gives.
    pub programme: ProgrammeName,
    /// Of what.
    pub unit: Unit,
    /// How much; more than nothing.
    pub amount: Amount,
    /// From when to when it may be spent.
    pub window: Window,
    /// The number on the paper it came with.
    pub reference: String,
}

/// Time that a project had used before the ledger began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOpening {
    /// The writer's own key: the same opening posted twice counts once.
    pub key: String,
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// How much was used.
    pub used_before: Amount,
    /// Up to when.
    pub as_of: Timestamp,
    /// Where the figure comes from.
    pub note: String,
}

/// A grant as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The number of its entry.
    pub entry: u64,
    /// When it was entered.
    pub recorded_at: Timestamp,
    /// What was granted.
    #[serde(flatten)]
    pub terms: NewGrant,
}
