//! Usage by days: a run's amount cut at the midnights of its site, and sums of such pieces.

use crate::{LedgerError, LedgerErrorKind, UsageGroup, UsageSum};
use model::{Amount, Day, Timestamp, Window, Zone, amount_before, amount_within};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The days of a zone, each looked up once.
#[derive(Debug)]
pub(crate) struct Calendar {
    zone: Zone,
    /// By their first instant: their end, and which they are.
    known: RefCell<BTreeMap<i64, (i64, Day)>>,
}

impl Calendar {
    pub(crate) fn new(zone: Zone) -> Self {
        Self { zone, known: RefCell::default() }
    }

    /// The day of an instant, and when it is.
    pub(crate) fn day(&self, instant: Timestamp) -> Result<(Day, Window), LedgerError> {
        let at = instant.epoch_seconds();
        if let Some((from, (to, day))) = self.known.borrow().range(..=at).next_back()
            && at < *to
        {
            return Ok((*day, window(*from, *to)));
        }
        let (day, window) = Day::of(instant, &self.zone).map_err(|error| outside(&error))?;
        self.known.borrow_mut().insert(window.from.epoch_seconds(), (window.to.epoch_seconds(), day));
        Ok((day, window))
    }

    /// The first instant of a day.
    pub(crate) fn start(&self, day: Day) -> Result<Timestamp, LedgerError> {
        day.start(&self.zone).map_err(|error| outside(&error))
    }

    /// Cuts an amount that was used evenly over a window into days; what falls outside `within` is left out.
    pub(crate) fn pieces(
        &self,
        amount: Amount,
        used: Window,
        within: Option<Window>,
        take: &mut dyn FnMut(Day, Amount) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut from = used.from;
        loop {
            let (day, window) = self.day(from)?;
            let until = window.to.min(used.to);
            let is_whole = used.to <= window.to && from == used.from;
            let wanted = match within {
                None if is_whole => return take(day, amount),
                // A run without length is where it starts.
                Some(within) if used.to == used.from => {
                    return if within.contains(from) { take(day, amount) } else { Ok(()) };
                }
                None => Window { from, to: until },
                Some(within) => Window { from: from.max(within.from), to: until.min(within.to) },
            };
            if wanted.from <= wanted.to {
                let piece = amount_within(amount, used, wanted).map_err(|error| unsplit(&error))?;
                if piece != Amount::ZERO {
                    take(day, piece)?;
                }
            }
            if used.to <= window.to {
                return Ok(());
            }
            from = window.to;
        }
    }

    /// Tells at each midnight that lies behind the start of a use and not behind its end what of it had been taken by then.
    pub(crate) fn midnights(
        &self,
        amount: Amount,
        used: Window,
        take: &mut dyn FnMut(Timestamp, Amount) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let (_, mut day) = self.day(used.from)?;
        while day.to <= used.to {
            take(day.to, amount_before(amount, used, day.to).map_err(|error| unsplit(&error))?)?;
            (_, day) = self.day(day.to)?;
        }
        Ok(())
    }
}

const fn window(from: i64, to: i64) -> Window {
    Window { from: Timestamp::from_epoch_seconds(from), to: Timestamp::from_epoch_seconds(to) }
}

fn outside(error: &model::PeriodError) -> LedgerError {
    LedgerError::never(LedgerErrorKind::Overflow, error.to_string())
}

fn unsplit(error: &model::SplitError) -> LedgerError {
    LedgerError::never(LedgerErrorKind::Overflow, error.to_string())
}

/// Sums under way.
#[derive(Debug, Default)]
pub(crate) struct UsageSums(BTreeMap<UsageGroup, Amount>);

impl UsageSums {
    pub(crate) fn add(&mut self, group: UsageGroup, amount: Amount) -> Result<(), LedgerError> {
        let sum = self.0.entry(group).or_default();
        *sum = sum.plus(amount)?;
        Ok(())
    }

