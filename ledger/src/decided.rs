//! What is decided beside amounts: who pays, what is refused, by which rules, what was read and who is believed. It lies in tables
//! of its own, and each decision is an entry of kind `decide`, which moves nothing.

use crate::evidence::{DecidedDigest, person_in};
use model::Principal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecidedKind {
    /// Which project pays for runs.
    Binding,
    /// That a binding ends.
    Unbinding,
    /// Whether holds are refused.
    Enforcement,
    /// The policy of a budget.
    Policy,
    /// In which zone the days of a site begin.
    Zone,
    /// What a site says was used.
    SiteFigure,
    /// That a batch of runs was read to its end.
    Import,
    /// How far a bundle was taken in, and what its key is believed.
    Bundle,
    /// Which runs were read.
    Coverage,
}

impl DecidedKind {
    /// Every kind, in the order in which decisions of an earlier release are entered.
    pub const ALL: [Self; 9] = [
        Self::Binding,
        Self::Unbinding,
        Self::Enforcement,
        Self::Policy,
        Self::Zone,
        Self::SiteFigure,
        Self::Import,
        Self::Bundle,
        Self::Coverage,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::Unbinding => "unbinding",
            Self::Enforcement => "enforcement",
            Self::Policy => "policy",
            Self::Zone => "zone",
            Self::SiteFigure => "site-figure",
            Self::Import => "import",
            Self::Bundle => "bundle",
            Self::Coverage => "coverage",
        }
    }
}

impl fmt::Display for DecidedKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What an entry says of its decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedLeaf {
    /// What was decided.
    pub kind: DecidedKind,
    /// The digest of its content; of one that took something back, of nothing.
    pub digest: DecidedDigest,
    /// The entries of decisions that it takes the place of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<u64>,
    /// What people wrote, while the entry is made: its leaf has a commitment to it.
    #[serde(skip)]
    pub written: Vec<Option<String>>,
}

/// A decision that stands, as an export has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedRecord {
    /// The number of its entry; none of a row that has none, which nobody decided.
    pub entry: Option<u64>,
    /// What it is.
    pub kind: DecidedKind,
    /// Its fields by name. A person stands as `{"person": {"user": ..., "site": ...}}`.
    pub content: Value,
    /// What people wrote into it; nothing where it is withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Vec<Option<String>>>,
}

impl DecidedRecord {
    /// The person that a value of a content is, where it is one.
    pub fn person(value: &Value) -> Option<Principal> {
        person_in(value)
    }
}
