//! Time: instants as whole seconds since the epoch, half-open windows, and the clock's contract.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An instant, in seconds since 1970-01-01T00:00:00Z. Sites print local time without zone; epoch seconds have none to lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant so many seconds after the epoch.
    pub const fn from_epoch_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn epoch_seconds(self) -> i64 {
        self.0
    }

    /// The instant `seconds` later, held at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this instant; negative where `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Why a text is no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// It is no time with a zone.
    #[error("`{0}` is not a time such as `2026-11-23T22:14:00Z`, or seconds since 1970")]
    NotATime(String),
    /// Clocks show it twice, or never, because summer time ends or begins.
    #[error("`{0}` is no one instant in {1}: the clock was changed then")]
    Ambiguous(String, String),
}

impl Timestamp {
    /// Whether a text is a local time, which is no instant without a zone: `2026-11-23T22:14:00`.
    pub fn is_local(text: &str) -> bool {
        let bytes = text.as_bytes();
        bytes.len() == 19 && matches!(bytes[10], b'T' | b' ') && bytes[..4].iter().all(u8::is_ascii_digit)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Reads RFC 3339, whole seconds since 1970 too.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let bad = || TimeError::NotATime(text.chars().take(40).collect());
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self).map_err(|_| bad());
        }
        text.parse::<jiff::Timestamp>().map(|instant| Self(instant.as_second())).map_err(|_| bad())
    }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC: `2026-11-23T22:14:00Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(instant) => write!(formatter, "{instant}"),
            Err(_) => write!(formatter, "epoch {} s", self.0),
        }
    }
}

/// A span of time `[from, to)`: the start belongs to it, the end does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// First instant inside.
    pub from: Timestamp,
    /// First instant outside again.
    pub to: Timestamp,
}

impl Window {
    /// Whether the instant lies inside.
    pub const fn contains(&self, instant: Timestamp) -> bool {
        self.from.0 <= instant.0 && instant.0 < self.to.0
    }
}

/// Tells the time. Wired by the command line, replaced in tests; whole seconds are all that accounting needs.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_shown_with_their_zone() {
        assert_eq!(Timestamp::from_epoch_seconds(1_793_000_000).to_string(), "2026-10-26T07:33:20Z");
        assert_eq!(Timestamp::from_epoch_seconds(i64::MAX).to_string(), format!("epoch {} s", i64::MAX));
    }

    #[test]
    fn a_window_holds_its_start_and_not_its_end() {
        let at = Timestamp::from_epoch_seconds;
        let window = Window { from: at(10), to: at(20) };
        assert_eq!([9, 10, 19, 20].map(|second| window.contains(at(second))), [false, true, true, false]);
    }
}
