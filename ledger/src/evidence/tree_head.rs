//! Tree heads: how many leaves a tree has, and its root.

use super::TreeHash;
use serde::{Deserialize, Serialize};

/// The largest number of leaves that is believed: indices are kept as signed 64-bit integers.
pub const MAX_TREE_SIZE: u64 = i64::MAX.unsigned_abs();

/// A tree's size and root: what a checkpoint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeHead {
    /// The number of leaves.
    pub size: u64,
    /// The Merkle Tree Hash over them (RFC 6962, section 2.1).
    pub root: TreeHash,
}

impl TreeHead {
    /// The tree without leaves, from which every log begins.
    pub fn empty() -> Self {
        Self { size: 0, root: TreeHash::of_nothing() }
    }
}
