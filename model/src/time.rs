//! Time: instants as whole seconds since the epoch, half-open windows, and the clock's contract.

use serde::{Deserialize, Serialize};
use std::fmt;

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
