//! What went wrong between us and a scheduler, and whether to try again.

use reach::{ReachError, ReachErrorKind, Retry};
use std::fmt;

/// The kinds of failure that callers tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdapterErrorKind {
    /// The scheduler said no, in these words.
    Refused {
        /// The site's own text.
        said: String,
    },
    /// The scheduler, or the way to it, does not answer.
    Unreachable,
    /// The scheduler answers and its accounting does not.
    AccountingDown,
    /// A write may or may not have happened.
    OutcomeUnknown,
    /// An answer came that cannot be read.
    Unreadable,
    /// The scheduler answers that there is no such thing.
    NotFound,
    /// The person may not do or see this.
    NotPermitted,
    /// This scheduler, or this way to it, cannot do it.
    Unsupported,
}

/// A failure: its kind, whether to repeat the call, what was being done, and the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterError {
    /// What kind of failure.
    pub kind: AdapterErrorKind,
    /// Whether the call may be repeated.
    pub retry: Retry,
    /// What was being done: `asking the queue (squeue)`.
    pub doing: String,
    /// Name and value of what is known.
    pub facts: Vec<(String, String)>,
}

impl AdapterError {
    /// A failure without facts; whether it may be repeated follows from its kind.
    pub fn new(kind: AdapterErrorKind, doing: impl Into<String>) -> Self {
        let retry = match kind {
            AdapterErrorKind::Unreachable | AdapterErrorKind::AccountingDown | AdapterErrorKind::Unreadable => {
                Retry::Later
            }
            AdapterErrorKind::OutcomeUnknown => Retry::LookFirst,
            AdapterErrorKind::Refused { .. }
            | AdapterErrorKind::NotFound
            | AdapterErrorKind::NotPermitted
            | AdapterErrorKind::Unsupported => Retry::Never,
        };
        Self { kind, retry, doing: doing.into(), facts: Vec::new() }
    }

    /// The same failure with one more fact; an empty one says nothing and is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        if !value.is_empty() {
            self.facts.push((name.to_owned(), value));
        }
        self
    }

    /// Whether Slurm said of a submission no more than its number -1, which is all that the library and slurmrestd hear of what a submit
    /// filter refuses. The filter's words are `sbatch`'s to tell then:
    /// [`Scheduler::filters_refusal`](crate::Scheduler::filters_refusal) asks it.
    pub fn is_without_reason(&self) -> bool {
        self.kind == AdapterErrorKind::OutcomeUnknown
            && self.facts.iter().any(|(name, value)| name == "number" && value == "-1")
    }

    /// The failure of a read that did not get through.
    pub fn from_reach(error: ReachError, doing: &str) -> Self {
        let kind = match error.kind {
            ReachErrorKind::NotFound => AdapterErrorKind::Unsupported,
            ReachErrorKind::NotPermitted => AdapterErrorKind::NotPermitted,
            ReachErrorKind::TooLong => AdapterErrorKind::Unreadable,
            _ => AdapterErrorKind::Unreachable,
        };
        let mut failed = Self::new(kind, doing).with("tried", &error.doing);
        failed.facts.extend(error.facts);
        failed
    }
}

impl fmt::Display for AdapterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.doing)?;
        match &self.kind {
            AdapterErrorKind::Refused { said } => write!(formatter, "refused: {said}")?,
            AdapterErrorKind::Unreachable => formatter.write_str("no answer")?,
            AdapterErrorKind::AccountingDown => formatter.write_str("accounting does not answer")?,
            AdapterErrorKind::OutcomeUnknown => formatter.write_str("the outcome is not known")?,
            AdapterErrorKind::Unreadable => formatter.write_str("the answer cannot be read")?,
            AdapterErrorKind::NotFound => formatter.write_str("there is no such job")?,
            AdapterErrorKind::NotPermitted => formatter.write_str("not permitted")?,
            AdapterErrorKind::Unsupported => formatter.write_str("not possible here")?,
        }
        self.facts.iter().try_for_each(|(name, value)| write!(formatter, "; {name}: {value}"))
    }
}

impl std::error::Error for AdapterError {}
