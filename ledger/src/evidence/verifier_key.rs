//! Verifier keys: who may have signed a checkpoint (c2sp.org/signed-note, sections "Verifier keys" and "Signatures").

use super::{EvidenceError, Fingerprint, base64};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// The longest name of a key, in bytes. The specification sets no bound; names are short addresses.
const MAX_NAME_BYTES: usize = 255;

/// The name of a key, such as `example.org/atlas-ledger`: not empty, no space, no `+`, no control character. The key of a
/// log is named as its origin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName(String);

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Checkpoints of its own log: Ed25519, signature type 0x01.
    Log,
    /// Checkpoints that it saw grow: Ed25519 with a time, signature type 0x04 (c2sp.org/tlog-cosignature).
    Witness,
}

/// The first four bytes of SHA-256(name, newline, signature type, public key), as text 8 hexadecimal digits. It tells keys
/// apart and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

/// A key that verifies: name, kind and public key. As text `name+id+base64(type, public key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    kind: KeyKind,
    id: KeyId,
    public: VerifyingKey,
}

impl KeyName {
    /// The name as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl KeyKind {
    /// The byte that stands for it (c2sp.org/signed-note, section "Signature types").
    pub(super) const fn signature_type(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Witness => 0x04,
        }
    }

    pub(super) const fn of_signature_type(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Log),
            0x04 => Some(Self::Witness),
            _ => None,
        }
    }
}

impl KeyId {
    pub(super) const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl VerifierKey {
    pub(super) fn new(name: KeyName, kind: KeyKind, public: VerifyingKey) -> Self {
        let hash = Sha256::new()
            .chain_update(name.0.as_bytes())
            .chain_update([b'\n', kind.signature_type()])
            .chain_update(public.as_bytes())
            .finalize();
        let id = KeyId([hash[0], hash[1], hash[2], hash[3]]);
        Self { name, kind, id, public }
    }

    /// Its name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// What it signs.
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its id.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Name and id, which tell it apart from the other keys of its log.
    pub fn short(&self) -> String {
        format!("{}+{}", self.name, self.id)
    }

    /// What people compare it by.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_key(self.public.as_bytes())
    }

    /// Whether the signature is this key's over these bytes (RFC 8032, section 5.1.7, and no signature that fits more than
    /// one text or key).
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.public.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl FromStr for KeyName {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let malformed = |why: &str| Err(EvidenceError::malformed("the name of a key", why));
        if text.is_empty() {
            return malformed("it is empty");
        }
        if text.len() > MAX_NAME_BYTES {
            return malformed("it is longer than 255 bytes");
        }
        if text.chars().any(|sign| sign.is_whitespace() || sign.is_control() || sign == '+') {
            return malformed("it has a space, a `+` or a control character");
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for VerifierKey {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let malformed = |why: &str| EvidenceError::malformed("a verifier key", why);
        let (name, id, kind, bytes) = read_key(text).ok_or_else(|| malformed("it is not `name+id+base64`"))?;
        let name = name.parse()?;
        let kind = kind.ok_or_else(|| malformed("it is not for Ed25519, signature type 1 or 4"))?;
        let public = VerifyingKey::from_bytes(&bytes).ok().filter(|public| !public.is_weak());
        let key = Self::new(name, kind, public.ok_or_else(|| malformed("its public key is none of Ed25519"))?);
        if key.id.to_string() != id {
            return Err(malformed("its id does not fit its name and public key"));
        }
        Ok(key)
    }
}

/// `name+id+base64(type, 32 bytes)` in its parts. The base64 may hold a `+` itself.
pub(super) fn read_key(text: &str) -> Option<(&str, &str, Option<KeyKind>, [u8; 32])> {
    let (name, rest) = text.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let [kind, bytes @ ..] = base64::decode_array::<33>(key)?;
    Some((name, id, KeyKind::of_signature_type(kind), bytes))
}

/// The text that [`read_key`] reads.
pub(super) fn write_key(key: &VerifierKey, bytes: &[u8; 32]) -> String {
    let mut typed = [0; 33];
    typed[0] = key.kind.signature_type();
    typed[1..].copy_from_slice(bytes);
    format!("{}+{}+{}", key.name, key.id, base64::encode(&typed))
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&write_key(self, self.public.as_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyName {
    type Error = EvidenceError;

    fn try_from(text: String) -> Result<Self, EvidenceError> {
        text.parse()
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> Self {
        name.0
    }
}
