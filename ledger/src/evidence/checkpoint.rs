//! Checkpoints: which log, how many leaves, which root (c2sp.org/tlog-checkpoint, section "Note text").

use super::{EvidenceError, KeyKind, MAX_TREE_SIZE, NoteSignature, SignedCheckpoint, SignedNote, SignerKey, TreeHead};
use std::{fmt, str::FromStr};

/// What a log says of itself at one size. As text three lines: origin, size, root in base64; other logs may add more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity, as the name of its key.
    pub origin: String,
    /// Size and root.
    pub head: TreeHead,
    /// Lines of other logs behind the root; ours has none.
    extensions: Vec<String>,
}

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
        let mut note = SignedNote::unsigned(checkpoint.to_string());
        let signature = key.sign(note.text().as_bytes());
        note.add(NoteSignature::new(verifier, signature.to_vec()))?;
        Ok(SignedCheckpoint::new(checkpoint, note))
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
