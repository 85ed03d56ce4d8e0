//! A verification: what a replay of all entries and their tree found.

use crate::evidence::{
    Audit, AuditReport, CheckpointSource, EvidenceError, KeyKind, KeyName, LogKeys, SignedCheckpoint, VerifierKey,
};
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
    pub(crate) keys: &'a LogKeys,
    pub(crate) checkpoint: Option<&'a SignedCheckpoint>,
    /// Entries.
    pub(crate) size: u64,
}

/// The keys that an audit goes by.
#[derive(Debug)]
pub(crate) struct AuditKeys {
    /// The name of the log.
    pub(crate) origin: KeyName,
    /// The auditor's, and what those named; the ledger's own where the auditor has none of it.
    pub(crate) known: Vec<VerifierKey>,
    /// Those that followed without the word of a known one.
    pub(crate) others: Vec<VerifierKey>,
}

impl Outside {
    /// The keys to go by.
    ///
    /// What an auditor brought along has to be of use first, else nothing is wrong with the ledger: checkpoints of this one,
    /// as they were signed, and keys that signed something.
    pub(crate) fn keys_for(&self, own: Own<'_>) -> Result<AuditKeys, LedgerError> {
        self.refuse_other_logs(own.keys.key.as_ref())?;
        self.keys.iter().try_for_each(|key| self.refuse_unused(key, own))?;
        let mut known = self.keys.clone();
        known.extend(self.witnesses.iter().cloned());
        let is_of_log = |key: &&VerifierKey| key.kind() == KeyKind::Log;
        if known.iter().any(|key| is_of_log(&key)) {
            own.keys.follow(&mut known);
        } else {
            known.extend(own.keys.all().cloned());
        }
        for (place, checkpoint) in self.checkpoints.iter().enumerate() {
            let bad = |error: EvidenceError| bad_checkpoint(place, &error);
            checkpoint.verify(&known).map_err(bad)?;
        }
        let name = known.iter().find(is_of_log).map_or_else(|| UNSIGNED.parse(), |key| Ok(key.name().clone()));
        let wrong = |error: EvidenceError| LedgerError::never(LedgerErrorKind::Bug, error.to_string());
        let (met, unmet): (Vec<_>, Vec<_>) = own.keys.all().cloned().partition(|key| known.contains(key));
        // Of a log none of whose keys is known, nothing is believed.
        let others = if met.is_empty() { Vec::new() } else { unmet };
        Ok(AuditKeys { origin: name.map_err(wrong)?, known, others })
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
        let mut checkpoints = self.checkpoints.iter().chain(own.checkpoint).chain(own.keys.checkpoints());
        let is_named = checkpoints.any(|checkpoint| checkpoint.names(key));
        let signer = own.keys.key.as_ref();
        if is_named || (own.size == 0 && signer == Some(key)) {
            return Ok(());
        }
        if key.kind() == KeyKind::Witness {
            let why = format!("a cosignature of `{}` was looked for and not found", key.short());
            let next = "name a checkpoint that this witness cosigned, with `--checkpoint`; `--witness` in place of `--key` only counts";
            return Err(LedgerError::never(LedgerErrorKind::KeyNotFound, why).with_next(next));
        }
        let told = signer.map_or_else(String::new, |own| format!("; the ledger says that `{}` signs it", own.short()));
        let why = format!("a signature of `{}` was looked for and not found{told}", key.short());
        Err(LedgerError::never(LedgerErrorKind::KeyNotFound, why))
    }
}

fn bad_checkpoint(place: usize, error: &EvidenceError) -> LedgerError {
    LedgerError::never(LedgerErrorKind::BadCheckpoint(place), error.to_string())
}

impl AuditKeys {
    /// An audit by these keys, of all checkpoints that are at hand.
    pub(crate) fn audit<'a>(&'a self, outside: &'a Outside, own: Own<'a>) -> Audit<'a> {
        let mut audit = Audit::new(&self.origin, &self.known).with_others(&self.others);
        for checkpoint in &outside.checkpoints {
            audit = audit.with(CheckpointSource::Auditor, checkpoint);
        }
        for checkpoint in own.keys.checkpoints().chain(own.checkpoint) {
            audit = audit.with(CheckpointSource::Ledger, checkpoint);
        }
        audit
    }

    /// Adds to a report which keys signed the log; what is wrong with how they follow each other.
    pub(crate) fn add_to(&self, report: &mut AuditReport, own: Own<'_>) -> Vec<String> {
        report.keys = own.keys.spans(&self.known);
        own.keys.findings()
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
