//! Months of Berlin, so that no model has a calendar, and runs by the hour, so that every part of one is a whole number.

use crate::support::*;
use ledger::{Command, NewGrant, SiteZone};
use model::{WallTime, Window};

/// The first instants of the months from July 2026 to July 2027; October and March have an hour more and less.
pub(super) const MONTHS: [i64; 13] = [
    1_782_856_800,
    1_785_535_200,
    1_788_213_600,
    1_790_805_600,
    1_793_487_600,
    1_796_079_600,
    1_798_758_000,
    1_801_436_400,
    1_803_855_600,
    1_806_530_400,
    1_809_122_400,
    1_811_800_800,
    1_814_392_800,
];

pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 24 * HOUR;

pub(super) fn in_berlin() -> Command {
    Command::SetZone(SiteZone { site: name("jupiter"), zone: name("Europe/Berlin") })
}

/// The number of the month in which an instant lies.
pub(super) fn month_of(now: i64) -> usize {
    MONTHS.iter().filter(|month| **month <= now).count() - 1
}

/// How many hours of one stretch of time lie in another.
pub(super) fn hours_shared(one: [i64; 2], other: [i64; 2]) -> i64 {
    (one[1].min(other[1]) - one[0].max(other[0])).max(0) / HOUR
}

/// A run that took so much an hour, as it was read at an instant.
pub(super) fn settle_hours(number: u64, [from, to]: [i64; 2], hourly: i64, read: i64) -> Command {
    let mut settled = ended(foreign(number, (to - from) / HOUR * hourly), to);
    settled.run.started_at = at(from);
    settled.run.elapsed = WallTime::from_seconds(u64::try_from(to - from).expect("in order"));
    settled.run.observed_at = at(read);
    settle(settled)
}

/// A grant of whole months, of so much each.
pub(super) fn granted(key: u32, [from, to]: [usize; 2], of_month: i64) -> Command {
    let window = Window { from: at(MONTHS[from]), to: at(MONTHS[to]) };
    let months = i64::try_from(to - from).expect("small");
    Command::Grant(NewGrant { window, ..new_grant(&key.to_string(), of_month * months) })
}
