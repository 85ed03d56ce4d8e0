//! Since when accounting is asked, and in which steps.

use ledger::is_ahead;
use model::{Timestamp, Window};

/// Accounting databases are filled late: a controller that could not reach its database delivers afterwards.
const OVERLAP_SECONDS: i64 = 2 * 86_400;
/// Where nothing says more: the time of a first settlement without grant or hold.
const FIRST_SECONDS: i64 = 30 * 86_400;
/// The longest look back to a grant, or where a date cannot be believed.
const GRANT_SECONDS: i64 = 400 * 86_400;
/// The longest look back of all: nobody's accounting reaches further.
const LONGEST_SECONDS: i64 = 10 * 366 * 86_400;
/// The longest window of one query.
const QUERY_SECONDS: i64 = 31 * 86_400;
/// A job may have been submitted a little before its hold was entered, by another clock.
const HOLD_SECONDS: i64 = 3_600;

/// What is known of earlier settlements.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    /// Until when all was settled.
    pub(crate) settled_until: Option<Timestamp>,
    /// When the oldest open hold was taken.
    pub(crate) oldest_hold: Option<Timestamp>,
    /// When the first grant here began.
    pub(crate) first_grant: Option<Timestamp>,
    /// The person's own wish.
    pub(crate) since: Option<Timestamp>,
}

/// The instant since which accounting is asked: what the cursor leaves open, what open holds wait for and what the person
/// wants, whichever is earliest, so that nothing between cursor and present is ever passed over. A cursor of a clock that
/// was ahead says nothing.
pub(crate) fn start(known: Known, now: Timestamp) -> Timestamp {
    let back = |seconds: i64| now.plus_seconds(-seconds);
    let granted = known.first_grant.map(|from| from.max(back(GRANT_SECONDS)));
    let usual = match known.settled_until {
        Some(until) if is_ahead(until, now) => granted.unwrap_or(back(GRANT_SECONDS)),
        Some(until) => until.plus_seconds(-OVERLAP_SECONDS),
        None => granted.unwrap_or(back(FIRST_SECONDS)),
    };
    let held = known.oldest_hold.map(|hold| hold.plus_seconds(-HOLD_SECONDS));
    let wanted = [held, known.since].into_iter().flatten();
    wanted.fold(usual, Timestamp::min).max(back(LONGEST_SECONDS)).min(now)
}

/// A span of time in windows of a month at most, in order and without gap.
pub(crate) fn months(span: Window) -> impl Iterator<Item = Window> {
    let mut from = span.from;
    std::iter::from_fn(move || {
        let window = Window { from, to: from.plus_seconds(QUERY_SECONDS).min(span.to) };
        from = window.to;
        (window.from < window.to).then_some(window)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn now() -> Timestamp {
        Timestamp::from_epoch_seconds(2_000_000_000)
    }

    #[test]
    fn the_look_back_covers_what_may_still_come() {
        let back = |days: i64| Some(now().plus_seconds(-days * DAY));
        let none = Known::default();
        for (what, known, days) in [
            ("nothing is known", none, 30),
            ("settled yesterday", Known { settled_until: back(1), ..none }, 3),
            ("long not settled", Known { settled_until: back(900), ..none }, 902),
            ("an old hold", Known { settled_until: back(1), oldest_hold: back(10), ..none }, 10),
            ("a grant", Known { first_grant: back(90), ..none }, 90),
            ("a grant of long ago", Known { first_grant: back(4_000), ..none }, 400),
            ("a wish before the cursor", Known { settled_until: back(1), since: back(50), ..none }, 50),
            ("a wish behind the cursor leaves no gap", Known { settled_until: back(50), since: back(1), ..none }, 52),
            ("a wish behind an open hold", Known { oldest_hold: back(50), since: back(1), ..none }, 50),
            ("a cursor of the future", Known { settled_until: back(-300), first_grant: back(90), ..none }, 90),
            ("a cursor of the future alone", Known { settled_until: back(-300), ..none }, 400),
            ("a hold of the future", Known { settled_until: back(1), oldest_hold: back(-300), ..none }, 3),
            ("a wish of the future", Known { settled_until: back(1), since: back(-300), ..none }, 3),
            ("the beginning of time", Known { since: Some(Timestamp::from_epoch_seconds(i64::MIN)), ..none }, 3_660),
        ] {
            assert_eq!(now().seconds_since(start(known, now())) / DAY, days, "{what}");
        }
    }

    #[test]
    fn long_spans_are_asked_in_months_without_gap() {
        for (days, count) in [(0, 0), (1, 1), (31, 1), (32, 2), (100, 4)] {
            let span = Window { from: now().plus_seconds(-days * DAY), to: now() };
            let windows: Vec<Window> = months(span).collect();
            assert_eq!(windows.len(), count, "{days} days");
            assert!(windows.windows(2).all(|pair| pair[0].to == pair[1].from), "{days} days");
            assert!(windows.first().is_none_or(|first| first.from == span.from), "{days} days");
            assert!(windows.last().is_none_or(|last| last.to == span.to), "{days} days");
        }
    }
}
