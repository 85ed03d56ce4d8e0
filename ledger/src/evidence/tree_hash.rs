//! The hashes of the tree (RFC 6962, section 2.1): SHA-256, with a first byte that keeps leaves and nodes apart.

use super::{EvidenceError, base64};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// The hash of a leaf, of a node or of a whole tree: 32 bytes, as text in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreeHash([u8; 32]);

impl TreeHash {
    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of a leaf with this content: SHA-256(0x00, content).
    pub fn of_leaf(content: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(content).finalize().into())
    }

    /// The hash of the node over two subtrees: SHA-256(0x01, left, right).
    pub(super) fn of_node(left: &Self, right: &Self) -> Self {
        let mut bytes = [1; 65];
        bytes[1..33].copy_from_slice(&left.0);
        bytes[33..].copy_from_slice(&right.0);
        Self(Sha256::digest(bytes).into())
    }

    /// The root of the tree without leaves: SHA-256 of nothing.
    pub(super) fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&base64::encode(&self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for TreeHash {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        base64::decode_array(text)
            .map(Self)
            .ok_or_else(|| EvidenceError::malformed("a hash", "it is not 32 bytes in base64"))
    }
}

impl TryFrom<String> for TreeHash {
    type Error = EvidenceError;

    fn try_from(text: String) -> Result<Self, EvidenceError> {
        text.parse()
    }
}

impl From<TreeHash> for String {
    fn from(hash: TreeHash) -> Self {
        hash.to_string()
    }
}
