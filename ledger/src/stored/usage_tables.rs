//! Usage by days and months, added to with every entry of a run, so that no report reads the entries of a year.

use super::entry_rows::{ENTRY, entry, signed};
use super::knowledge::{DECIDED, Knowledge};
use super::overnight::Nights;
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Names as _, Value};
use crate::records::{Deed, Result};
use crate::rules::{Calendar, spending_over};
use crate::{Entry, LedgerError, LedgerErrorKind, SiteZone};
use model::{Amount, Day, Month, PartitionName, SiteName, Zone};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;

/// What a sum is of, by the numbers of names: unit, project, person, place, partition, end state.
pub(super) type Dimensions = [i64; 6];

/// A row of a table of sums: day or month, the dimensions, the amount.
pub(crate) type UsageRow = [i64; 8];

/// So many entries are read at once where sums are made anew.
pub(super) const PAGE: i64 = 20_000;

/// Adds entries to their days and months.
pub(crate) fn add(tables: &impl LogTables, entries: &[Entry]) -> Result<()> {
    let mut calendars = Calendars::new(tables);
    let (mut days, mut nights) = (FxHashMap::<(Day, Dimensions), Amount>::default(), Nights::default());
    for entry in entries {
        let (Some((spent, used)), Some(run)) = (spending_over(entry)?, &entry.links.run) else { continue };
        let place = tables.names().number_of_place(run)?;
        let calendar = calendars.of_place(place)?;
        nights.add(tables, entry, place, &calendar, (spent, used))?;
        let Some(dimensions) = dimensions(tables, entry, place)? else { continue };
        calendar.pieces(spent, used, None, &mut |day, piece| {
            let sum = days.entry((day, dimensions)).or_default();
            *sum = sum.plus(piece)?;
            Ok(())
        })?;
    }
    nights.write(tables)?;
    write(tables, days)
}

/// Of what the entry of a run is. None where nobody's name stands there, as where something is given back: what was used
/// stays used.
fn dimensions(tables: &impl LogTables, entry: &Entry, place: i64) -> Result<Option<Dimensions>> {
    let (names, persons) = (tables.names(), tables.persons());
    let (Some(run), Some(ran), Some(user)) = (&entry.links.run, &entry.ran, &entry.ran_by) else { return Ok(None) };
    Ok(Some([
        names.number_of_unit(&entry.unit)?,
        names.number_of(entry.project.as_str())?,
        persons.of(Some(&run.site), user)?.number,
        place,
        ran.partition
            .as_ref()
            .map(PartitionName::as_str)
            .map(|name| names.number_of(name))
            .transpose()?
            .unwrap_or_default(),
        names.number_of(ran.end_state.as_str())?,
    ]))
}

fn write(tables: &impl LogTables, days: FxHashMap<(Day, Dimensions), Amount>) -> Result<()> {
    let mut months = BTreeMap::<(Month, Dimensions), Amount>::new();
    for ((day, dimensions), amount) in &days {
        let sum = months.entry((day.month(), *dimensions)).or_default();
        *sum = sum.plus(*amount)?;
    }
    let mut days: Vec<UsageRow> = days.into_iter().map(|((day, of), amount)| row(day.number(), of, amount)).collect();
    days.sort_unstable();
    tables.add_usage_rows(["daily_usage", "day"], &days)?;
    let months: Vec<UsageRow> =
        months.into_iter().map(|((month, of), amount)| row(month.number(), of, amount)).collect();
    tables.add_usage_rows(["monthly_usage", "month"], &months)
}

const fn row(time: i64, dimensions: Dimensions, amount: Amount) -> UsageRow {
    let [unit, project, person, place, partition, end_state] = dimensions;
    [time, unit, project, person, place, partition, end_state, amount.milli()]
}

