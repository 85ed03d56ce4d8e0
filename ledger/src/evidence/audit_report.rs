//! Reports of audits: what was shown, what was not, and what is wrong.

use super::{Cosignature, KeySpan, TreeHash, TreeHead};
use model::{agreeing, counted, counted_the};
use serde::Serialize;
use std::fmt;

/// Who had a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckpointSource {
    /// It lies in the ledger: whoever rewrites the one rewrites the other, if they have the log's key.
    Ledger,
    /// The auditor kept it elsewhere.
    Auditor,
}

/// What an audit shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "standing")]
pub enum Standing {
    /// Something is wrong; the findings say what.
    Broken,
    /// The ledger agrees with itself. It may have been rewritten as a whole.
    SelfConsistent,
    /// The first `size` leaves are those that somebody outside the ledger saw. What follows them is self-consistent.
    Verified {
        /// The size of the largest checkpoint from outside.
        size: u64,
    },
}

/// A checkpoint with a good signature whose root the leaves give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckedCheckpoint {
    /// Size and root.
    pub head: TreeHead,
    /// Who had it.
    pub source: CheckpointSource,
    /// The known witnesses that cosigned it.
    pub cosignatures: Vec<Cosignature>,
    /// Whether a key signed it that the auditor knows.
    #[serde(skip)]
    pub is_known: bool,
}

/// What an audit found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "finding")]
pub enum AuditFinding {
    /// A checkpoint is of another log.
    OtherLog {
        /// The checkpoint's size.
        size: u64,
        /// Who had it.
        source: CheckpointSource,
        /// The other log.
        origin: String,
    },
    /// A checkpoint has no good signature.
    NotSigned {
        /// The checkpoint's size.
        size: u64,
        /// Who had it.
        source: CheckpointSource,
        /// What is wrong, in one sentence.
        why: String,
    },
    /// Among the first `size` leaves one was changed, left out, put in or moved.
    OtherRoot {
        /// The checkpoint's size.
        size: u64,
        /// Who had it.
        source: CheckpointSource,
        /// The checkpoint's root.
        signed: TreeHash,
        /// The root that the leaves give.
        computed: TreeHash,
    },
    /// Leaves are missing at the end.
    TooShort {
        /// The checkpoint's size.
        size: u64,
        /// Who had it.
        source: CheckpointSource,
        /// The leaves that are there.
        leaves: u64,
    },
}

/// What an audit shows, how far, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// The answer.
    #[serde(flatten)]
    pub standing: Standing,
    /// Size and root that the leaves give.
    pub head: TreeHead,
    /// Leaves after the newest checkpoint that agrees and that a known key signed.
    pub uncheckpointed: u64,
    /// Committed entries that are no leaf yet: nothing is said about them.
    pub unsequenced: u64,
    /// The checkpoints that agree, the smallest first.
    pub checkpoints: Vec<CheckedCheckpoint>,
    /// The keys that the log was signed with, the first one first; none where nobody has made one.
    pub keys: Vec<KeySpan>,
    /// What is wrong.
    pub findings: Vec<AuditFinding>,
}

impl CheckedCheckpoint {
    /// Whether somebody outside the ledger vouches for it: the auditor had it, or a known witness cosigned it.
    pub const fn is_from_outside(&self) -> bool {
        matches!(self.source, CheckpointSource::Auditor) || !self.cosignatures.is_empty()
    }
}

impl AuditFinding {
    pub(super) const fn other_root(checkpoint: &CheckedCheckpoint, computed: TreeHash) -> Self {
        let TreeHead { size, root: signed } = checkpoint.head;
        Self::OtherRoot { size, source: checkpoint.source, signed, computed }
    }

    pub(super) const fn too_short(checkpoint: &CheckedCheckpoint, leaves: u64) -> Self {
        Self::TooShort { size: checkpoint.head.size, source: checkpoint.source, leaves }
    }
}

impl fmt::Display for CheckpointSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ledger => "the ledger's",
            Self::Auditor => "your",
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => formatter.write_str("broken"),
            Self::SelfConsistent => formatter.write_str("self-consistent"),
            Self::Verified { size } => write!(formatter, "verified against checkpoint of size {size}"),
        }
    }
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherLog { size, source, origin } => {
                write!(formatter, "{source} checkpoint of size {size} is of another log, `{origin}`")
            }
            Self::NotSigned { size, source, why } => {
                write!(formatter, "{source} checkpoint of size {size} counts for nothing: {why}")
            }
            Self::OtherRoot { size, source, signed, computed } => write!(
                formatter,
                "{} {} of {source} checkpoint: {} the root {computed}, it says {signed}",
                counted_the(*size, "first", "entry"),
                agreeing(*size, "is not that", "are not those"),
                agreeing(*size, "it gives", "they give")
            ),
            Self::TooShort { size, source, leaves } => {
                let (entries, are) = (counted(*leaves, "entry"), agreeing(*leaves, "is", "are"));
                write!(formatter, "{entries} {are} there, {source} checkpoint had {size}")
            }
        }
    }
}
