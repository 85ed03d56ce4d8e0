//! Runs on their way into the books, and those that no project pays for yet.

use model::{Amount, Price, Run, Unit};
use serde::{Deserialize, Serialize};

/// What a run costs, or why nobody can say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RunPrice {
    /// It costs this.
    Known(Price),
    /// Nobody can say, for this reason: no tariff for its partition, a row that cannot be counted. This is not zero.
    Unknown(String),
}

impl RunPrice {
    /// The price, where it is known.
    pub const fn known(&self) -> Option<&Price> {
        match self {
            Self::Known(price) => Some(price),
            Self::Unknown(_) => None,
        }
    }

    /// The amount in a unit, where the price is known and has one in it.
    pub fn in_unit(&self, unit: &Unit) -> Option<Amount> {
        self.known()?.in_unit(unit)
    }
}

/// A run that has ended, with its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledRun {
    /// What ran.
    pub run: Run,
    /// What it costs.
    pub price: RunPrice,
}

/// Why a run is charged to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnattributedReason {
    /// It has no hold in this ledger, and no binding covers it.
    NotBound,
    /// Two rules cover it that say equally much and name different projects.
    RulesDisagree,
    /// Somebody pays for it, in this unit, in which it has no price. This is not zero.
    NotPriced(Unit),
}

/// A run that is in the books and charged to nobody: listed, never guessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnattributedRun {
    /// What ran.
    pub run: Run,
    /// What it costs.
    pub price: RunPrice,
    /// Why nobody was charged.
    pub reason: UnattributedReason,
}
