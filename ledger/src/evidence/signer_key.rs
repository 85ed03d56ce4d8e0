//! Signer keys: the secret half. They are made of random bits that are handed in, and never shown by accident.

use super::randomness::{RandomBits, draw};
use super::verifier_key::{read_key, write_key};
use super::{EvidenceError, KeyKind, KeyName, VerifierKey};
use ed25519_dalek::{Signer, SigningKey};
use std::{fmt, io};

/// What a text of a signer key begins with.
const PRIVATE: &str = "PRIVATE+KEY+";

/// A key that signs checkpoints. Its memory is cleared when it is dropped.
pub struct SignerKey {
    secret: SigningKey,
    verifier: VerifierKey,
}

impl SignerKey {
    /// A new key: 256 random bits are its seed (RFC 8032, section 5.1.5).
    pub fn generate(name: KeyName, kind: KeyKind, random: &mut RandomBits<'_>) -> io::Result<Self> {
        Ok(Self::of_seed(name, kind, &draw(random)?))
    }

    /// The key in its text form `PRIVATE+KEY+name+id+base64(type, seed)`, which golang.org/x/mod/sumdb/note made usual.
    pub fn from_secret_text(text: &str) -> Result<Self, EvidenceError> {
        let malformed = |why: &str| EvidenceError::malformed("a signer key", why);
        let key = text.strip_prefix(PRIVATE).and_then(read_key);
        let (name, id, kind, seed) = key.ok_or_else(|| malformed("it is not `PRIVATE+KEY+name+id+base64`"))?;
        let kind = kind.ok_or_else(|| malformed("it is not for Ed25519, signature type 1 or 4"))?;
        let key = Self::of_seed(name.parse()?, kind, &seed);
        if key.verifier.id().to_string() != id {
            return Err(malformed("its id does not fit its name and seed"));
        }
        Ok(key)
    }

    /// The text that [`Self::from_secret_text`] reads. Whoever has it can sign.
    pub fn to_secret_text(&self) -> String {
        format!("{PRIVATE}{}", write_key(&self.verifier, self.secret.as_bytes()))
    }

    /// The half that may be shown.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signature over these bytes (RFC 8032, section 5.1.6).
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    fn of_seed(name: KeyName, kind: KeyKind, seed: &[u8; 32]) -> Self {
        let secret = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, kind, secret.verifying_key());
        Self { secret, verifier }
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SignerKey({}, ..)", self.verifier.name())
    }
}
