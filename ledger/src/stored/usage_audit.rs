//! Usage as the entries give it, against the stored sums.

use super::row::StoredRow;
use super::tables::{LogTables, Names as _};
use super::usage_tables::{Calendars, Dimensions, Prints, add_print, print, prints};
use crate::records::Result;
use model::{Amount, Timestamp, Window};
use std::hash::RandomState;

pub(super) struct UsageAudit<'a, T> {
    tables: &'a T,
    calendars: Calendars<'a, T>,
    seeds: RandomState,
    of_entries: Prints,
    nights: Prints,
}

impl<'a, T: LogTables> UsageAudit<'a, T> {
    pub(super) fn new(tables: &'a T) -> Self {
        let (calendars, seeds) = (Calendars::new(tables), RandomState::new());
        Self { tables, calendars, seeds, of_entries: Prints::new(), nights: Prints::new() }
    }

    /// Takes in what the entry of a run took; the columns of the row are those of entries.
    pub(super) fn take(&mut self, row: &T::Row<'_>, spent: Amount) -> Result<()> {
        let Some(started) = row.number_option(22)? else { return Ok(()) };
        let (place, partition): (i64, Option<i64>) = (row.name(12)?, row.name_option(23)?);
        let [unit, project] = [row.name(2)?, row.name(6)?];
        let [from, to] = [started, row.number(7)?].map(Timestamp::from_epoch_seconds);
        let (calendar, used) = (self.calendars.known(place)?, Window { from, to });
        calendar.midnights(spent, used, &mut |midnight, taken| {
            add_night(&mut self.nights, &self.seeds, [project, unit, midnight.epoch_seconds(), place], taken);
            Ok(())
        })?;
        let Some(person) = row.number_option(20)? else { return Ok(()) };
        let dimensions: Dimensions = [unit, project, person, place, partition.unwrap_or_default(), row.name(24)?];
        calendar.pieces(spent, used, None, &mut |day, piece| {
            add_print(&mut self.of_entries, dimensions, print(&self.seeds, day.number(), dimensions, piece));
            Ok(())
        })
    }

    /// One sentence for each project and unit whose sums are others.
    pub(super) fn findings(self) -> Result<Vec<String>> {
        let [days, months_of_days, months] = prints(self.tables, &self.seeds)?;
        let mut nights = Prints::new();
        let select = "SELECT project, unit, midnight, place, spent FROM overnight_spending";
        self.tables.each_row(select, &[], |row| {
            let night = [row.name(0)?, row.name(1)?, row.number(2)?, row.name(3)?];
            add_night(&mut nights, &self.seeds, night, row.amount(4)?);
            Ok(())
        })?;
        let mut findings = Vec::new();
        let names = self.tables.names();
        for (one, other, what) in [
            (&self.of_entries, &days, "daily"),
            (&months_of_days, &months, "monthly"),
            (&self.nights, &nights, "overnight"),
        ] {
            let only = other.keys().filter(|place| !one.contains_key(place));
            for place in one.keys().chain(only) {
                let print_in = |prints: &Prints| prints.get(place).copied().unwrap_or_default();
                if print_in(one) != print_in(other) {
                    let (project, unit) = (names.text_of(place.0)?, names.text_of(place.1)?);
                    findings
                        .push(format!("the {what} usage of {} in {} is not what the entries give", &*project, &*unit));
                }
            }
        }
        Ok(findings)
    }
}

/// Adds what was taken of a project and unit by runs over a midnight to its print.
fn add_night(prints: &mut Prints, seeds: &RandomState, [project, unit, midnight, place]: [i64; 4], taken: Amount) {
    let dimensions = [unit, project, 0, place, 0, 0];
    add_print(prints, dimensions, print(seeds, midnight, dimensions, taken));
}
