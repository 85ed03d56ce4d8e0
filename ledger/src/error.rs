//! What can go wrong with a ledger, and whether to try again.

use crate::{LotError, Refusal};
use model::AmountError;
use serde::Serialize;
use std::fmt;

/// Whether the same call may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// It will fail again until something is changed.
    Never,
    /// It may work in a while; nothing has happened.
    Later,
    /// It may have happened: read before repeating.
    LookFirst,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LedgerErrorKind {
    /// An enforced budget does not cover it.
    Refused(Box<Refusal>),
    /// It was posted before, with another content.
    Conflict,
    /// No hold has this id.
    UnknownHold,
    /// The command contradicts itself.
    Invalid,
    /// An amount does not fit in 64 bits.
    Overflow,
    /// There is no file.
    NotFound,
    /// The file is not a ledger.
    NotALedger,
    /// The file was written by a newer release.
    NewerVersion,
    /// The file was written before the first release.
    OlderVersion,
    /// The file is damaged, or holds what no release writes.
    Corrupt,
    /// The file belongs to another host, because file locks do not reach this one.
    OtherHost,
    /// Others are writing.
    Busy,
    /// The disk or the quota is full.
    DiskFull,
    /// The file or its folder cannot be written.
    ReadOnly,
    /// The user may not open the file.
    NotPermitted,
    /// The file system failed.
    InputOutput,
    /// The server cannot be reached, or the connection to it was lost.
    Disconnected,
    /// What an auditor brought along is of another ledger.
    OtherLog,
    /// The auditor's checkpoint with this place among theirs is not as it was signed, or not signed by a known key.
    BadCheckpoint(usize),
    /// A key that an auditor named has signed nothing here.
    KeyNotFound,
    /// The ledger was moved to a server, and the file takes no more posts.
    Moved,
    /// The file holds replayed entries, for checking only.
    Replica,
    /// A rule was broken that only our own mistake can break; nothing was written.
    Bug,
}

/// The name of the fact that says what to do.
const NEXT: &str = "next";

/// An error of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerError {
    /// What went wrong.
    pub kind: LedgerErrorKind,
    /// Whether to repeat.
    pub retry: Retry,
    /// What was being done.
    pub doing: String,
    /// Why it failed, in one sentence.
    pub why: String,
    /// What is known beside it, by name.
    pub facts: Vec<(String, String)>,
}

impl LedgerError {
    /// An error with nothing known beside it.
    pub fn new(kind: LedgerErrorKind, retry: Retry, why: impl Into<String>) -> Self {
        Self { kind, retry, doing: String::new(), why: why.into(), facts: Vec::new() }
    }

    /// An error that a repetition meets again.
    pub(crate) fn never(kind: LedgerErrorKind, why: impl Into<String>) -> Self {
        Self::new(kind, Retry::Never, why)
    }

    /// The same error, with what was being done, unless something below has said so more precisely.
    #[must_use]
    pub(crate) fn while_doing(mut self, doing: impl Into<String>) -> Self {
        if self.doing.is_empty() {
            self.doing = doing.into();
        }
        self
    }

    /// The same error of a post. What the ledger's rules answer is about the command, and says all; where the ledger itself
    /// failed, it is also said at what.
    #[must_use]
    pub(crate) fn while_posting(self) -> Self {
        use LedgerErrorKind as Kind;
        match self.kind {
            Kind::Refused(_) | Kind::Conflict | Kind::UnknownHold | Kind::Invalid | Kind::Overflow | Kind::Moved => {
                self
            }
            _ => self.while_doing("posting to the ledger"),
        }
    }

    /// The same error with one more fact.
    #[must_use]
    pub(crate) fn with_fact(mut self, name: &str, value: &impl ToString) -> Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same error with what whoever asked can do.
    #[must_use]
    pub(crate) fn with_next(self, next: &str) -> Self {
        self.with_fact(NEXT, &next)
    }

    /// What whoever asked can do, where that is known better than by the kind.
    pub fn next(&self) -> Option<&str> {
        self.facts.iter().find(|(name, _)| name == NEXT).map(|(_, next)| next.as_str())
    }

    /// The refusal, where it is one.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            LedgerErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.doing.is_empty() {
            return formatter.write_str(&self.why);
        }
        write!(formatter, "{}: {}", self.doing, self.why)
    }
}

impl std::error::Error for LedgerError {}

impl From<AmountError> for LedgerError {
    fn from(error: AmountError) -> Self {
        Self::never(LedgerErrorKind::Overflow, error.to_string())
    }
}

impl From<LotError> for LedgerError {
    fn from(error: LotError) -> Self {
        let kind = match error {
            LotError::Amount(_) => LedgerErrorKind::Overflow,
            // The calendar does not reach a grant. What sets a policy or a grant looks first.
            LotError::Period(_) | LotError::Split(_) => LedgerErrorKind::Invalid,
            LotError::Unordered(_) | LotError::NotCut { .. } | LotError::AfterNow { .. } => LedgerErrorKind::Bug,
        };
        Self::never(kind, error.to_string())
    }
}

impl From<Refusal> for LedgerError {
    fn from(refusal: Refusal) -> Self {
        let Refusal { project, unit, wanted, free, .. } = &refusal;
        let why =
            format!("{} are wanted; project `{project}` has {} free", wanted.in_hours_of(unit), free.in_hours_of(unit));
        Self::never(LedgerErrorKind::Refused(Box::new(refusal)), why)
    }
}
