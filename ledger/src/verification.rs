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
    /// Keys of the log and of witnesses, each of which has to have signed; where none is the log's, the key that the ledger
    /// names is taken.
    pub keys: Vec<VerifierKey>,
    /// Keys of witnesses who may have cosigned.
    pub witnesses: Vec<VerifierKey>,
}

/// What a ledger says itself of who signed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'a> {
    pub(crate) key: Option<&'a VerifierKey>,
    pub(crate) checkpoint: Option<&'a SignedCheckpoint>,
    /// Entries.
    pub(crate) size: u64,
}

impl Outside {
    /// The name of the log, and the keys to go by: the auditor's, and the ledger's own where the auditor has none of it.
    ///
    /// What an auditor brought along has to be of use first, else nothing is wrong with the ledger: checkpoints of this one,
    /// as they were signed, and keys that signed something.
    pub(crate) fn keys_for(&self, own: Own<'_>) -> Result<(KeyName, Vec<VerifierKey>), LedgerError> {
        self.refuse_other_logs(own.key)?;
        self.keys.iter().try_for_each(|key| self.refuse_unused(key, own))?;
        let mut keys = self.keys.clone();
        keys.extend(self.witnesses.iter().cloned());
        let is_of_log = |key: &&VerifierKey| key.kind() == KeyKind::Log;
        if !keys.iter().any(|key| is_of_log(&key)) {
            keys.extend(own.key.cloned());
        }
        for (place, checkpoint) in self.checkpoints.iter().enumerate() {
            let bad = |error: EvidenceError| bad_checkpoint(place, &error);
            checkpoint.verify(&keys).map_err(bad)?;
        }
        let name = keys.iter().find(is_of_log).map_or_else(|| UNSIGNED.parse(), |key| Ok(key.name().clone()));
        let wrong = |error: EvidenceError| LedgerError::never(LedgerErrorKind::Bug, error.to_string());
        Ok((name.map_err(wrong)?, keys))
    }

    /// Refuses checkpoints of another ledger: nothing of this one can be compared with them.
    fn refuse_other_logs(&self, own: Option<&VerifierKey>) -> Result<(), LedgerError> {
        let name = own.map_or(UNSIGNED, |key| key.name().as_str());
        let mut origins = self.checkpoints.iter().map(|checkpoint| checkpoint.claim().origin.as_str());
        origins.find(|origin| *origin != name).map_or(Ok(()), |origin| {
            let why = format!("the checkpoint is of the ledger `{origin}`, and this one is `{name}`");
            Err(LedgerError::never(LedgerErrorKind::OtherLog, why))
        })
    }

    /// Refuses a key that nothing here says to be signed with. Whether its signature fits is looked at later.
    fn refuse_unused(&self, key: &VerifierKey, own: Own<'_>) -> Result<(), LedgerError> {
        let mut checkpoints = self.checkpoints.iter().chain(own.checkpoint);
        let is_named = checkpoints.any(|checkpoint| checkpoint.names(key));
        if is_named || (own.size == 0 && own.key == Some(key)) {
            return Ok(());
        }
        let told = own.key.map_or_else(String::new, |own| format!("; the ledger says that `{}` signs it", short(own)));
        let why = format!("a signature of `{}` was looked for and not found{told}", short(key));
        Err(LedgerError::never(LedgerErrorKind::KeyNotFound, why))
    }
}

/// A key as people compare it: name and id.
fn short(key: &VerifierKey) -> String {
    format!("{}+{}", key.name(), key.id())
}

fn bad_checkpoint(place: usize, error: &EvidenceError) -> LedgerError {
    LedgerError::never(LedgerErrorKind::BadCheckpoint(place), error.to_string())
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
