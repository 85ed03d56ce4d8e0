//! Usage as the entries give it, against the stored sums.

use super::tables::Tables;
use super::usage_tables::{Calendars, Dimensions, Prints, add_print, print, prints};
use crate::records::Result;
use model::{Amount, Timestamp, Window};
use rusqlite::Row;
use std::hash::RandomState;

pub(super) struct UsageAudit<'a> {
    tables: &'a Tables<'a>,
    calendars: Calendars<'a>,
    seeds: RandomState,
    of_entries: Prints,
}

impl<'a> UsageAudit<'a> {
    pub(super) fn new(tables: &'a Tables<'a>) -> Self {
        let (calendars, seeds) = (Calendars::new(tables.connection), RandomState::new());
        Self { tables, calendars, seeds, of_entries: Prints::new() }
    }

    /// Takes in what the entry of a run took; the columns of the row are those of entries.
    pub(super) fn take(&mut self, row: &Row<'_>, spent: Amount) -> Result<()> {
        let (Some(started), Some(person)) = (row.get(22)?, row.get(20)?) else { return Ok(()) };
        let (place, partition): (i64, Option<i64>) = (row.get(12)?, row.get(23)?);
        let dimensions: Dimensions =
            [row.get(2)?, row.get(6)?, person, place, partition.unwrap_or_default(), row.get(24)?];
        let [from, to] = [started, row.get(7)?].map(Timestamp::from_epoch_seconds);
        let calendar = self.calendars.known(&self.tables.names, place)?;
        calendar.pieces(spent, Window { from, to }, None, &mut |day, piece| {
            add_print(&mut self.of_entries, dimensions, print(&self.seeds, day.number(), dimensions, piece));
            Ok(())
        })
    }

    /// One sentence for each project and unit whose sums are others.
    pub(super) fn findings(self) -> Result<Vec<String>> {
        let [days, months_of_days, months] = prints(self.tables.connection, &self.seeds)?;
        let mut findings = Vec::new();
        let names = &self.tables.names;
        for (one, other, what) in [(&self.of_entries, &days, "daily"), (&months_of_days, &months, "monthly")] {
            let only = other.keys().filter(|place| !one.contains_key(place));
            for place in one.keys().chain(only) {
                let print_in = |prints: &Prints| prints.get(place).copied().unwrap_or_default();
                if print_in(one) != print_in(other) {
                    let (project, unit) = (names.text(place.0)?, names.text(place.1)?);
                    findings.push(format!("the {what} usage of {project} in {unit} is not what the entries give"));
                }
            }
        }
        Ok(findings)
    }
}
