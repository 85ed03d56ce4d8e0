//! Runs across borders: what those that end at an instant or later had taken before it.
//!
//! A charge counts where its run ends. Lots want it split at their borders, which are midnights of a site's accounting zone
//! nearly always: for each of those it is summed as entries are posted. Elsewhere the entries tell.

use super::entry_rows::{ENTRY, entry};
use super::row::StoredRow;
use super::spending::consumption;
use super::tables::{LogTables, Names as _, Value};
use super::usage_tables::{Calendars, PAGE, zone};
use crate::Entry;
use crate::records::{Result, Spent};
use crate::rules::{Calendar, spending_over};
use model::{Amount, ProjectName, Timestamp, Unit, Window, Zone, amount_before};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// A row of the table: project, unit, midnight, place, and how much.
pub(crate) type OvernightRow = [i64; 5];

/// The statement that adds what `rows` gives, in the order of [`OvernightRow`].
pub(crate) fn add_overnight_rows(rows: &str) -> String {
    format!(
        "INSERT INTO overnight_spending (project, unit, midnight, place, spent) {rows}
         ON CONFLICT (project, unit, midnight, place)
         DO UPDATE SET spent = overnight_spending.spent + excluded.spent"
    )
}

/// Sums under way.
#[derive(Default)]
pub(super) struct Nights(FxHashMap<[i64; 4], Amount>);

impl Nights {
    /// Adds what the entry of a run took before each midnight that it went over.
    pub(super) fn add(
        &mut self,
        tables: &impl LogTables,
        entry: &Entry,
        place: i64,
        calendar: &Calendar,
        (amount, used): (Amount, Window),
    ) -> Result<()> {
        calendar.midnights(amount, used, &mut |midnight, taken| {
            let names = tables.names();
            let (project, unit) = (names.number_of(entry.project.as_str())?, names.number_of_unit(&entry.unit)?);
            let sum = self.0.entry([project, unit, midnight.epoch_seconds(), place]).or_default();
            *sum = sum.plus(taken)?;
            Ok(())
        })
    }

    pub(super) fn write(self, tables: &impl LogTables) -> Result<()> {
        let row =
            |([project, unit, midnight, place], sum): ([i64; 4], Amount)| [project, unit, midnight, place, sum.milli()];
        let mut rows: Vec<OvernightRow> = self.0.into_iter().map(row).collect();
        rows.sort_unstable();
        tables.add_overnight_rows(&rows)
    }
}

/// Makes the sums of all entries that a ledger has from before it kept them.
pub(crate) fn sum_nights<T: LogTables>(tables: &T) -> Result<()> {
    let mut calendars = Calendars::new(tables);
    let select =
        format!("SELECT {ENTRY} FROM entries WHERE number > ? AND started IS NOT NULL ORDER BY number LIMIT ?");
    let mut after = 0;
    loop {
        let (before, mut nights) = (after, Nights::default());
        tables.each_row(&select, &[after, PAGE].map(Value::Number), |row| {
            after = row.number(0)?;
            let entry = entry(row, tables)?;
            let Some(spent) = spending_over(&entry)? else { return Ok(()) };
            let place = row.name(12)?;
            nights.add(tables, &entry, place, &*calendars.of_known_place(place)?, spent)
        })?;
        nights.write(tables)?;
        if after == before {
            return Ok(());
        }
    }
}

/// What was spent between borders, each charge of it where its run was under way: given are the charges where they end.
pub(super) fn split(tables: &impl LogTables, mut spent: Vec<Spent>) -> Result<Vec<Spent>> {
    let mut calendars = BTreeMap::new();
    let mut last: Option<(ProjectName, Unit, Amount)> = None;
    for Spent { project, unit, until, amount } in &mut spent {
        let site = unit.site();
        if !calendars.contains_key(site) {
            calendars.insert(site.clone(), Calendar::new(zone(tables, site)?.unwrap_or_else(Zone::utc)));
        }
        let across = match calendars.get(site) {
            Some(calendar) => taken_before(tables, (project, unit), calendar, *until)?,
            None => Amount::ZERO,
        };
        let known = last.as_ref().filter(|(of, in_unit, _)| of == project && in_unit == unit);
        let earlier = known.map_or(Amount::ZERO, |(_, _, amount)| *amount);
        *amount = amount.plus(across)?.minus(earlier)?;
        last = Some((project.clone(), unit.clone(), across));
    }
    Ok(spent)
}

/// What of a budget was taken before an instant by runs that end at it or later.
fn taken_before(
    tables: &impl LogTables,
    (project, unit): (&ProjectName, &Unit),
    calendar: &Calendar,
    until: Timestamp,
) -> Result<Amount> {
    let numbers = (tables.number_known(project.as_str())?, tables.number_known(&unit.to_string())?);
    let (Some(project), Some(unit)) = numbers else { return Ok(Amount::ZERO) };
    let mut sum = Amount::ZERO;
    if calendar.day(until)?.1.from == until {
        let select = "SELECT CAST(coalesce(sum(spent), 0) AS BIGINT) FROM overnight_spending
            WHERE project = ? AND unit = ? AND midnight = ?";
        let values = [project, unit, until.epoch_seconds()].map(Value::Number);
        tables.each_row(select, &values, |row| {
            sum = row.amount(0)?;
            Ok(())
        })?;
        return Ok(sum);
    }
    each_across(tables, [project, unit], until, |amount, used| {
        let before = amount_before(amount, used, until).map_err(super::row::unreadable)?;
        sum = sum.plus(before)?;
        Ok(())
    })?;
    Ok(sum)
}

/// So long a run has an index of its own, in seconds: what is under way at an instant ends within this time, or is there.
pub(crate) const LONG: i64 = 86_400;

/// The entries of a budget's runs that start before an instant and end at it or later.
pub(super) fn each_across<T: LogTables>(
    tables: &T,
    [project, unit]: [i64; 2],
    until: Timestamp,
    mut take: impl FnMut(Amount, Window) -> Result<()>,
) -> Result<()> {
    let until = until.epoch_seconds();
    let soon = until.saturating_add(LONG);
    let kinds = consumption();
    let of_budget = format!(
        "SELECT amount, credit, started, effective_at FROM entries
         WHERE project = ? AND unit = ? AND started < ? AND kind IN ({kinds})"
    );
    let select = format!(
        "{of_budget} AND effective_at >= ? AND effective_at < ?
         UNION ALL {of_budget} AND effective_at - started > {LONG} AND effective_at >= ?"
    );
    let values = [project, unit, until, until, soon, project, unit, until, soon].map(Value::Number);
    tables.each_row(&select, &values, |row| {
        let credit = tables.names().text_of(row.name(1)?)?;
        // What goes back to a budget takes less.
        let is_back = credit.starts_with("budget/");
        let amount = if is_back { row.amount(0)?.negated()? } else { row.amount(0)? };
        take(amount, Window { from: row.instant(2)?, to: row.instant(3)? })
    })
}
