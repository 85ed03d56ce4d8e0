//! `pakt ledger open --from-site`: what a site says was used becomes a dated note in the ledger, and the first one of a budget
//! its opening.
//!
//! `line` finds the line that is about the project, and at which site; `choose` the budget it is about, and the figure in that
//! budget's unit; `open` walks the route.

mod choose;
mod line;
mod open;

pub use open::{FigureWish, OpenedFromSite, open_from_site};
