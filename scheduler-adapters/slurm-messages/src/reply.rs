//! What the helper answers.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A value of a row. Read from a message it is the text that stands there, unless something in it is escaped: a queue of
/// ten thousand jobs has two hundred thousand values, and each would be copied otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Value<'bytes>(#[serde(borrow)] pub Cow<'bytes, str>);

impl AsRef<str> for Value<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'bytes> From<Cow<'bytes, str>> for Value<'bytes> {
    fn from(text: Cow<'bytes, str>) -> Self {
        Self(text)
    }
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<'bytes> {
    /// The columns of the table that follows, where the hello has not named them.
    Columns(Vec<String>),
    /// Some rows of a table; more may follow.
    #[serde(borrow)]
    Rows(Vec<Vec<Value<'bytes>>>),
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
    /// Of a submission, what the library wrote to its log meanwhile: lines such as `pakt-slurm: error: jobs need --mem`.
    #[serde(default)]
    pub logged: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;

    #[test]
    fn values_are_read_where_they_stand() {
        let rows = [["4711", "näme"], ["a\"b", ""]].map(|row| row.map(|text| Value(text.into())).to_vec()).to_vec();
        let frame = frame::encode(&Answer::Rows(rows.clone())).expect("short");
        let Ok(Answer::Rows(read)) = frame::decode(&frame[frame::HEAD..]) else { panic!("rows") };
        assert_eq!(read, rows);
        let is_borrowed = |value: &Value<'_>| matches!(value.0, Cow::Borrowed(_));
        let borrowed: Vec<bool> = read.iter().flatten().map(is_borrowed).collect();
        assert_eq!(borrowed, [true, true, false, true], "one has an escape in it");
    }
}
