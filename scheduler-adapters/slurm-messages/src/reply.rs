//! What the helper answers.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<'bytes> {
    /// The columns of the table that follows, where the hello has not named them.
    Columns(Vec<String>),
    /// Some rows of a table; more may follow.
    #[serde(borrow)]
    Rows(Vec<Vec<Cow<'bytes, str>>>),
    /// The table is whole.
    End,
    /// The job is submitted.
    Submitted {
        /// Its raw id.
        job: u32,
        /// What a submit filter said about it.
        said: String,
    },
    /// It is done.
    Done,
    /// It failed, or was not tried.
    Failed(Failure),
}

impl Answer<'_> {
    /// Whether nothing follows it.
    pub const fn is_last(&self) -> bool {
        !matches!(self, Self::Columns(_) | Self::Rows(_))
    }
}

/// How far a failed question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The library was called and answered with an error number of Slurm's: `number` and `text` say which. Of a write it
    /// is not said here whether it happened.
    Slurm,
    /// Nothing was sent: the helper cannot do this, and the commands may.
    NotHere,
    /// Nothing was sent: the question cannot be answered whoever is asked, such as a script that cannot be read.
    Wrong,
}

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// How far it came.
    pub kind: FailureKind,
    /// The library's call, or what was being done.
    pub doing: String,
    /// Slurm's error number, or zero.
    pub number: i32,
    /// What it means, in the library's own words.
    pub text: String,
}
