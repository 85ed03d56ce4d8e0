//! Usage as the entries give it, against the stored sums.

use super::row::StoredRow;
use super::tables::{LogTables, Names as _};
use super::usage_tables::{Calendars, Dimensions, Prints, add_print, print, prints};
use crate::records::Result;
use model::{Amount, Window};
use std::hash::RandomState;

pub(super) struct UsageAudit<'a, T> {
    calendars: Calendars<'a, T>,
    seeds: &'a RandomState,
}

impl<'a, T: LogTables> UsageAudit<'a, T> {
    pub(super) fn new(tables: &'a T, seeds: &'a RandomState) -> Self {
        Self { calendars: Calendars::new(tables), seeds }
    }

    /// The print of what the entry of a run took, cut into days.
    pub(super) fn days(&mut self, dimensions: Dimensions, used: Window, spent: Amount) -> Result<u128> {
        let mut sum = 0_u128;
        let calendar = self.calendars.of_known_place(dimensions[3])?;
        calendar.pieces(spent, used, None, &mut |day, piece| {
            sum = sum.wrapping_add(print(self.seeds, day.number(), dimensions, piece));
            Ok(())
        })?;
        Ok(sum)
    }

    /// The print of what it had taken by each midnight that it went over; of project, unit and place.
    pub(super) fn nights(&mut self, [project, unit, place]: [i64; 3], used: Window, spent: Amount) -> Result<u128> {
        let mut sum = 0_u128;
        let calendar = self.calendars.of_known_place(place)?;
        calendar.midnights(spent, used, &mut |midnight, taken| {
            let midnight = midnight.epoch_seconds();
            sum = sum.wrapping_add(print(self.seeds, midnight, of_night([project, unit, place]), taken));
            Ok(())
        })?;
        Ok(sum)
    }
}

/// One sentence for each project and unit whose stored sums are others than the entries give by days and over midnights.
pub(super) fn findings(
    tables: &impl LogTables,
    [of_days, of_nights]: &[Prints; 2],
    seeds: &RandomState,
) -> Result<Vec<String>> {
    let [days, months_of_days, months] = prints(tables, seeds)?;
    let nights = nights(tables, seeds)?;
    let mut findings = Vec::new();
    let names = tables.names();
    for (one, other, what) in
        [(of_days, &days, "daily"), (&months_of_days, &months, "monthly"), (of_nights, &nights, "overnight")]
    {
        let only = other.keys().filter(|place| !one.contains_key(place));
        for place in one.keys().chain(only) {
            let print_in = |prints: &Prints| prints.get(place).copied().unwrap_or_default();
            if print_in(one) != print_in(other) {
                let (project, unit) = (names.text_of(place.0)?, names.text_of(place.1)?);
                findings.push(format!("the {what} usage of {} in {} is not what the entries give", &*project, &*unit));
            }
        }
    }
    Ok(findings)
}

/// The prints of what is stored over midnights.
fn nights(tables: &impl LogTables, seeds: &RandomState) -> Result<Prints> {
    let mut nights = Prints::new();
    let select = "SELECT project, unit, midnight, place, spent FROM overnight_spending";
    tables.each_row(select, &[], |row| {
        let dimensions = of_night([row.name(0)?, row.name(1)?, row.name(3)?]);
        add_print(&mut nights, dimensions, print(seeds, row.number(2)?, dimensions, row.amount(4)?));
        Ok(())
    })?;
    Ok(nights)
}

/// What sums over midnights are of.
const fn of_night([project, unit, place]: [i64; 3]) -> Dimensions {
    [unit, project, 0, place, 0, 0]
}
