//! Bundles: what one person read of a site's accounting, in a file that others take into their ledgers.
//!
//! A bundle is a text of lines that only grows. The first line is the [`BundleHeader`]: the format, whose it is, the key.
//! Then come [`Batch`]es. Behind each line stands one with its signature by the key of the header ([`crate::evidence`]),
//! and each batch names its number and the hash of the line before it, so that none can be changed, dropped, put
//! elsewhere or come from another bundle. What is cut off at the end cannot be told from what is not written yet; whoever
//! took in more remembers how far that was ([`BundleMark`]).
//!
//! A bundle has what a ledger needs to charge runs, and no job names, working directories or command lines. Prices are
//! not in it: who takes it in prices by their own profile of the site. Nothing here opens a file.

mod batch;
mod header;
mod mark;
mod reader;
mod run;
mod sight;
mod writer;

pub use batch::{Batch, BatchCoverage, MOST_RUNS};
pub use header::BundleHeader;
pub use mark::{BundleMark, KeepBundle, KeyTrust, KeyTrustError};
pub use reader::{BundleFault, BundleReader};
pub use run::BundledRun;
pub use sight::{SeenPending, SeenRun, Sight};
pub use writer::BundleWriter;

/// What the first line names, and what every signature is for. It changes with the meaning of the lines.
const FORMAT: &str = "pakt/bundle/v1";

/// The longest line, in bytes: a full batch of runs with everything that is seen beside it.
const MOST_LINE_BYTES: usize = 16 * 1024 * 1024;
