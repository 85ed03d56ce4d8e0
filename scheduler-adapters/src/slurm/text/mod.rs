//! What `sacct` printed into a file, long ago or on another machine: any columns that are enough, in any order, with `|` or
//! a control character between them.
//!
//! `header` reads the first line, `lines` makes rows of bytes, `row` makes runs of rows by the same reading as that of a
//! live answer. No row is guessed: one whose values cannot be told apart for certain is rejected by itself. What nobody can
//! tell is a row that somebody wrote into a job's name behind a line break; a live question is safe from that, because
//! nobody knows its delimiter (see `rows`).

mod header;
mod lines;
mod recent_lists;
mod row;

pub use lines::AccountingText;
pub use row::{NotStarted, TextFacts, TextRow};

/// Why a whole text is refused. Nothing of it was handed on, but for [`TextError::NoHeader`] of an empty one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It does not begin with the titles of columns.
    #[error("it does not begin with a line of `sacct`'s titles, such as `JobIDRaw|Cluster|User`")]
    NoHeader,
    /// Columns without which nobody can tell what a run was given and for how long.
    #[error("it has no column {}", .0.join(", "))]
    MissingColumns(Vec<&'static str>),
    /// Its times are local ones.
    #[error("its times have no zone: `{0}`")]
    NoZone(String),
}

#[cfg(test)]
mod tests;
