//! Fingerprints: what people compare keys by.

use super::EvidenceError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// The first 16 bytes of SHA-256 over a public key, as text 32 hexadecimal digits: nobody finds a second key for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub(super) fn of_key(public: &[u8; 32]) -> Self {
        let digest: [u8; 32] = Sha256::digest(public).into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(half)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for Fingerprint {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let read = u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()));
        // A fingerprint has one text.
        read.filter(|read| read.to_string() == text)
            .ok_or_else(|| EvidenceError::malformed("a fingerprint", "it is not 32 hexadecimal digits in lower case"))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = EvidenceError;

    fn try_from(text: String) -> Result<Self, EvidenceError> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}
