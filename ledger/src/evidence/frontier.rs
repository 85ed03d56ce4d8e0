//! The frontier: the right edge of a tree, all that appending needs.

use super::{EvidenceError, MAX_TREE_SIZE, TreeHash, TreeHead};

/// Roots of subtrees up to this height are worth keeping.
const KEPT_HEIGHTS: u32 = 2;

/// The roots of the full subtrees that a tree falls into, the largest first: at most 63 hashes, whatever the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One for each bit of the size that is set, the highest first.
    peaks: Vec<TreeHash>,
}

impl Frontier {
    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn append(&mut self, leaf: TreeHash) {
        self.append_subtree(0, leaf);
    }

    /// The size and the root.
    pub fn head(&self) -> TreeHead {
        let root = self.peaks.iter().copied().rev().reduce(|right, left| TreeHash::of_node(&left, &right));
        TreeHead { size: self.size, root: root.unwrap_or_else(TreeHash::of_nothing) }
    }

    /// Appends a leaf, and tells of each subtree of 256 or 65,536 leaves that it completes: height, which of them, root.
    /// What is kept of them makes proofs cheap ([`LeafHashes::subtree_roots`](super::LeafHashes::subtree_roots)).
    pub fn append_noting(&mut self, leaf: TreeHash, mut note: impl FnMut(u32, u64, TreeHash)) {
        self.append_level(0, leaf, &mut note);
    }

    /// Appends a full subtree of 2^`level` leaves; the size is a multiple of that.
    pub(super) fn append_subtree(&mut self, level: u32, root: TreeHash) {
        self.append_level(level, root, &mut |_, _, _| ());
    }

    /// Appends the leaves of another tree. The size here is a multiple of the largest full subtree there.
    pub(super) fn join(&mut self, next: &Self) {
        let levels = (0..u64::BITS).rev().filter(|level| next.size >> level & 1 == 1);
        for (level, peak) in levels.zip(&next.peaks) {
            self.append_subtree(level, *peak);
        }
    }

    fn append_level(&mut self, level: u32, root: TreeHash, note: &mut impl FnMut(u32, u64, TreeHash)) {
        assert!(self.size.trailing_zeros() >= level, "a full subtree begins at a multiple of its size");
        let (mut root, mut level_reached) = (root, level);
        while self.size >> level_reached & 1 == 1 {
            let left = self.peaks.pop().expect("each bit of the size has a peak");
            root = TreeHash::of_node(&left, &root);
            level_reached += 1;
            if level_reached % 8 == 0 && level_reached <= 8 * KEPT_HEIGHTS {
                note(level_reached / 8, self.size >> level_reached, root);
            }
        }
        self.peaks.push(root);
        self.size += 1 << level;
    }

    /// The frontier as bytes: the size in 8, most significant first, then the hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        self.peaks.iter().for_each(|peak| bytes.extend_from_slice(peak.as_bytes()));
        bytes
    }

    /// The frontier that gave these bytes. Whether its hashes are right only its head can tell, beside a checkpoint.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let malformed = |why: &str| EvidenceError::malformed("a frontier", why);
        let (size, rest) = bytes.split_first_chunk().ok_or_else(|| malformed("it has no size"))?;
        let size = u64::from_be_bytes(*size);
        let (hashes, left_over) = rest.as_chunks();
        if size > MAX_TREE_SIZE || !left_over.is_empty() || hashes.len() != size.count_ones() as usize {
            return Err(malformed("its hashes do not fit its size"));
        }
        Ok(Self { size, peaks: hashes.iter().copied().map(TreeHash::from_bytes).collect() })
    }
}
