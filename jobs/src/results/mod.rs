//! `pakt results`: the results of evaluations, of many files, in one matrix.
//!
//! `find` looks for files, `contents` tells their form, `lm_eval` and `generic` read one form each, `read` puts all
//! together. What cannot be read is told with its file and its reason, and hides nothing else (docs/results.md).

mod contents;
mod find;
mod generic;
mod lm_eval;
mod page;
mod python_json;
mod read;
mod step;

pub use page::{Told, ToldKind};
pub use read::{Results, Wanted, results};
