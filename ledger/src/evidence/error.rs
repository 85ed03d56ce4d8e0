//! What can be wrong with a checkpoint, a key or a proof. None of it mends itself: the same input fails again.

use super::KeyName;

/// Why a text is none of ours, or does not show what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The text or the bytes do not have the form that they should.
    #[error("it is not {what}: {why}")]
    Malformed {
        /// What it should have been, with its article.
        what: &'static str,
        /// What is wrong, in one clause.
        why: String,
    },
    /// A known key's signature does not fit the text.
    #[error("the signature of `{0}` does not fit the text")]
    BadSignature(KeyName),
    /// The log has not signed with a key that is known.
    #[error("no known key of the log `{0}` signed it")]
    NotSigned(String),
    /// The key is for something else.
    #[error("the key `{key}` {why}")]
    WrongKey {
        /// The key's name.
        key: KeyName,
        /// What is wrong with it, a clause whose subject is the key.
        why: &'static str,
    },
    /// A proof does not lead to the root.
    #[error("the proof does not show that {0}")]
    NotProven(&'static str),
}

impl EvidenceError {
    pub(super) fn malformed(what: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { what, why: why.into() }
    }
}
