//! Periods of the calendar: days, months and quarters of a time zone, as half-open windows of instants.

use crate::{Timestamp, Window, Zone};
use jiff::{
    ToSpan,
    civil::{Date, date},
};
use serde::{Deserialize, Serialize};

/// A length of time that accounts are kept by. A day has 23 or 25 hours where the clocks change, a month 28 to 31 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From the first to the first.
    Month,
    /// Three months, from the first of January, April, July or October.
    Quarter,
}

/// Why no period could be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The instant lies outside the years that the calendar reaches.
    #[error("{0} lies outside the years -9999 to 9999")]
    OutOfRange(Timestamp),
    /// The window ends before it starts.
    #[error("it ends at {to}, before it starts at {from}", from = .0.from, to = .0.to)]
    EndsBeforeStart(Window),
    /// More periods than anyone can want.
    #[error("between {from} and {to} lie more than {MOST_BORDERS} periods", from = .0.from, to = .0.to)]
    TooMany(Window),
}

/// The most borders that are told at once: a hundred years of days fit.
const MOST_BORDERS: usize = 40_000;

impl Period {
    /// The period that an instant lies in.
    pub fn window_of(self, instant: Timestamp, zone: &Zone) -> Result<Window, PeriodError> {
        let out_of_range = |_| PeriodError::OutOfRange(instant);
        let moment = jiff::Timestamp::from_second(instant.epoch_seconds()).map_err(out_of_range)?;
        let first = self.first_day(moment.to_zoned_datetime(zone.rules().clone()).date());
        let span = match self {
            Self::Day => 1.day(),
            Self::Month => 1.month(),
            Self::Quarter => 3.months(),
        };
        let next = first.checked_add(span).map_err(out_of_range)?;
        Ok(Window {
            from: midnight(first, zone).map_err(out_of_range)?,
            to: midnight(next, zone).map_err(out_of_range)?,
        })
    }

    fn first_day(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Month => day.first_of_month(),
            Self::Quarter => date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
        }
    }

    /// The borders between periods that lie strictly inside a window, in order: what an amount over it is split at.
    pub fn borders_in(self, window: Window, zone: &Zone) -> Result<Vec<Timestamp>, PeriodError> {
        if window.to < window.from {
            return Err(PeriodError::EndsBeforeStart(window));
        }
        let mut borders = Vec::new();
        let mut border = self.window_of(window.from, zone)?.to;
        while border < window.to {
            if borders.len() == MOST_BORDERS {
                return Err(PeriodError::TooMany(window));
            }
            borders.push(border);
            border = self.window_of(border, zone)?.to;
        }
        Ok(borders)
    }

    /// The periods that a window touches, whole, in order; the one of its start where it is empty.
    pub fn windows_in(self, window: Window, zone: &Zone) -> Result<Vec<Window>, PeriodError> {
        let starts = std::iter::once(window.from).chain(self.borders_in(window, zone)?);
        starts.map(|start| self.window_of(start, zone)).collect()
    }
}

