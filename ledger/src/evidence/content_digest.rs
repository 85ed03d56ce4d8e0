//! Content digests: a row is recognised when it is read again, even after its text was erased.
//!
//! The digest is keyed, because a bare hash of a row with a short user name in it is found by trying names. It stands
//! beside the leaves and not in them. Whoever holds the ledger's secret can still test a guess; destroying the secret ends
//! that, and with it the recognition.

use super::randomness::{RandomBits, draw};
use super::{Domain, FieldWriter};
use std::{fmt, io};

/// A ledger's secret key for digests: 256 random bits. It is not shown.
#[derive(Clone)]
pub struct LedgerSecret([u8; 32]);

/// Keyed BLAKE3 over the canonical bytes of a row: 32 bytes, equal where secret and row are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentDigest([u8; 32]);

impl LedgerSecret {
    /// A new one.
    pub fn draw(random: &mut RandomBits<'_>) -> io::Result<Self> {
        draw(random).map(Self)
    }

    /// The secret with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for where it is kept.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of the row that `put` writes, in the domain `pakt/content/v1`.
    pub fn digest(&self, put: impl FnOnce(&mut FieldWriter)) -> ContentDigest {
        let mut writer = FieldWriter::new(Domain::Content);
        put(&mut writer);
        ContentDigest(*blake3::keyed_hash(&self.0, writer.as_bytes()).as_bytes())
    }
}

impl ContentDigest {
    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for LedgerSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LedgerSecret(..)")
    }
}
