//! Signed notes: a text and lines of signatures (c2sp.org/signed-note, section "Format").

use super::{EvidenceError, KeyId, KeyName, VerifierKey, base64};
use std::fmt;

/// The largest note that is read, in bytes. The specification asks for room for 16 signatures of up to 5 kB each.
const MAX_NOTE_BYTES: usize = 256 * 1024;

/// The most signatures that are read; the specification asks for at least 16.
const MAX_SIGNATURES: usize = 64;

/// What a signature line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A text with signatures, verified or not. Nobody should act on the text before a known key's signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    /// The text, its last newline included.
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One line of a note: who signed, and the signature's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: KeyId,
    signature: Vec<u8>,
}

impl SignedNote {
    /// A note without a signature yet. The text ends with its newline.
    pub(super) const fn unsigned(text: String) -> Self {
        Self { text, signatures: Vec::new() }
    }

    /// Reads a note. Whoever signed it, every line has to have the right form.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let malformed = |why: &str| EvidenceError::malformed("a signed note", why);
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(malformed("it is larger than 256 KiB"));
        }
        let note = str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        if note.chars().any(|sign| sign < ' ' && sign != '\n') {
            return Err(malformed("it has control characters"));
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or_else(|| malformed("it has no empty line"))?;
        let lines = lines.strip_suffix('\n').ok_or_else(|| malformed("its last line does not end"))?;
        let signatures: Vec<_> =
            lines.split('\n').take(MAX_SIGNATURES + 1).map(str::parse).collect::<Result<_, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(malformed("it has more than 64 signatures"));
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The text that is signed, its last newline included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in their order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line; one that is there already is not added again.
    pub(super) fn add(&mut self, signature: NoteSignature) -> Result<(), EvidenceError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() == MAX_SIGNATURES {
            return Err(EvidenceError::malformed("a signed note", "it has more than 64 signatures"));
        }
        self.signatures.push(signature);
        Ok(())
    }
}

impl NoteSignature {
    pub(super) fn new(key: &VerifierKey, signature: Vec<u8>) -> Self {
        Self { name: key.name().clone(), id: key.id(), signature }
    }

    /// The name of the key that is said to have signed.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of that key.
    pub const fn key_id(&self) -> KeyId {
        self.id
    }

    /// Whether it says that it was made with this key: name and id are the key's.
    pub(super) fn names(&self, key: &VerifierKey) -> bool {
        self.name == *key.name() && self.id == key.id()
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl std::str::FromStr for NoteSignature {
    type Err = EvidenceError;

    fn from_str(line: &str) -> Result<Self, EvidenceError> {
        let malformed = |why: &str| EvidenceError::malformed("a signature line", why);
        let rest = line.strip_prefix(DASH).ok_or_else(|| malformed("it does not begin with an em dash and a space"))?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(|| malformed("it is not a name and a signature"))?;
        let bytes = base64::decode(encoded).ok_or_else(|| malformed("its signature is not base64"))?;
        match bytes.split_first_chunk() {
            Some((id, signature)) if !signature.is_empty() => {
                Ok(Self { name: name.parse()?, id: KeyId::from_bytes(*id), signature: signature.to_vec() })
            }
            _ => Err(malformed("its signature is too short")),
        }
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_bytes().as_slice(), &self.signature].concat();
        write!(formatter, "{DASH}{} {}", self.name, base64::encode(&bytes))
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(formatter, "{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::SignerKey;

    fn signs(key: &str, note: &str) -> bool {
        let (key, note) = (key.parse::<VerifierKey>().unwrap(), SignedNote::parse(note.as_bytes()).unwrap());
        let [line] = note.signatures() else { panic!("{note}") };
        line.names(&key) && key.has_signed(note.text().as_bytes(), line.signature().try_into().unwrap())
    }

    #[test]
    fn the_examples_of_others_verify() {
        // c2sp.org/signed-note, section "Verifier keys".
        let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let note = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7\
                    Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
        assert!(signs(key, note));
        assert!(!signs(key, &note.replace("This", "That")));
        // golang.org/x/mod/sumdb/note: Ed25519 gives the same signature every time.
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let key = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let key = SignerKey::from_secret_text(key).unwrap();
        let mut note = SignedNote::unsigned(text.to_owned());
        note.add(NoteSignature::new(key.verifier(), key.sign(text.as_bytes()).to_vec())).unwrap();
        let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnA\
                    M=\n";
        assert_eq!(note.to_string(), format!("{text}\n{line}"));
    }

    #[test]
    fn a_text_may_have_empty_lines() {
        let note = "one\n\ntwo\n\n— a AAAAAAA=\n";
        let read = SignedNote::parse(note.as_bytes()).unwrap();
        assert_eq!((read.text(), read.to_string().as_str()), ("one\n\ntwo\n", note));
    }
}