/// The statement that adds what `rows` gives, in the order of [`UsageRow`], to a table of sums.
pub(crate) fn add_usage_rows([table, time]: [&str; 2], rows: &str) -> String {
    format!(
        "INSERT INTO {table} ({time}, unit, project, person, place, partition, end_state, amount) {rows}
         ON CONFLICT ({time}, unit, project, person, place, partition, end_state)
         DO UPDATE SET amount = {table}.amount + excluded.amount"
    )
}

/// The calendars of the clusters that were met.
pub(super) struct Calendars<'a, T> {
    tables: &'a T,
    /// Of what was said of zones, what counts; none where all does.
    knowledge: Option<Knowledge>,
    by_place: FxHashMap<i64, Rc<Calendar>>,
}

impl<'a, T: LogTables> Calendars<'a, T> {
    pub(super) fn new(tables: &'a T) -> Self {
        Self { tables, knowledge: None, by_place: FxHashMap::default() }
    }

    /// Those of a state of the books.
    pub(super) fn known(tables: &'a T, knowledge: Knowledge) -> Self {
        Self { knowledge: Some(knowledge), ..Self::new(tables) }
    }

    /// That of a cluster, which is noted where it is new.
    fn of_place(&mut self, place: i64) -> Result<Rc<Calendar>> {
        if let Some(known) = self.by_place.get(&place) {
            return Ok(Rc::clone(known));
        }
        let site = site_of(self.tables, place)?;
        let insert = "INSERT INTO usage_places (place, site) VALUES (?, ?) ON CONFLICT (place) DO NOTHING";
        self.tables.change(insert, &[Value::Number(place), Value::Text(site.to_string())])?;
        self.of_known_place(place)
    }

    /// That of a cluster that was noted before.
    pub(super) fn of_known_place(&mut self, place: i64) -> Result<Rc<Calendar>> {
        if let Some(known) = self.by_place.get(&place) {
            return Ok(Rc::clone(known));
        }
        let site = site_of(self.tables, place)?;
        let zone = match self.knowledge {
            None => zone(self.tables, &site)?,
            Some(knowledge) => zone_then(self.tables, &site, knowledge)?,
        };
        let calendar = Rc::new(Calendar::new(zone.unwrap_or_else(Zone::utc)));
        self.by_place.insert(place, Rc::clone(&calendar));
        Ok(calendar)
    }
}

/// The site of a cluster by the number of its name.
fn site_of(tables: &impl LogTables, place: i64) -> Result<SiteName> {
    let text = tables.names().text_of(place)?;
    text.split('/').next().unwrap_or_default().parse().map_err(unreadable)
}

/// The zone of a site, where somebody said it.
pub(crate) fn zone(tables: &impl LogTables, site: &SiteName) -> Result<Option<Zone>> {
    let mut zone = None;
    tables.each_row("SELECT zone FROM site_zones WHERE site = ?", &[Value::Text(site.to_string())], |row| {
        zone = row.parsed_option(0)?;
        Ok(())
    })?;
    Ok(zone)
}

/// The zone of a site in a state of the books.
fn zone_then(tables: &impl LogTables, site: &SiteName, knowledge: Knowledge) -> Result<Option<Zone>> {
    let mut zone = None;
    let select = format!("SELECT zone FROM zone_changes WHERE site = ? AND {DECIDED} ORDER BY number DESC LIMIT 1");
    let [last, until] = knowledge.values();
    tables.each_row(&select, &[Value::Text(site.to_string()), last, until], |row| {
        zone = row.parsed_option(0)?;
        Ok(())
    })?;
    Ok(zone)
}

