//! `pakt ledger import`: what `sacct` printed into a file goes into the books, as if it had been asked now; or what
//! accounting answers now, of any span.
//!
//! `text` reads a file and prices on a thread of its own while the ledger's thread posts, `live` asks accounting in
//! `windows`; `elsewhere` knows the clusters of other sites, `report` counts what became of the rows, `costs` what their
//! runs cost (`spilled_costs` holds what is too much for the memory), `seen` what they cover, `holds` knows which jobs a
//! file shows to be over, and `run` puts them together. The header of the batch is posted behind its last runs. Nothing
//! here moves a cursor: an import is no look at the present. Whatever stops it, the same again goes on, and a run that is
//! in the books already changes nothing.

mod chunk;
mod costs;
mod elsewhere;
mod holds;
mod live;
mod report;
mod run;
mod seen;
mod spilled_costs;
mod text;
mod windows;
mod wish;

pub use report::{ImportReport, Listed};
pub use run::{import, import_live};
pub use seen::whose;
pub use wish::{Asked, ImportWish, LiveWish, Rights};
