//! The SHA-256 of some bytes, as `sha256sum` prints it.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A SHA-256 digest: 64 hexadecimal digits in lower case (FIPS 180-4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

/// A text is no SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no SHA-256 digest: it has 64 digits from 0 to f")]
pub struct Sha256Error(String);

impl Sha256 {
    const DIGITS: usize = 64;

    /// Of the 32 bytes of a digest.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sha256 {
    type Err = Sha256Error;

    fn from_str(text: &str) -> Result<Self, Sha256Error> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == Self::DIGITS && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Sha256Error(text.chars().take(Self::DIGITS + 8).collect()))
        }
    }
}

impl TryFrom<String> for Sha256 {
    type Error = Sha256Error;

    fn try_from(text: String) -> Result<Self, Sha256Error> {
        text.parse()
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_digits_in_lower_case_are_a_digest() {
        let digest = Sha256::from_bytes([0xab; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest.clone()));
        assert_eq!(digest.as_str().len(), 64);
        let (long, upper, path) = ("a".repeat(65), "A".repeat(64), format!("../{}", "a".repeat(61)));
        for wrong in ["", "ab", long.as_str(), upper.as_str(), path.as_str()] {
            assert!(wrong.parse::<Sha256>().is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Sha256>("\"../x\"").is_err());
    }
}