/// The first instant of a day: later than 00:00 where the clocks jump over it, the earlier of two where they go back to it.
fn midnight(day: Date, zone: &Zone) -> Result<Timestamp, jiff::Error> {
    let start = day.to_zoned_datetime(zone.rules().clone())?;
    Ok(Timestamp::from_epoch_seconds(start.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zone(name: &str) -> Zone {
        name.parse().expect(name)
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_epoch_seconds(text.parse::<jiff::Timestamp>().expect(text).as_second())
    }

    #[test]
    fn days_have_the_hours_that_the_zone_gives_them() {
        for (name, noon, hours) in [
            ("Europe/Berlin", "2026-03-29T10:00:00Z", 23),
            ("Europe/Berlin", "2026-10-25T10:00:00Z", 25),
            ("Europe/Berlin", "2026-11-25T10:00:00Z", 24),
            ("UTC", "2026-03-29T10:00:00Z", 24),
            ("Asia/Tokyo", "2026-10-25T02:00:00Z", 24),
            // The clocks jumped over midnight: the day began at one.
            ("America/Sao_Paulo", "2018-11-04T12:00:00Z", 23),
            // They went back to midnight, and the hour after it came twice.
            ("America/Havana", "2024-11-03T12:00:00Z", 25),
            // Samoa went over the date line and had no 30 December.
            ("Pacific/Apia", "2011-12-29T20:00:00Z", 24),
        ] {
            let day = Period::Day.window_of(at(noon), &zone(name)).expect("a day");
            assert_eq!(day.to.seconds_since(day.from), hours * 3600, "{name} {noon}: {} to {}", day.from, day.to);
        }
    }

    #[test]
    fn months_and_quarters_begin_at_the_zones_midnight() {
        let (berlin, utc) = (zone("Europe/Berlin"), Zone::utc());
        for (period, zone, instant, from, to) in [
            (Period::Month, &berlin, "2028-02-29T12:00:00Z", "2028-01-31T23:00:00Z", "2028-02-29T23:00:00Z"),
            (Period::Month, &berlin, "2026-03-31T22:00:00Z", "2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"),
            (Period::Month, &berlin, "2026-03-31T21:59:59Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
            (Period::Month, &utc, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            (Period::Quarter, &berlin, "2026-12-31T22:59:59Z", "2026-09-30T22:00:00Z", "2026-12-31T23:00:00Z"),
            (Period::Quarter, &utc, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        ] {
            let window = Window { from: at(from), to: at(to) };
            assert_eq!(period.window_of(at(instant), zone), Ok(window), "{period:?} of {instant} in {zone}");
        }
        // 28 days of 24 hours and three more less the hour that is skipped: 743; with the hour that comes twice: 745.
        for (instant, hours) in [("2026-03-15T00:00:00Z", 743), ("2026-10-15T00:00:00Z", 745)] {
            let month = Period::Month.window_of(at(instant), &berlin).expect("a month");
            assert_eq!(month.to.seconds_since(month.from), hours * 3600, "{instant}");
        }
    }

    #[test]
    fn windows_are_cut_at_borders_inside_only() {
        let berlin = zone("Europe/Berlin");
        let window = |from: &str, to: &str| Window { from: at(from), to: at(to) };
        for (from, to, days, months, quarters) in [
            ("2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z", 29, 0, 0),
            ("2026-03-31T21:59:59Z", "2026-04-30T22:00:01Z", 31, 2, 1),
            ("2026-05-05T05:05:05Z", "2026-05-05T05:05:05Z", 0, 0, 0),
            ("2025-12-01T00:00:00Z", "2026-07-15T00:00:00Z", 226, 7, 3),
        ] {
            let count = |period: Period| period.borders_in(window(from, to), &berlin).expect("borders").len();
            let counted = (count(Period::Day), count(Period::Month), count(Period::Quarter));
            assert_eq!(counted, (days, months, quarters), "{from} to {to}");
        }
    }

    #[test]
    fn what_the_calendar_does_not_reach_is_refused() {
        let far = Timestamp::from_epoch_seconds(i64::MAX);
        assert_eq!(Period::Day.window_of(far, &Zone::utc()), Err(PeriodError::OutOfRange(far)));
        let backwards = Window { from: at("2026-02-01T00:00:00Z"), to: at("2026-01-01T00:00:00Z") };
        assert_eq!(Period::Day.borders_in(backwards, &Zone::utc()), Err(PeriodError::EndsBeforeStart(backwards)));
        let ages = Window { from: at("1000-01-01T00:00:00Z"), to: at("2000-01-01T00:00:00Z") };
        assert_eq!(Period::Day.borders_in(ages, &Zone::utc()), Err(PeriodError::TooMany(ages)));
        assert_eq!(Period::Quarter.borders_in(ages, &Zone::utc()).map(|borders| borders.len()), Ok(3999));
    }

    proptest! {
        #[test]
        fn periods_hold_their_instant_and_meet_without_gap(
            // 1900 to 2100: every change of clocks that the zones below have seen.
            seconds in -2_208_988_800_i64..4_102_444_800,
            name in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "Asia/Tokyo", "America/Sao_Paulo", "America/Havana", "Pacific/Apia",
                "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu",
            ]),
            period in prop::sample::select(vec![Period::Day, Period::Month, Period::Quarter]),
        ) {
            let (instant, zone) = (Timestamp::from_epoch_seconds(seconds), zone(name));
            let window = period.window_of(instant, &zone).expect("a period");
            prop_assert!(window.contains(instant), "{} {} {}", window.from, instant, window.to);
            prop_assert_eq!(period.window_of(window.from, &zone).expect("itself"), window);
            prop_assert_eq!(period.window_of(window.to.plus_seconds(-1), &zone).expect("itself"), window);
            let next = period.window_of(window.to, &zone).expect("the next");
            prop_assert_eq!(next.from, window.to);
        }
    }
}
