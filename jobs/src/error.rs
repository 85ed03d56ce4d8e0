//! Why a verb could not do its work: what, why, what next, and how grave it is.

use crate::job_file::Mistake;
use std::fmt;

/// How grave it is; each kind has an exit code of its own (style.md, "Errors").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gravity {
    /// Our mistake: exit 1.
    Bug,
    /// The person's words or files: exit 2.
    Usage,
    /// Something did not answer: exit 3, later again.
    Unreachable,
    /// A rule forbids it: exit 4.
    Refused,
    /// It may have happened or not: exit 5, look first.
    Unknown,
}

/// A verb's failure, in the three lines a person reads.
#[derive(Clone, Debug)]
pub struct JobsError {
    /// How grave it is.
    pub gravity: Gravity,
    /// What was not done.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do now.
    pub next: String,
    /// Mistakes in a file, each with its place.
    pub mistakes: Vec<Mistake>,
}

impl JobsError {
    /// A failure in three lines.
    pub fn new(gravity: Gravity, what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { gravity, what: what.into(), why: why.into(), next: next.into(), mistakes: Vec::new() }
    }

    /// A person's mistake.
    pub fn usage(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Gravity::Usage, what, why, next)
    }

    /// Mistakes in a job file.
    pub fn mistakes(what: impl Into<String>, mistakes: Vec<Mistake>) -> Self {
        let errors = mistakes.iter().filter(|mistake| mistake.is_error()).count();
        let why = if errors == 1 {
            "there is a mistake in it".to_owned()
        } else {
            format!("there are {errors} mistakes in it")
        };
        Self {
            mistakes,
            ..Self::usage(what, why, "mend the file; `pakt check FILE` reads it again without contacting anything")
        }
    }
}

impl fmt::Display for JobsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} ({})", self.what, self.why, self.next)
    }
}

impl std::error::Error for JobsError {}
