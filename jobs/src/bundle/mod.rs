//! Bundles: the books of a group without a server. `write` puts what one person reads of accounting into a file of their
//! own in a folder that the group shares; `merge` takes such files into a ledger, in any order, as often as one likes.
//!
//! `own` is the file that is written, `intake` takes the rows of accounting into it. `merged` takes one file into the
//! books, `taken` counts what became of its runs.

mod intake;
mod merge;
mod merged;
mod own;
mod taken;
mod write;

pub use merge::{MergeReport, MergeWish, merge};
pub use merged::{BundleRefusal, MergedBundle};
pub use taken::Taken;
pub use write::{BundleReport, BundleWish, write};

/// What the name of every bundle ends in.
const ENDING: &str = ".bundle";
