//! Where proofs get their hashes from, and the root of a range of leaves.

use super::{Frontier, TreeHash, TreeHead};
use crate::{LedgerError, LedgerErrorKind};
use std::ops::Range;

/// The number of subtrees of one height that make one of the next: a leaf is of height 0, a block of 256 leaves of height
/// 1, and so on, as in the tiles of c2sp.org/tlog-tiles.
pub const SUBTREE_WIDTH: u64 = 256;

/// Heights above are not asked for: 256^7 leaves are more than a ledger gets.
const MAX_HEIGHT: u32 = 7;

/// The most hashes that are asked for at once: 128 KiB.
const READ_LIMIT: u64 = 4096;

/// A reader of leaf hashes: a table, a file, a slice.
pub trait LeafHashes {
    /// The hashes of these leaves, in their order. After `Ok` they are all there.
    fn leaf_hashes(&self, leaves: Range<u64>) -> Result<Vec<TreeHash>, LedgerError>;

    /// The roots of these full subtrees of 256^`height` leaves, the n-th of which begins at leaf n * 256^`height`, in
    /// their order; or none where roots of this height are not kept. Only full subtrees are asked for, so what was
    /// computed once never changes. With height 1 kept, a proof among ten million leaves reads about 40,000 hashes; with
    /// heights 1 and 2 about 700.
    fn subtree_roots(&self, height: u32, subtrees: Range<u64>) -> Result<Option<Vec<TreeHash>>, LedgerError> {
        let _ = (height, subtrees);
        Ok(None)
    }
}

impl LeafHashes for [TreeHash] {
    fn leaf_hashes(&self, leaves: Range<u64>) -> Result<Vec<TreeHash>, LedgerError> {
        let place = |index: u64| usize::try_from(index).ok();
        let found = place(leaves.start).zip(place(leaves.end)).and_then(|(start, end)| self.get(start..end));
        Ok(found.unwrap_or_default().to_vec())
    }
}

/// The head of the tree of the first `size` leaves.
pub fn tree_head(leaves: &(impl LeafHashes + ?Sized), size: u64) -> Result<TreeHead, LedgerError> {
    Ok(TreeHead { size, root: range_root(leaves, 0..size)? })
}

/// The root of the subtree over a range that begins at a multiple of the smallest power of two that is not below its
/// length: all ranges of RFC 6962 do.
pub(super) fn range_root(leaves: &(impl LeafHashes + ?Sized), range: Range<u64>) -> Result<TreeHash, LedgerError> {
    let mut frontier = Frontier::default();
    let (mut at, mut highest) = (range.start, MAX_HEIGHT);
    while at < range.end {
        let run = Run::next(at, range.end, highest);
        match read(leaves, &run)? {
            Some(roots) => {
                for root in roots {
                    frontier.append_subtree(8 * run.height, root);
                }
                at = run.subtrees.end * span(run.height);
            }
            None => highest = run.height - 1,
        }
    }
    Ok(frontier.head().root)
}

/// Subtrees of one height, side by side, to be read at once.
struct Run {
    height: u32,
    subtrees: Range<u64>,
}

impl Run {
    /// The highest subtrees that begin at a leaf and end before another, up to where higher ones may begin.
    fn next(at: u64, end: u64, highest: u32) -> Self {
        let fits = |height: &u32| at.is_multiple_of(span(*height)) && end - at >= span(*height);
        let height = (1..=highest).rev().find(fits).unwrap_or(0);
        let stop = if height < highest { end.min((at / span(height + 1) + 1) * span(height + 1)) } else { end };
        let first = at / span(height);
        let count = ((stop - at) / span(height)).min(READ_LIMIT);
        Self { height, subtrees: first..first + count }
    }
}

fn read(leaves: &(impl LeafHashes + ?Sized), run: &Run) -> Result<Option<Vec<TreeHash>>, LedgerError> {
    let roots = match run.height {
        0 => Some(leaves.leaf_hashes(run.subtrees.clone())?),
        height => leaves.subtree_roots(height, run.subtrees.clone())?,
    };
    let wanted = run.subtrees.end - run.subtrees.start;
    match roots.as_ref().map(|roots| roots.len() as u64) {
        Some(count) if count != wanted => {
            let Range { start, end } = &run.subtrees;
            let why = format!("{count} of {wanted} hashes of height {} from {start} to {end} are there", run.height);
            Err(LedgerError::never(LedgerErrorKind::Corrupt, why).while_doing("reading the tree of entries"))
        }
        _ => Ok(roots),
    }
}

/// The number of leaves of a subtree of this height.
const fn span(height: u32) -> u64 {
    SUBTREE_WIDTH.pow(height)
}