    /// In the order of the groups; what came to nothing is left out.
    pub(crate) fn into_rows(self) -> Vec<UsageSum> {
        let rows = self.0.into_iter().filter(|(_, amount)| *amount != Amount::ZERO);
        rows.map(|(group, amount)| UsageSum { group, amount }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(amount: i64, from: i64, to: i64, within: Option<(i64, i64)>) -> Vec<(String, i64)> {
        let calendar = Calendar::new("Europe/Berlin".parse().expect("a zone"));
        let mut found = Vec::new();
        let within = within.map(|(from, to)| window(from, to));
        let mut take = |day: Day, amount: Amount| {
            found.push((day.to_string(), amount.milli()));
            Ok(())
        };
        calendar.pieces(Amount::from_milli(amount), window(from, to), within, &mut take).expect("in the calendar");
        found
    }

    /// 2026-10-25, 00:00 in Berlin: a day of 25 hours.
    const OCTOBER_25: i64 = 1_792_879_200;

    #[test]
    fn amounts_are_cut_at_the_midnights_of_the_zone() {
        let hour = 3600;
        for (from, to, expected) in [
            (0, hour, vec![("2026-10-25", 100)]),
            (-hour, hour, vec![("2026-10-24", 50), ("2026-10-25", 50)]),
            (0, 25 * hour, vec![("2026-10-25", 100)]),
            (0, 50 * hour, vec![("2026-10-25", 50), ("2026-10-26", 48), ("2026-10-27", 2)]),
            (0, 0, vec![("2026-10-25", 100)]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(day, amount)| (day.to_owned(), amount)).collect();
            assert_eq!(pieces(100, OCTOBER_25 + from, OCTOBER_25 + to, None), expected, "{from} to {to}");
        }
        let within = Some((OCTOBER_25 + hour, OCTOBER_25 + 26 * hour));
        let expected = vec![("2026-10-25".to_owned(), 480), ("2026-10-26".to_owned(), 20)];
        assert_eq!(pieces(1000, OCTOBER_25, OCTOBER_25 + 50 * hour, within), expected);
    }

    #[test]
    fn midnights_that_a_use_meets_know_what_was_taken_by_then() {
        let calendar = Calendar::new("Europe/Berlin".parse().expect("a zone"));
        let hour = 3600;
        for (from, to, expected) in [
            (1, 2, vec![]),
            (-1, 1, vec![(0, 50)]),
            // What ends with a day was taken in it, and what begins with one was not.
            (-2, 0, vec![(0, 100)]),
            (0, 25, vec![(25, 100)]),
            (0, 50, vec![(25, 50), (49, 98)]),
            (0, 0, vec![]),
        ] {
            let mut found = Vec::new();
            let used = window(OCTOBER_25 + from * hour, OCTOBER_25 + to * hour);
            let mut take = |midnight: Timestamp, amount: Amount| {
                found.push(((midnight.epoch_seconds() - OCTOBER_25) / hour, amount.milli()));
                Ok(())
            };
            calendar.midnights(Amount::from_milli(100), used, &mut take).expect("in the calendar");
            assert_eq!(found, expected, "{from} to {to}");
        }
    }

    proptest! {
        #[test]
        fn pieces_add_up_and_reverse(
            amount in -1_000_000_i64..1_000_000,
            from in 0_i64..2_000_000_000,
            length in 0_i64..20_000_000,
            cut in 0_i64..20_000_000,
        ) {
            let sum = |found: &[(String, i64)]| found.iter().map(|(_, piece)| piece).sum::<i64>();
            let whole = pieces(amount, from, from + length, None);
            prop_assert_eq!(sum(&whole), amount);
            let back: Vec<_> = pieces(-amount, from, from + length, None);
            let negated: Vec<_> = whole.iter().map(|(day, piece)| (day.clone(), -piece)).collect();
            prop_assert_eq!(back, negated);
            // Two stretches of time that meet have what both have together.
            let (before, after) = ((i64::MIN, from + cut), (from + cut, i64::MAX));
            let parts = sum(&pieces(amount, from, from + length, Some(before)))
                + sum(&pieces(amount, from, from + length, Some(after)));
            prop_assert_eq!(parts, amount);
        }
    }
}
