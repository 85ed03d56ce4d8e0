//! What a proof says of its entry: the fields of the leaf that goes along with it, read back.

use super::{DecidedDigest, Domain, EntryProof, EvidenceError, TreeHash, VerifiedCheckpoint, VerifierKey};
use crate::EntryKind;
use model::Timestamp;
use serde::Serialize;

/// An entry as its leaf has it: without names and notes, and with texts as they were posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProvenEntry {
    /// Its number.
    pub number: i64,
    /// What it is.
    pub kind: String,
    /// Of what.
    pub unit: String,
    /// How much, in milli-seconds.
    pub amount: i64,
    /// The account that gives.
    pub debit: String,
    /// The account that receives.
    pub credit: String,
    /// The project.
    pub project: String,
    /// When it took effect.
    pub effective_at: Timestamp,
    /// When it was posted.
    pub recorded_at: Timestamp,
    /// Who posted it, as a pseudonym.
    pub actor: String,
    /// What it decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<ProvenDecision>,
}

/// What the leaf of a decision says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProvenDecision {
    /// What was decided.
    pub kind: String,
    /// The digest of its content.
    pub digest: DecidedDigest,
    /// The entries of decisions that it takes the place of.
    pub replaces: Vec<i64>,
}

impl ProvenEntry {
    /// Shows that the leaf which goes along with a proof was in the log, and says what it is about.
    pub fn verify(proof: &EntryProof, keys: &[VerifierKey]) -> Result<(Self, VerifiedCheckpoint), EvidenceError> {
        let none = || EvidenceError::malformed("a proof of an entry", "its leaf does not go along");
        let leaf = proof.extra.as_deref().ok_or_else(none)?;
        let verified = proof.verify(&TreeHash::of_leaf(leaf), keys)?;
        let other = || EvidenceError::malformed("the leaf of an entry", "its fields are others");
        let entry = Self::read(leaf).ok_or_else(other)?;
        let is_in_place = u64::try_from(entry.number - 1).is_ok_and(|index| index == proof.inclusion.leaf_index);
        if is_in_place { Ok((entry, verified)) } else { Err(EvidenceError::NotProven("the entry has its number")) }
    }

    fn read(leaf: &[u8]) -> Option<Self> {
        let rest = leaf.strip_prefix(Domain::Entry.name().as_bytes())?.strip_prefix(b"\n")?;
        let mut fields = Fields(rest);
        let mut entry = Self {
            number: fields.integer()?,
            kind: fields.text()?,
            unit: fields.text()?,
            amount: fields.integer()?,
            debit: fields.text()?,
            credit: fields.text()?,
            project: fields.text()?,
            effective_at: Timestamp::from_epoch_seconds(fields.integer()?),
            recorded_at: Timestamp::from_epoch_seconds(fields.integer()?),
            actor: super::Pseudonym::from_bytes(fields.counted(2)?.try_into().ok()?).to_string(),
            decided: None,
        };
        if EntryKind::from_word(&entry.kind) == Some(EntryKind::Decide) {
            entry.decided = Some(fields.decided()?);
        }
        Some(entry)
    }
}

/// Fields as [`FieldWriter`](super::FieldWriter) writes them, from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// What stands behind the pseudonym of who posted a decision: of what entries of other kinds are about it has nothing.
    fn decided(&mut self) -> Option<ProvenDecision> {
        self.counted(2)?;
        self.text()?;
        let [hold, run, end, grant, reverses, tariff] = [0x00, 0x04, 0x06, 0x00, 0x00, 0x00].map(|sort| self.is(sort));
        if ![hold, run, end, grant, reverses, tariff].into_iter().all(|is_there| is_there) || self.text()? != "decided"
        {
            return None;
        }
        let (kind, digest) = (self.text()?, DecidedDigest::from_bytes(self.counted(2)?.try_into().ok()?));
        let mut replaces = Vec::new();
        if !self.is(0x04) {
            return None;
        }
        while self.is(0x05) {
            replaces.push(self.integer()?);
        }
        self.is(0x06).then_some(ProvenDecision { kind, digest, replaces })
    }

    /// Whether the next byte is this one, which is left behind then.
    fn is(&mut self, byte: u8) -> bool {
        let Some(rest) = self.0.strip_prefix(&[byte]) else { return false };
        self.0 = rest;
        true
    }

    fn integer(&mut self) -> Option<i64> {
        let (sort, rest) = self.0.split_first()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        self.0 = rest;
        (*sort == 3).then(|| i64::from_be_bytes(*bytes))
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.counted(1)?.to_vec()).ok()
    }

    fn counted(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (sort, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        self.0 = rest;
        (*sort == wanted).then_some(bytes)
    }
}
