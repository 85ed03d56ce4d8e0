//! Days of the calendar, as accounts of a site count them: a date without a time, and the window that it is in a zone.

use crate::{Period, PeriodError, Timestamp, Window, Zone};
use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A date of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

/// A month of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Month(Date);

/// Why a text is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day such as `2026-11-23`")]
pub struct DayError(pub String);

impl Day {
    /// The day on which an instant lies in a zone, and from when to when that day is.
    pub fn of(instant: Timestamp, zone: &Zone) -> Result<(Self, Window), PeriodError> {
        let window = Period::Day.window_of(instant, zone)?;
        let out_of_range = |_| PeriodError::OutOfRange(instant);
        let moment = jiff::Timestamp::from_second(instant.epoch_seconds()).map_err(out_of_range)?;
        Ok((Self(moment.to_zoned_datetime(zone.rules().clone()).date()), window))
    }

    /// The first instant of the day in a zone.
    pub fn start(self, zone: &Zone) -> Result<Timestamp, PeriodError> {
        let out_of_range = |_| PeriodError::OutOfRange(Timestamp::from_epoch_seconds(self.number() * 86_400));
        let start = self.0.to_zoned_datetime(zone.rules().clone()).map_err(out_of_range)?;
        Ok(Timestamp::from_epoch_seconds(start.timestamp().as_second()))
    }

    /// The day after it; itself at the end of the calendar.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1.day()))
    }

    /// How many days after 1970-01-01 it is.
    pub fn number(self) -> i64 {
        self.0.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
    }

    /// The day so many days after 1970-01-01; none beyond the calendar.
    pub fn from_number(number: i64) -> Option<Self> {
        let span = jiff::Span::new().try_days(number).ok()?;
        Date::constant(1970, 1, 1).checked_add(span).ok().map(Self)
    }

    /// The month that it lies in.
    pub fn month(self) -> Month {
        Month(self.0.first_of_month())
    }
}

impl Month {
    /// How many months after January 1970 it is.
    pub fn number(self) -> i64 {
        (i64::from(self.0.year()) - 1970) * 12 + i64::from(self.0.month()) - 1
    }

    /// The month so many months after January 1970; none beyond the calendar.
    pub fn from_number(number: i64) -> Option<Self> {
        let year = i16::try_from(number.div_euclid(12).checked_add(1970)?).ok()?;
        let month = i8::try_from(number.rem_euclid(12) + 1).ok()?;
        Date::new(year, month, 1).ok().map(Self)
    }

    /// Its first day.
    pub const fn first(self) -> Day {
        Day(self.0)
    }

    /// The month after it; itself at the end of the calendar.
    #[must_use]
    pub fn next(self) -> Self {
        Self::from_number(self.number() + 1).unwrap_or(self)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0.to_string())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("{:04}-{:02}", self.0.year(), self.0.month()))
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let bad = || DayError(text.chars().take(40).collect());
        let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if !is_plain {
            return Err(bad());
        }
        text.parse().map(Self).map_err(|_| bad())
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_is_that_of_the_zone() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        for (instant, day, seconds) in [
            (1_793_487_599, "2026-10-31", 86_400),
            (1_793_487_600, "2026-11-01", 86_400),
            // Both nights on which clocks are changed.
            (1_774_746_000, "2026-03-29", 82_800),
            (1_792_897_200, "2026-10-25", 90_000),
            // A leap day.
            (1_835_391_600, "2028-02-29", 86_400),
        ] {
            let (found, window) = Day::of(Timestamp::from_epoch_seconds(instant), &berlin).expect("a day");
            assert_eq!((found.to_string().as_str(), window.to.seconds_since(window.from)), (day, seconds));
            assert_eq!((found.start(&berlin), found.next().start(&berlin)), (Ok(window.from), Ok(window.to)));
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2026-13-01", "2026-02-29", "2026-1-1", "26-01-01", "2026-11-23T00:00:00", "+002026-1"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_count_days_and_months(number in -100_000_i64..100_000) {
            let day = Day::from_number(number).expect("in the calendar");
            prop_assert_eq!(day.number(), number);
            prop_assert_eq!(day.next().number(), number + 1);
            prop_assert_eq!(day.to_string().parse::<Day>().expect("a day"), day);
            let month = day.month();
            prop_assert_eq!(Month::from_number(month.number()), Some(month));
            prop_assert!(month.first() <= day && day < month.next().first());
            prop_assert_eq!(month.to_string(), day.to_string()[..7].to_owned());
        }
    }
}
