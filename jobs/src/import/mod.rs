//! `pakt ledger import`: what `sacct` printed into a file goes into the books, as if it had been asked now.
//!
//! `text` reads and prices on a thread of its own while the ledger's thread posts, `report` counts what became of the rows,
//! `holds` knows which jobs the file shows to be over, and `run` puts them together. The header of the batch is posted
//! behind its last runs. Nothing here moves a cursor: a file is no look at the present. Whatever stops it, the same file again goes
//! on, and a run that is in the books already changes nothing.

mod holds;
mod report;
mod run;
mod text;

pub use report::{ImportReport, Listed};
pub use run::{ImportWish, import};
