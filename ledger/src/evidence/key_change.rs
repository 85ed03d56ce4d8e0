//! Changes of a log's key: a checkpoint of the log as it was then, which names the key that signs from there on.

use super::{EvidenceError, SignedCheckpoint, SignerKey, TreeHead, VerifierKey};
use serde::{Deserialize, Serialize};

/// A log goes on under another key of its name. The new key signed that, and, where it was at hand, the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ChangeText", into = "ChangeText")]
pub struct KeyChange {
    before: VerifierKey,
    last: Option<SignedCheckpoint>,
    note: SignedCheckpoint,
    after: VerifierKey,
}

/// The same as its texts.
#[derive(Serialize, Deserialize)]
struct ChangeText {
    /// The key until then.
    before: String,
    /// The last checkpoint that it signed; none where it signed nothing.
    last: Option<String>,
    /// The log as it was at the change, with the new key in it.
    note: String,
}

impl KeyChange {
    /// The log, as it is now, goes on under the key `after`. `last` is the last checkpoint of the key before, whose secret
    /// half signs the change where it is at hand.
    pub(crate) fn new(
        head: TreeHead,
        last: Option<SignedCheckpoint>,
        (before, signer): (VerifierKey, Option<&SignerKey>),
        after: &SignerKey,
    ) -> Result<Self, EvidenceError> {
        let note = SignedCheckpoint::of_change(head, signer, after)?;
        Ok(Self { before, last, note, after: after.verifier().clone() })
    }

    /// The key until then.
    pub const fn before(&self) -> &VerifierKey {
        &self.before
    }

    /// The last checkpoint that the key before signed.
    pub const fn last(&self) -> Option<&SignedCheckpoint> {
        self.last.as_ref()
    }

    /// The log as it was at the change.
    pub const fn note(&self) -> &SignedCheckpoint {
        &self.note
    }

    /// The key from there on.
    pub const fn after(&self) -> &VerifierKey {
        &self.after
    }

    /// Whether the key before signed that this one follows it.
    pub fn is_signed_by_the_key_before(&self) -> bool {
        self.note.verify(std::slice::from_ref(&self.before)).is_ok()
    }

    /// Whether it leads from a key to another one of the same log, by the new one's own word.
    pub(crate) fn holds(&self) -> bool {
        let is_of_one_log = self.before.name() == self.after.name() && self.before != self.after;
        is_of_one_log && self.note.verify(std::slice::from_ref(&self.after)).is_ok()
    }
}

impl From<KeyChange> for ChangeText {
    fn from(change: KeyChange) -> Self {
        let KeyChange { before, last, note, .. } = change;
        Self { before: before.to_string(), last: last.map(|last| last.to_string()), note: note.to_string() }
    }
}

impl TryFrom<ChangeText> for KeyChange {
    type Error = EvidenceError;

    fn try_from(text: ChangeText) -> Result<Self, EvidenceError> {
        let note = SignedCheckpoint::parse(text.note.as_bytes())?;
        let after = note.claim().next_key().ok_or_else(|| {
            EvidenceError::malformed("the change of a key", "its checkpoint does not name one key that comes next")
        })?;
        let last = text.last.map(|last| SignedCheckpoint::parse(last.as_bytes())).transpose()?;
        Ok(Self { before: text.before.parse()?, last, note, after })
    }
}
