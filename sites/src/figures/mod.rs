//! What sites say was used of budgets: the texts that their own commands print, read into figures in the site's own words.
//!
//! This is knowledge about sites, as the profiles are: which word stands for what, in which column, and what a site leaves
//! out. So it lies here, and neither the ledger nor the verbs know what `coreh-consumed-total` is. A text comes from a file
//! or a pipe and may hold anything: it has bounds, a number is read exactly, and what is not understood is refused with its
//! line. A figure is never guessed.

mod columns;
mod csv;
mod figure;
mod format;
mod hours;
mod jutil;
mod kit;
mod read;
mod saldo;
mod text;

pub use figure::{FigureError, SaidFigure};
pub use format::FigureFormat;
pub use read::read_figures;
