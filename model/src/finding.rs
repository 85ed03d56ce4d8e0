//! A finding: what is wrong or doubtful in something a person wrote, and what to do about it.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is stopped.
    Warning,
    /// The job cannot be run as written.
    Error,
}

/// One mistake or doubt, tied to a field of a document by its path: `resources.time`, `site[1]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where in the document, by path; empty for the document as a whole.
    pub field: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub next: String,
}

impl Finding {
    /// A mistake.
    pub fn error(field: impl Into<String>, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { field: field.into(), severity: Severity::Error, what: what.into(), next: next.into() }
    }

    /// A doubt.
    pub fn warning(field: impl Into<String>, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { field: field.into(), severity: Severity::Warning, what: what.into(), next: next.into() }
    }
}
