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

pub(crate) use find::{Found, find, is_name_of_results};
pub(crate) use page::Page;
pub use page::{Told, ToldKind};
pub(crate) use read::{Gathering, page, page_of};
pub use read::{Results, Wanted, results};
pub(crate) use step::subject_of_job;
