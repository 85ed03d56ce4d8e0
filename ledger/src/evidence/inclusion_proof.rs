//! Inclusion proofs: a leaf lies at a place in a tree (RFC 6962, section 2.1.1).

use super::leaf_hashes::range_root;
use super::{EvidenceError, LeafHashes, TreeHash, TreeHead};
use crate::{LedgerError, LedgerErrorKind};
use std::ops::Range;

/// The hashes that lead from one leaf to a root: at most 63.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The leaf's place, from zero.
    pub leaf_index: u64,
    /// From the leaf's sibling to the root's child.
    pub path: Vec<TreeHash>,
}

impl InclusionProof {
    /// The proof that this leaf lies in the tree of the first `size` leaves.
    pub fn new(leaves: &(impl LeafHashes + ?Sized), leaf_index: u64, size: u64) -> Result<Self, LedgerError> {
        if leaf_index >= size {
            let why = format!("a tree of {size} leaves has none with index {leaf_index}");
            return Err(LedgerError::never(LedgerErrorKind::Invalid, why));
        }
        let path = siblings(leaf_index, size).into_iter().map(|range| range_root(leaves, range));
        Ok(Self { leaf_index, path: path.collect::<Result<_, _>>()? })
    }

    /// Shows that the leaf lies in this tree (RFC 9162, section 2.1.3.2).
    pub fn verify(&self, leaf: &TreeHash, head: &TreeHead) -> Result<(), EvidenceError> {
        let not_proven = EvidenceError::NotProven("the entry is in the log");
        if self.leaf_index >= head.size {
            return Err(not_proven);
        }
        // The place of the node that is known, and of the last node, both on the same level of the tree.
        let (mut node, mut last) = (self.leaf_index, head.size - 1);
        let mut root = *leaf;
        for sibling in &self.path {
            if last == 0 {
                return Err(not_proven);
            }
            if node & 1 == 1 || node == last {
                root = TreeHash::of_node(sibling, &root);
                while node & 1 == 0 && node != 0 {
                    (node, last) = (node >> 1, last >> 1);
                }
            } else {
                root = TreeHash::of_node(&root, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        if last == 0 && root == head.root { Ok(()) } else { Err(not_proven) }
    }
}

/// The ranges whose roots make the path, in its order.
fn siblings(leaf_index: u64, size: u64) -> Vec<Range<u64>> {
    let mut around = 0..size;
    let mut ranges = Vec::new();
    while around.end - around.start > 1 {
        let middle = middle(&around);
        if leaf_index < middle {
            ranges.push(middle..around.end);
            around.end = middle;
        } else {
            ranges.push(around.start..middle);
            around.start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// Where a range of two or more leaves falls into two subtrees: after the largest power of two below its length.
pub(super) const fn middle(range: &Range<u64>) -> u64 {
    range.start + (1 << (range.end - range.start - 1).ilog2())
}
