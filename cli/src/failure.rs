//! What a command ends with when it cannot do its work.

use jobs::{Gravity, JobsError, job_file::Mistake};
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
