//! The keys of a log, one after the other.

use super::{KeyChange, SignedCheckpoint, VerifierKey};
use serde::Serialize;

/// The keys that a log says to have been signed with.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogKeys {
    /// The key that signs now; none where nobody has made one.
    pub(crate) key: Option<VerifierKey>,
    /// How it came to that one, the first change first.
    pub(crate) changes: Vec<KeyChange>,
}

/// A key of a log, and what it signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeySpan {
    /// The key, as its text.
    pub key: String,
    /// How many entries there were when it began.
    pub entries_before: u64,
    /// How many there were in what it signed last, before another one followed; none of the key that signs now.
    pub entries_signed: Option<u64>,
    /// Whether the key before it signed that this one follows; none of the first one.
    pub is_named_by_the_key_before: Option<bool>,
    /// Whether the auditor named it, or a key that they named did; every key is where they named none.
    pub is_known: bool,
}

impl LogKeys {
    /// All of them, in the order in which they signed.
    pub(crate) fn all(&self) -> impl Iterator<Item = &VerifierKey> {
        self.changes.iter().map(KeyChange::before).chain(&self.key)
    }

    /// What is kept of the changes, to be compared with the entries.
    pub(crate) fn checkpoints(&self) -> impl Iterator<Item = &SignedCheckpoint> {
        self.changes.iter().flat_map(|change| change.last().into_iter().chain([change.note()]))
    }

    /// Adds the keys that follow known ones by the word of those.
    pub(crate) fn follow(&self, known: &mut Vec<VerifierKey>) {
        for change in &self.changes {
            let is_named = known.contains(change.before()) && change.is_signed_by_the_key_before();
            if is_named && !known.contains(change.after()) {
                known.push(change.after().clone());
            }
        }
    }

    /// What is wrong with how they follow each other.
    pub(crate) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let next = self.changes.iter().skip(1).map(KeyChange::before).chain(&self.key);
        for (change, next) in self.changes.iter().zip(next) {
            if change.after() != next || !change.holds() {
                let (before, after) = (change.before().short(), change.after().short());
                findings
                    .push(format!("the change of the log's key from `{before}` to `{after}` is not one that was made"));
            }
        }
        findings
    }

    /// What each of them signed.
    pub(crate) fn spans(&self, known: &[VerifierKey]) -> Vec<KeySpan> {
        let size_of = |checkpoint: &SignedCheckpoint| checkpoint.claim().head.size;
        let mut spans = Vec::new();
        let (mut entries_before, mut named) = (0, None);
        for (which, key) in self.all().enumerate() {
            let change = self.changes.get(which);
            let is_known = known.contains(key);
            let entries_signed = change.map(|change| change.last().map_or(0, size_of));
            spans.push(KeySpan {
                key: key.to_string(),
                entries_before,
                entries_signed,
                is_named_by_the_key_before: named,
                is_known,
            });
            if let Some(change) = change {
                (entries_before, named) = (size_of(change.note()), Some(change.is_signed_by_the_key_before()));
            }
        }
        spans
    }
}
