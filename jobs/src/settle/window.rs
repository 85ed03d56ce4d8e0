//! Since when accounting is asked.

use model::{Timestamp, Window};

/// Accounting databases are filled late: a controller that could not reach its database delivers afterwards.
const OVERLAP_SECONDS: i64 = 2 * 86_400;
/// Where nothing says more: the time of a first settlement without grant or hold.
const FIRST_SECONDS: i64 = 30 * 86_400;
/// The longest look back.
const LONGEST_SECONDS: i64 = 400 * 86_400;
/// The longest window of one query.
const QUERY_SECONDS: i64 = 31 * 86_400;

/// What is known of earlier settlements.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// Until when all was settled.
    pub(super) settled_until: Option<Timestamp>,
    /// When the oldest open hold was taken.
    pub(super) oldest_hold: Option<Timestamp>,
    /// When the first grant here began.
    pub(super) first_grant: Option<Timestamp>,
    /// The person's own wish.
    pub(super) since: Option<Timestamp>,
}

/// The windows to ask for, oldest first, together up to `now`; each at most a month.
pub(super) fn windows(known: Known, now: Timestamp) -> Vec<Window> {
    let after_cursor = known.settled_until.map(|until| until.plus_seconds(-OVERLAP_SECONDS));
    let usual = after_cursor.or(known.first_grant).unwrap_or(now.plus_seconds(-FIRST_SECONDS));
    let held = known.oldest_hold.map_or(usual, |hold| hold.plus_seconds(-3_600));
    let from = known.since.unwrap_or(usual.min(held)).max(now.plus_seconds(-LONGEST_SECONDS));
    let end = now.plus_seconds(1);
    let mut windows = Vec::new();
    let mut start = from.min(now);
    while start < end {
        let to = start.plus_seconds(QUERY_SECONDS).min(end);
        windows.push(Window { from: start, to });
        start = to;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_back_covers_what_may_still_come() {
        let at = Timestamp::from_epoch_seconds;
        let (now, day) = (at(2_000_000_000), 86_400);
        let days_back = |known| (now.epoch_seconds() - windows(known, now)[0].from.epoch_seconds()) / day;
        let back = |days: i64| Some(now.plus_seconds(-days * day));
        assert_eq!(days_back(Known::default()), 30);
        assert_eq!(days_back(Known { settled_until: back(1), ..Known::default() }), 3);
        assert_eq!(days_back(Known { settled_until: back(1), oldest_hold: back(10), ..Known::default() }), 10);
        assert_eq!(days_back(Known { first_grant: back(90), ..Known::default() }), 90);
        assert_eq!(days_back(Known { first_grant: back(4_000), ..Known::default() }), 400);
        assert_eq!(days_back(Known { settled_until: back(1), since: back(50), ..Known::default() }), 50);
    }

    #[test]
    fn long_look_backs_are_asked_in_months_without_gap() {
        let now = Timestamp::from_epoch_seconds(2_000_000_000);
        let known = Known { since: Some(now.plus_seconds(-100 * 86_400)), ..Known::default() };
        let windows = windows(known, now);
        assert_eq!(windows.len(), 4);
        assert!(windows.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert!(windows.last().expect("one").contains(now));
    }
}
