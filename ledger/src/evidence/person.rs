//! Persons in leaves: a random pseudonym, and a salted commitment to what is personal.
//!
//! The leaf has pseudonym and commitment; person and salt lie beside it. To erase somebody is to drop person and salt: no
//! leaf changes, and without the salt nobody can try names against the commitment.

use super::randomness::{RandomBits, draw};
use super::{Domain, EvidenceError, FieldWriter};
use sha2::{Digest, Sha256};
use std::{fmt, io, str::FromStr};

/// Who it was, to those who hold the table of persons: 128 random bits, as text 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym([u8; 16]);

/// What keeps a commitment from being guessed: 256 random bits, one salt for each commitment. It is not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

/// SHA-256 over salt and personal fields. It binds whoever made it and tells nothing to who lacks the salt.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment([u8; 32]);

impl Pseudonym {
    /// A new one.
    pub fn draw(random: &mut RandomBits<'_>) -> io::Result<Self> {
        draw(random).map(Self)
    }

    /// The pseudonym with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as a leaf has them.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Salt {
    /// A new one.
    pub fn draw(random: &mut RandomBits<'_>) -> io::Result<Self> {
        draw(random).map(Self)
    }

    /// The salt with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for the table beside the leaves.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The salt for what a person wrote into one entry: SHA-256 over the person's salt and the entry's number. It goes when
    /// the person's salt goes, and who is shown it learns nothing about other entries.
    #[must_use]
    pub fn of_entry(&self, number: u64) -> Self {
        let mut writer = FieldWriter::new(Domain::Salt);
        writer.put_bytes(&self.0).put_bytes(&number.to_be_bytes());
        Self(Sha256::digest(writer.as_bytes()).into())
    }
}

impl Commitment {
    /// Commits to personal fields, whose order is theirs to keep: SHA-256 of the domain `pakt/person/v1`, the salt as
    /// bytes, then each field as a text or as nothing ([`FieldWriter`]).
    pub fn new<'a>(salt: &Salt, fields: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut writer = FieldWriter::new(Domain::Person);
        writer.put_bytes(&salt.0);
        for field in fields {
            writer.put_option(field, |writer, text| {
                writer.put_text(text);
            });
        }
        Self(Sha256::digest(writer.as_bytes()).into())
    }

    /// Whether it was made of this salt and these fields.
    pub fn opens_with<'a>(&self, salt: &Salt, fields: impl IntoIterator<Item = Option<&'a str>>) -> bool {
        *self == Self::new(salt, fields)
    }

    /// The commitment with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as a leaf has them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Pseudonym {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let digits = text.len() == 32 && text.bytes().all(|sign| matches!(sign, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| digits);
        number
            .map(|number| Self(number.to_be_bytes()))
            .ok_or_else(|| EvidenceError::malformed("a pseudonym", "it is not 32 hexadecimal digits"))
    }
}

impl fmt::Display for Salt {
    /// In base64. Only an auditor's export shows it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&super::base64::encode(&self.0))
    }
}

impl FromStr for Salt {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let bytes = super::base64::decode_array(text);
        bytes.map(Self).ok_or_else(|| EvidenceError::malformed("a salt", "it is not 32 bytes in base64"))
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&super::base64::encode(&self.0))
    }
}

impl FromStr for Commitment {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let bytes = super::base64::decode_array(text);
        bytes.map(Self).ok_or_else(|| EvidenceError::malformed("a commitment", "it is not 32 bytes in base64"))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Salt(..)")
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Commitment({})", super::base64::encode(&self.0))
    }
}
