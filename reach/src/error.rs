//! What went wrong while reaching for a process or a file, and whether to try again.

use crate::words::io_words;
use std::{fmt, io, path::Path};

/// Whether a call may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same call will fail the same way.
    Never,
    /// Nothing happened; the same call may succeed later.
    Later,
    /// It may have happened: look before repeating it.
    LookFirst,
}

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReachErrorKind {
    /// The file, directory or program does not exist.
    NotFound,
    /// The operating system refused.
    NotPermitted,
    /// There is something of this name, of another kind than wanted.
    Exists,
    /// A program or file gave more than the caller allows; nothing was cut.
    TooLong,
    /// The disk or the quota is full.
    NoSpace,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The other side does not answer.
    Unreachable,
    /// The file system cannot do what is needed.
    Unsupported,
    /// Anything else; the facts have the operating system's words.
    Other,
}

/// A failure: its kind, whether to repeat the call, what was being done, and the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachError {
    /// What kind of failure.
    pub kind: ReachErrorKind,
    /// Whether the call may be repeated.
    pub retry: Retry,
    /// What was being done: `reading /p/project/x`.
    pub doing: String,
    /// Name and value of what is known.
    pub facts: Vec<(String, String)>,
}

impl ReachError {
    /// A failure without facts.
    pub fn new(kind: ReachErrorKind, retry: Retry, doing: impl Into<String>) -> Self {
        Self { kind, retry, doing: doing.into(), facts: Vec::new() }
    }

    /// The same failure with one more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// What a person types to open the connection that is missing.
    pub fn opened_with(&self) -> Option<&str> {
        opened_with(&self.facts)
    }

    /// The failure of an operation of the operating system on a path.
    pub fn from_io(error: &io::Error, verb: &str, path: &Path) -> Self {
        let (kind, retry) = kind_of(error);
        Self::new(kind, retry, format!("{verb} {}", path.display())).with("cause", io_words(error))
    }
}

/// Names of facts whose values are commands for a person.
pub(crate) const OPEN_WITH: &str = "open one with";
pub(crate) const OPEN_AGAIN_WITH: &str = "open it again with";

/// The command for a person among the facts of a failure, wherever it was handed on.
pub fn opened_with(facts: &[(String, String)]) -> Option<&str> {
    let is_command = |name: &str| name == OPEN_WITH || name == OPEN_AGAIN_WITH;
    facts.iter().find(|(name, _)| is_command(name)).map(|(_, command)| command.as_str())
}

fn kind_of(error: &io::Error) -> (ReachErrorKind, Retry) {
    match error.kind() {
        io::ErrorKind::NotFound => (ReachErrorKind::NotFound, Retry::Never),
        io::ErrorKind::PermissionDenied => (ReachErrorKind::NotPermitted, Retry::Never),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            (ReachErrorKind::Exists, Retry::Never)
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (ReachErrorKind::NoSpace, Retry::Later),
        io::ErrorKind::ReadOnlyFilesystem => (ReachErrorKind::ReadOnly, Retry::Never),
        io::ErrorKind::Unsupported => (ReachErrorKind::Unsupported, Retry::Never),
        _ => (ReachErrorKind::Other, Retry::Later),
    }
}

impl fmt::Display for ReachError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ReachErrorKind::NotFound => "not found",
            ReachErrorKind::NotPermitted => "not permitted",
            ReachErrorKind::Exists => "something else is there",
            ReachErrorKind::TooLong => "longer than allowed",
            ReachErrorKind::NoSpace => "no space left",
            ReachErrorKind::ReadOnly => "the file system is read-only",
            ReachErrorKind::Unreachable => "no answer",
            ReachErrorKind::Unsupported => "the file system cannot do it",
            ReachErrorKind::Other => "it failed",
        };
        write!(formatter, "{}: {what}", self.doing)?;
        self.facts.iter().try_for_each(|(name, value)| write!(formatter, "; {name}: {value}"))
    }
}

impl std::error::Error for ReachError {}
