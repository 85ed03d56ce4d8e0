//! Signed checkpoints: the log's signature, and the cosignatures of witnesses (c2sp.org/tlog-cosignature).

use super::{
    AuditReport, Checkpoint, ConsistencyProof, EvidenceError, KeyKind, KeyName, NoteSignature, SignedNote, SignerKey,
    TreeHead, VerifierKey,
};
use model::Timestamp;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// A checkpoint with its signatures, verified or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
}

/// A checkpoint that its log signed with a known key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The known witnesses that cosigned it, in the order of their keys.
    pub cosignatures: Vec<Cosignature>,
}

/// A witness said that at this time this was the largest checkpoint it had seen of the log, which had only grown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cosignature {
    /// The witness.
    pub witness: KeyName,
    /// When, by the witness's clock.
    pub at: Timestamp,
}

impl SignedCheckpoint {
    pub(super) const fn new(checkpoint: Checkpoint, note: SignedNote) -> Self {
        Self { checkpoint, note }
    }

    /// The log as it is when its key changes, signed with the new key and, where it is at hand, the one before.
    pub(super) fn of_change(
        head: TreeHead,
        before: Option<&SignerKey>,
        after: &SignerKey,
    ) -> Result<Self, EvidenceError> {
        let signers: Vec<_> = before.into_iter().chain([after]).collect();
        Checkpoint::of_change(head, after).signed_with(&signers)
    }

    /// Reads a checkpoint with its signatures. Nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let note = SignedNote::parse(bytes)?;
        Ok(Self { checkpoint: note.text().parse()?, note })
    }

    /// What it says, true or not.
    pub const fn claim(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Text and signatures.
    pub const fn note(&self) -> &SignedNote {
        &self.note
    }

    /// Whether a signature is there that says to be this key's.
    pub fn names(&self, key: &VerifierKey) -> bool {
        self.note.signatures().iter().any(|signature| signature.names(key))
    }

    /// Shows that the log signed it: one of the keys is the log's, by name, and its signature fits. Signatures by others
    /// are passed over; one signature by any of the keys that does not fit, and the whole is refused.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<VerifiedCheckpoint, EvidenceError> {
        let mut signed_by_log = false;
        let mut cosignatures = Vec::new();
        for key in keys {
            let mut latest = None;
            for signature in self.note.signatures().iter().filter(|signature| signature.names(key)) {
                let bad = || EvidenceError::BadSignature(key.name().clone());
                match key.kind() {
                    KeyKind::Log => {
                        self.check_log(key, signature).ok_or_else(bad)?;
                        signed_by_log |= key.name().as_str() == self.checkpoint.origin;
                    }
                    KeyKind::Witness => latest = latest.max(Some(self.check_witness(key, signature).ok_or_else(bad)?)),
                }
            }
            cosignatures.extend(latest.map(|at| Cosignature { witness: key.name().clone(), at }));
        }
        if !signed_by_log {
            return Err(EvidenceError::NotSigned(self.checkpoint.origin.clone()));
        }
        Ok(VerifiedCheckpoint { checkpoint: self.checkpoint.clone(), cosignatures })
    }

    /// A witness's step (c2sp.org/tlog-witness): the log signed it, and it continues what the witness saw last. Only then
    /// is it cosigned; what was seen is to be replaced durably before the cosignature leaves the witness.
    pub fn cosign(
        &mut self,
        log: &VerifierKey,
        seen: &TreeHead,
        proof: &ConsistencyProof,
        witness: &SignerKey,
        at: Timestamp,
    ) -> Result<(), EvidenceError> {
        self.verify(std::slice::from_ref(log))?;
        proof.verify(seen, &self.checkpoint.head)?;
        self.add_signature_of(witness, at)
    }

    /// The same for a witness who recomputed the whole log: `report` is the audit of this checkpoint and of what the witness
    /// cosigned before.
    pub fn cosign_audited(
        &mut self,
        log: &[VerifierKey],
        report: &AuditReport,
        witness: &SignerKey,
        at: Timestamp,
    ) -> Result<(), EvidenceError> {
        self.verify(log)?;
        let is_checked = report.checkpoints.iter().any(|checked| checked.head == self.checkpoint.head);
        if !is_checked || !report.findings.is_empty() {
            return Err(EvidenceError::NotProven("the log only grew"));
        }
        self.add_signature_of(witness, at)
    }

    fn add_signature_of(&mut self, witness: &SignerKey, at: Timestamp) -> Result<(), EvidenceError> {
        let key = witness.verifier();
        let wrong_key = |why| EvidenceError::WrongKey { key: key.name().clone(), why };
        if key.kind() != KeyKind::Witness {
            return Err(wrong_key("is a log's and cosigns nothing"));
        }
        let seconds = u64::try_from(at.epoch_seconds()).map_err(|_| wrong_key("cannot sign before 1970"))?;
        let signature = witness.sign(self.cosigned_text(seconds).as_bytes());
        let timestamped = [seconds.to_be_bytes().as_slice(), &signature].concat();
        self.note.add(NoteSignature::new(key, timestamped))
    }

    /// Adds a cosignature line that a witness sent, once it fits.
    pub fn add_cosignature(&mut self, line: &str, witness: &VerifierKey) -> Result<(), EvidenceError> {
        let signature = NoteSignature::from_str(line.strip_suffix('\n').unwrap_or(line))?;
        if witness.kind() != KeyKind::Witness || !signature.names(witness) {
            let why = "is not the one that the line names";
            return Err(EvidenceError::WrongKey { key: witness.name().clone(), why });
        }
        let fits = self.check_witness(witness, &signature);
        fits.ok_or_else(|| EvidenceError::BadSignature(witness.name().clone()))?;
        self.note.add(signature)
    }

    fn check_log(&self, key: &VerifierKey, signature: &NoteSignature) -> Option<()> {
        let bytes = signature.signature().try_into().ok()?;
        key.has_signed(self.note.text().as_bytes(), bytes).then_some(())
    }

    /// The time of the cosignature, where it fits: 8 bytes of seconds, then 64 of Ed25519.
    fn check_witness(&self, key: &VerifierKey, signature: &NoteSignature) -> Option<Timestamp> {
        let (seconds, signature) = signature.signature().split_first_chunk()?;
        let seconds = u64::from_be_bytes(*seconds);
        let at = Timestamp::from_epoch_seconds(i64::try_from(seconds).ok()?);
        key.has_signed(self.cosigned_text(seconds).as_bytes(), signature.try_into().ok()?).then_some(at)
    }

    /// What a witness signs (section "Ed25519 signed message").
    fn cosigned_text(&self, seconds: u64) -> String {
        format!("cosignature/v1\ntime {seconds}\n{}", self.note.text())
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.note, formatter)
    }
}
