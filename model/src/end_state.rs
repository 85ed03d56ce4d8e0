//! How a run that is over ended, in Slurm's word.

use crate::{BaseState, JobState, StateFlag};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a run ended: by a base state, or by what Slurm prints in place of one. A run whose job was requeued or changed its
/// size is over, though the job waits or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum EndState {
    /// So it ended.
    Base(BaseState),
    /// The row had no base state of its own, but this.
    Flag(StateFlag),
}

/// Why a text is no end state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a job")]
pub struct EndStateError(pub String);

impl EndState {
    /// Nobody can say how.
    pub const UNKNOWN: Self = Self::Base(BaseState::Unknown);

    /// Slurm's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base(base) => base.as_str(),
            Self::Flag(flag) => flag.as_str(),
        }
    }

    /// Reads Slurm's word or its two-letter form.
    pub fn from_word(word: &str) -> Option<Self> {
        BaseState::from_word(word).map(Self::Base).or_else(|| StateFlag::from_word(word).map(Self::Flag))
    }
}

impl JobState {
    /// How a run in this state ended, where its row has an end. The base state, unless that is no more than what a flag
    /// stands for; a row that has ended and says that it waits or runs does not say how.
    pub fn end(&self) -> EndState {
        if let Some(flag) = self.flags.iter().find(|flag| flag.implied_base() == self.base) {
            return EndState::Flag(*flag);
        }
        match self.base {
            BaseState::Pending | BaseState::Running | BaseState::Suspended => EndState::UNKNOWN,
            base => EndState::Base(base),
        }
    }
}

impl TryFrom<String> for EndState {
    type Error = EndStateError;

    fn try_from(word: String) -> Result<Self, EndStateError> {
        Self::from_word(&word).ok_or(EndStateError(word))
    }
}

impl From<EndState> for &'static str {
    fn from(state: EndState) -> Self {
        state.as_str()
    }
}

impl fmt::Display for EndState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_over_says_how_it_ended() {
        for (printed, word) in [
            ("COMPLETED", "COMPLETED"),
            ("CANCELLED by 1000", "CANCELLED"),
            ("REQUEUED", "REQUEUED"),
            ("RQ", "REQUEUED"),
            ("REQUEUE_HOLD", "REQUEUE_HOLD"),
            ("RESIZING", "RESIZING"),
            ("COMPLETING", "COMPLETING"),
            ("COMPLETED,COMPLETING", "COMPLETED"),
            ("FAILED+REQUEUED", "FAILED"),
            ("LAUNCH_FAILED", "LAUNCH_FAILED"),
            ("REVOKED", "REVOKED"),
            // What goes on has not ended, and what no release prints says nothing.
            ("RUNNING", "UNKNOWN"),
            ("SUSPENDED", "UNKNOWN"),
            ("FROBNICATED", "UNKNOWN"),
            ("", "UNKNOWN"),
        ] {
            let end = JobState::from_words(printed).end();
            assert_eq!(end.as_str(), word, "{printed}");
            assert_eq!(EndState::from_word(word), Some(end), "{word}");
        }
    }

    #[test]
    fn a_word_is_written_and_read() {
        let flag = EndState::Flag(StateFlag::Requeued);
        assert_eq!(serde_json::to_string(&flag).expect("a word"), "\"REQUEUED\"");
        assert_eq!(serde_json::from_str::<EndState>("\"REQUEUED\"").expect("a word"), flag);
        assert!(serde_json::from_str::<EndState>("\"FROBNICATED\"").is_err());
    }
}
