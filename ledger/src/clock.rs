//! Clocks: how far those of several hosts may differ, and what is too far ahead to be believed.

use model::Timestamp;

/// How far the clocks of hosts that share a ledger may differ, in seconds. Hosts of a cluster keep time to a second or
/// so; five minutes are far more than that, and far less than the days by which every reading overlaps the one before.
pub const CLOCK_TOLERANCE_SECONDS: i64 = 300;

/// Whether an instant lies further ahead of `now` than clocks differ: whoever wrote it down had a clock that was ahead,
/// or the one of `now` is behind. Such a date orders nothing any more.
pub fn is_ahead(instant: Timestamp, now: Timestamp) -> bool {
    instant > now.plus_seconds(CLOCK_TOLERANCE_SECONDS)
}

/// Whether two clocks differ by more than those of hosts do.
pub fn is_apart(one: Timestamp, other: Timestamp) -> bool {
    is_ahead(one, other) || is_ahead(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_minutes() {
        let now = Timestamp::from_epoch_seconds(1_793_000_000);
        for (seconds, ahead) in [(-1_000_000, false), (0, false), (300, false), (301, true), (i64::MAX, true)] {
            assert_eq!(is_ahead(now.plus_seconds(seconds), now), ahead, "{seconds}");
        }
    }

    #[test]
    fn clocks_are_apart_in_both_directions() {
        let now = Timestamp::from_epoch_seconds(1_793_000_000);
        for (seconds, apart) in [(0, false), (300, false), (-300, false), (301, true), (-301, true)] {
            assert_eq!(is_apart(now.plus_seconds(seconds), now), apart, "{seconds}");
        }
    }
}
