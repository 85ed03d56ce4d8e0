//! A verification: what a replay of all entries and their tree found.

use crate::evidence::{AuditReport, EvidenceError, KeyKind, KeyName, SignedCheckpoint, VerifierKey};
use crate::{LedgerError, LedgerErrorKind};
use serde::Serialize;

/// The name of a log that nobody has made a key for. No key has it.
const UNSIGNED: &str = "unsigned";

/// What an auditor brings along from outside the ledger.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Checkpoints that were kept elsewhere.
    pub checkpoints: Vec<SignedCheckpoint>,
    /// Keys of the log and of witnesses; where none is the log's, the key that the ledger names is taken.
    pub keys: Vec<VerifierKey>,
}

impl Outside {
    /// Refuses checkpoints of another ledger: nothing of this one can be compared with them, and nothing is wrong with it
    /// for that.
    pub(crate) fn refuse_other_logs(&self, own: Option<&VerifierKey>) -> Result<(), LedgerError> {
        let name = own.map_or(UNSIGNED, |key| key.name().as_str());
        let mut origins = self.checkpoints.iter().map(|checkpoint| checkpoint.claim().origin.as_str());
        origins.find(|origin| *origin != name).map_or(Ok(()), |origin| {
            let why = format!("the checkpoint is of the ledger `{origin}`, and this one is `{name}`");
            Err(LedgerError::never(LedgerErrorKind::OtherLog, why))
        })
    }

    /// The name of the log, and the keys to go by: the auditor's, and the ledger's own where the auditor has none of it.
    pub(crate) fn keys_for(&self, own: Option<&VerifierKey>) -> Result<(KeyName, Vec<VerifierKey>), LedgerError> {
        let mut keys = self.keys.clone();
        let is_of_log = |key: &&VerifierKey| key.kind() == KeyKind::Log;
        if !keys.iter().any(|key| is_of_log(&key)) {
            keys.extend(own.cloned());
        }
        let name = keys.iter().find(is_of_log).map_or_else(|| UNSIGNED.parse(), |key| Ok(key.name().clone()));
        let wrong = |error: EvidenceError| LedgerError::never(LedgerErrorKind::Bug, error.to_string());
        Ok((name.map_err(wrong)?, keys))
    }
}

/// How much was checked, and every disagreement between the entries, their tree, and what is stored beside them.
///
/// Without findings a ledger agrees with itself; whether also with what somebody outside saw says [`AuditReport::standing`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// What the tree of the entries shows; none where a store keeps no tree.
    pub log: Option<AuditReport>,
}

impl Verification {
    /// Whether nothing disagrees.
    pub const fn is_consistent(&self) -> bool {
        self.findings.is_empty()
    }
}
