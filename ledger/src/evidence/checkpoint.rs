//! Checkpoints: which log, how many leaves, which root (c2sp.org/tlog-checkpoint, section "Note text").

use super::{
    EvidenceError, KeyKind, MAX_TREE_SIZE, NoteSignature, SignedCheckpoint, SignedNote, SignerKey, TreeHead,
    VerifierKey,
};
use std::{fmt, str::FromStr};

/// What a log says of itself at one size. As text three lines: origin, size, root in base64; other logs may add more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity, as the name of its key.
    pub origin: String,
    /// Size and root.
    pub head: TreeHead,
    /// Lines behind the root: ours has one where its key changes, others may have what they like.
    extensions: Vec<String>,
}

/// What the line begins with that names the key which follows.
const NEXT_KEY: &str = "next-key ";

impl Checkpoint {
    /// Signs what is known of a log; the key is the log's own, and its name becomes the origin. A log never signs a head
    /// that does not continue every head it signed before: that is the caller's to keep.
    pub fn sign(head: TreeHead, key: &SignerKey) -> Result<SignedCheckpoint, EvidenceError> {
        let verifier = key.verifier();
        if verifier.kind() != KeyKind::Log {
            let why = "is a witness's and signs no log";
            return Err(EvidenceError::WrongKey { key: verifier.name().clone(), why });
        }
        let checkpoint = Self { origin: verifier.name().to_string(), head, extensions: Vec::new() };
        checkpoint.signed_with(&[key])
    }

    /// The checkpoint of a log whose key changes, with the new key in it.
    pub(super) fn of_change(head: TreeHead, after: &SignerKey) -> Self {
        let after = after.verifier();
        Self { origin: after.name().to_string(), head, extensions: vec![format!("{NEXT_KEY}{after}")] }
    }

    /// Signed with each of these keys.
    pub(super) fn signed_with(self, keys: &[&SignerKey]) -> Result<SignedCheckpoint, EvidenceError> {
        let mut note = SignedNote::unsigned(self.to_string());
        for key in keys {
            let signature = key.sign(note.text().as_bytes());
            note.add(NoteSignature::new(key.verifier(), signature.to_vec()))?;
        }
        Ok(SignedCheckpoint::new(self, note))
    }

    /// The key that it says to sign from here on, where it names one.
    pub fn next_key(&self) -> Option<VerifierKey> {
        let [line] = self.extensions.as_slice() else { return None };
        line.strip_prefix(NEXT_KEY)?.parse().ok()
    }
}

impl FromStr for Checkpoint {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let malformed = |why: &str| EvidenceError::malformed("a checkpoint", why);
        let lines = text.strip_suffix('\n').ok_or_else(|| malformed("its last line does not end"))?;
        let lines: Vec<_> = lines.split('\n').collect();
        if lines.contains(&"") {
            return Err(malformed("it has an empty line"));
        }
        let [origin, size, root, extensions @ ..] = lines.as_slice() else {
            return Err(malformed("it is not origin, size and root"));
        };
        let size = read_number(size).ok_or_else(|| malformed("its size is no number below 2^63"))?;
        Ok(Self {
            origin: (*origin).to_owned(),
            head: TreeHead { size, root: root.parse()? },
            extensions: extensions.iter().map(|&line| line.to_owned()).collect(),
        })
    }
}

/// A decimal number without sign and leading zeros that may be the size of a tree.
pub(super) fn read_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number <= MAX_TREE_SIZE && number.to_string() == text).then_some(number)
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n{}\n{}", self.origin, self.head.size, self.head.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(formatter, "{line}"))
    }
}
