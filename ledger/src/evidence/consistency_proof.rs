//! Consistency proofs: an older tree is the beginning of a newer one (RFC 6962, section 2.1.2).

use super::inclusion_proof::middle;
use super::leaf_hashes::range_root;
use super::{EvidenceError, LeafHashes, TreeHash, TreeHead};
use crate::{LedgerError, LedgerErrorKind};
use std::ops::Range;

/// The hashes that lead from an older root and to a newer one: at most 64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// In the order of `PROOF` of RFC 6962.
    pub path: Vec<TreeHash>,
}

impl ConsistencyProof {
    /// The proof that the tree of the first `older` leaves is the beginning of the tree of the first `newer`.
    pub fn new(leaves: &(impl LeafHashes + ?Sized), older: u64, newer: u64) -> Result<Self, LedgerError> {
        if older > newer {
            let why = format!("a tree of {newer} leaves does not begin with one of {older}");
            return Err(LedgerError::never(LedgerErrorKind::Invalid, why));
        }
        let path = parts(older, newer).into_iter().map(|range| range_root(leaves, range));
        Ok(Self { path: path.collect::<Result<_, _>>()? })
    }

    /// Shows that the newer tree begins with the older one (RFC 9162, section 2.1.4.2). The tree without leaves, and a tree
    /// with itself, need no hash.
    pub fn verify(&self, older: &TreeHead, newer: &TreeHead) -> Result<(), EvidenceError> {
        let consistent = if older.size == 0 {
            self.path.is_empty() && *older == TreeHead::empty()
        } else if older.size == newer.size {
            self.path.is_empty() && older.root == newer.root
        } else {
            older.size < newer.size && self.roots(older, newer) == Some((older.root, newer.root))
        };
        consistent.then_some(()).ok_or(EvidenceError::NotProven("the log only grew"))
    }

    /// Both roots as they follow from the path; none where it is too short or too long.
    fn roots(&self, older: &TreeHead, newer: &TreeHead) -> Option<(TreeHash, TreeHash)> {
        let mut path = self.path.iter();
        let first = if older.size.is_power_of_two() { older.root } else { *path.next()? };
        let (mut older_root, mut newer_root) = (first, first);
        // The last nodes of both trees, on the level of the first hash.
        let level = (older.size - 1).trailing_ones();
        let (mut node, mut last) = ((older.size - 1) >> level, (newer.size - 1) >> level);
        for hash in path {
            if last == 0 {
                return None;
            }
            if node & 1 == 1 || node == last {
                older_root = TreeHash::of_node(hash, &older_root);
                newer_root = TreeHash::of_node(hash, &newer_root);
                while node & 1 == 0 && node != 0 {
                    (node, last) = (node >> 1, last >> 1);
                }
            } else {
                newer_root = TreeHash::of_node(&newer_root, hash);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        (last == 0).then_some((older_root, newer_root))
    }
}

/// The ranges whose roots make the path, in its order.
fn parts(older: u64, newer: u64) -> Vec<Range<u64>> {
    let mut around = 0..newer;
    let mut ranges = Vec::new();
    if older == 0 {
        return ranges;
    }
    while older != around.end {
        let middle = middle(&around);
        if older <= middle {
            ranges.push(middle..around.end);
            around.end = middle;
        } else {
            ranges.push(around.start..middle);
            around.start = middle;
        }
    }
    // The verifier knows the older root itself, where it is a node of the newer tree.
    if around.start > 0 {
        ranges.push(around);
    }
    ranges.reverse();
    ranges
}
