//! What a command ends with when it cannot do its work.

use jobs::{Gravity, JobsError, job_file::Mistake};
use serde_json::{Value, json};
use std::process::ExitCode;

/// A failure as it is shown: what, why, next, and the exit code.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// How grave.
    pub gravity: Gravity,
    /// What was not done.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub next: String,
    /// Mistakes in a file.
    pub mistakes: Vec<Mistake>,
}

/// The exit code of a job that was watched to a bad end: the command did its work, and the news are bad.
pub(crate) const JOB_FAILED: u8 = 6;

impl Failure {
    /// A mistake of the person's.
    pub(crate) fn usage(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        let (what, why, next) = (what.into(), why.into(), next.into());
        Self { gravity: Gravity::Usage, what, why, next, mistakes: Vec::new() }
    }

    /// Something that does not answer or has no room now, and may later.
    pub(crate) fn unreachable(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { gravity: Gravity::Unreachable, ..Self::usage(what, why, next) }
    }

    /// A defect of ours.
    pub(crate) fn bug(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { gravity: Gravity::Bug, ..Self::usage(what, why, "please report this with the command that you ran") }
    }

    /// The exit code of a gravity (docs/reference/exit-codes.md).
    pub(crate) const fn code(gravity: Gravity) -> u8 {
        match gravity {
            Gravity::Bug => 1,
            Gravity::Usage => 2,
            Gravity::Unreachable => 3,
            Gravity::Refused => 4,
            Gravity::Unknown => 5,
        }
    }

    /// A gravity in a word, for programs.
    pub(crate) const fn kind(gravity: Gravity) -> &'static str {
        match gravity {
            Gravity::Bug => "bug",
            Gravity::Usage => "usage",
            Gravity::Unreachable => "unreachable",
            Gravity::Refused => "refused",
            Gravity::Unknown => "unknown",
        }
    }

    /// What one of several things failed with, for programs.
    pub(crate) fn of_one(error: &JobsError) -> Value {
        json!({ "kind": Self::kind(error.gravity), "what": error.what, "why": error.why, "next": error.next })
    }

    /// The same for people.
    pub(crate) fn said_of_one(whose: &str, error: &JobsError) -> String {
        format!("{whose}: {}\n  why:  {}\n  next: {}", error.what, error.why, error.next)
    }

    /// The exit code of several things of which these failed: what nobody knows counts most.
    pub(crate) fn code_of_several<'a>(errors: impl IntoIterator<Item = &'a JobsError>) -> u8 {
        let gravities = errors.into_iter().map(|error| error.gravity);
        gravities.max_by_key(|gravity| *gravity == Gravity::Unknown).map_or(0, Self::code)
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(Self::code(self.gravity))
    }
}

impl From<JobsError> for Failure {
    fn from(error: JobsError) -> Self {
        let JobsError { gravity, what, why, next, mistakes } = error;
        Self { gravity, what, why, next, mistakes }
    }
}