/// Sets the zone of a site, and makes the sums anew that are cut at its midnights.
pub(crate) fn set_zone<T: LogTables>(tables: &T, wish: &SiteZone, deed: &Deed<'_>) -> Result<()> {
    // One without a name is refused by its own writing.
    let bug = |error| LedgerError::never(LedgerErrorKind::Bug, "a value cannot be written").with_fact("json", &error);
    let zone = serde_json::to_string(&wish.zone).map(|_| wish.zone.to_string()).map_err(bug)?;
    let insert = "INSERT INTO site_zones (site, zone) VALUES (?, ?)
        ON CONFLICT (site) DO UPDATE SET zone = excluded.zone";
    tables.change(insert, &[Value::Text(wish.site.to_string()), Value::Text(zone.clone())])?;
    let note = "INSERT INTO zone_changes (number, site, zone, recorded_at, entry)
        SELECT coalesce(max(number), 0) + 1, ?, ?, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM zone_changes";
    let (at, number) = (Value::Number(deed.at.epoch_seconds()), Value::Number(signed(deed.entry)?));
    tables.change(note, &[Value::Text(wish.site.to_string()), Value::Text(zone), at, number])?;
    let mut places = Vec::new();
    let select = "SELECT place FROM usage_places WHERE site = ?";
    tables.each_row(select, &[Value::Text(wish.site.to_string())], |row| {
        places.push(row.name(0)?);
        Ok(())
    })?;
    for place in places {
        tables.change("DELETE FROM daily_usage WHERE place = ?", &[Value::Number(place)])?;
        tables.change("DELETE FROM monthly_usage WHERE place = ?", &[Value::Number(place)])?;
        tables.change("DELETE FROM overnight_spending WHERE place = ?", &[Value::Number(place)])?;
        let mut after = 0;
        loop {
            let select =
                format!("SELECT {ENTRY} FROM entries WHERE run_place = ? AND number > ? ORDER BY number LIMIT ?");
            let mut entries = Vec::new();
            tables.each_row(&select, &[place, after, PAGE].map(Value::Number), |row| {
                after = row.number(0)?;
                entries.push(entry(row, tables)?);
                Ok(())
            })?;
            if entries.is_empty() {
                break;
            }
            add(tables, &entries)?;
        }
    }
    Ok(())
}

/// What usage adds up to in a way that tells whether two tables of it are alike, by project and unit.
pub(super) type Prints = BTreeMap<(i64, i64), u128>;

/// What a sum adds to the print of its project and unit.
pub(super) fn print(seeds: &RandomState, number: i64, dimensions: Dimensions, amount: Amount) -> u128 {
    u128::from(seeds.hash_one((number, dimensions))).wrapping_mul(i128::from(amount.milli()).cast_unsigned())
}

/// The prints of the stored days; and of the months, as the days give them and as they are stored.
pub(super) fn prints(tables: &impl LogTables, seeds: &RandomState) -> Result<[Prints; 3]> {
    let [mut days, mut months_of_days, mut months] = [Prints::new(), Prints::new(), Prints::new()];
    each(tables, "daily_usage", "day", |number, dimensions, amount| {
        let day = Day::from_number(number).ok_or_else(|| unreadable(format!("{number} is no day")))?;
        add_print(&mut days, dimensions, print(seeds, number, dimensions, amount));
        add_print(&mut months_of_days, dimensions, print(seeds, day.month().number(), dimensions, amount));
        Ok(())
    })?;
    each(tables, "monthly_usage", "month", |number, dimensions, amount| {
        add_print(&mut months, dimensions, print(seeds, number, dimensions, amount));
        Ok(())
    })?;
    Ok([days, months_of_days, months])
}

pub(super) fn add_print(prints: &mut Prints, [unit, project, ..]: Dimensions, print: u128) {
    let sum = prints.entry((project, unit)).or_default();
    *sum = sum.wrapping_add(print);
}

fn each(
    tables: &impl LogTables,
    table: &str,
    time: &str,
    mut take: impl FnMut(i64, Dimensions, Amount) -> Result<()>,
) -> Result<()> {
    let select = format!("SELECT {time}, unit, project, person, place, partition, end_state, amount FROM {table}");
    tables.each_row(&select, &[], |row| {
        let [unit, project] = [row.name(1)?, row.name(2)?];
        let dimensions = [unit, project, row.number(3)?, row.name(4)?, row.name(5)?, row.name(6)?];
        take(row.number(0)?, dimensions, row.amount(7)?)
    })
}
