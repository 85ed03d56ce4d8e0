//! Usage by days and months, added to with every entry of a run, so that no report reads the entries of a year.

use super::entry_tables::entries_where;
use super::names::Names;
use super::queries::all;
use super::rows::{parsed, to_json, unreadable};
use super::tables::Tables;
use crate::records::Result;
use crate::rules::{Calendar, spending};
use crate::{Entry, SiteZone};
use model::{Amount, Day, Month, PartitionName, SiteName, Window, Zone};
use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;

/// What a sum is of, by the numbers of names: unit, project, person, place, partition, end state.
pub(super) type Dimensions = [i64; 6];

/// So many entries are read at once where sums are made anew.
const PAGE: i64 = 20_000;

/// Adds entries to their days and months.
pub(super) fn add(tables: &Tables<'_>, entries: &[Entry]) -> Result<()> {
    let mut calendars = Calendars::new(tables.connection);
    let mut days = FxHashMap::<(Day, Dimensions), Amount>::default();
    for entry in entries {
        let Some((spent, dimensions, used)) = spent(tables, entry)? else { continue };
        let calendar = calendars.of_place(&tables.names, dimensions[3])?;
        calendar.pieces(spent, used, None, &mut |day, piece| {
            let sum = days.entry((day, dimensions)).or_default();
            *sum = sum.plus(piece)?;
            Ok(())
        })?;
    }
    write(tables.connection, days)
}

/// What an entry of a run took, of what, and over which time. None where it is about no run.
fn spent(tables: &Tables<'_>, entry: &Entry) -> Result<Option<(Amount, Dimensions, Window)>> {
    let Tables { names, persons, .. } = tables;
    let (Some(amount), Some(run), Some(ran), Some(user)) =
        (spending(entry)?, &entry.links.run, &entry.ran, &entry.ran_by)
    else {
        return Ok(None);
    };
    let dimensions = [
        names.unit(&entry.unit)?,
        names.number(entry.project.as_str())?,
        persons.of(Some(&run.site), user)?.number,
        names.place(run)?,
        names.optional(ran.partition.as_ref().map(PartitionName::as_str))?.unwrap_or_default(),
        names.number(ran.end_state.as_str())?,
    ];
    Ok(Some((amount, dimensions, Window { from: ran.started_at, to: entry.effective_at })))
}

fn write(connection: &Connection, days: FxHashMap<(Day, Dimensions), Amount>) -> Result<()> {
    let mut months = BTreeMap::<(Month, Dimensions), Amount>::new();
    for ((day, dimensions), amount) in &days {
        let sum = months.entry((day.month(), *dimensions)).or_default();
        *sum = sum.plus(*amount)?;
    }
    let days: BTreeMap<_, _> = days.into_iter().collect();
    let days = days.into_iter().map(|((day, dimensions), amount)| (day.number(), dimensions, amount));
    upsert(connection, "daily_usage", "day", days)?;
    let months = months.into_iter().map(|((month, dimensions), amount)| (month.number(), dimensions, amount));
    upsert(connection, "monthly_usage", "month", months)
}

fn upsert(
    connection: &Connection,
    table: &str,
    time: &str,
    rows: impl Iterator<Item = (i64, Dimensions, Amount)>,
) -> Result<()> {
    let insert = format!(
        "INSERT INTO {table} ({time}, unit, project, person, place, partition, end_state, amount)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
    );
    let mut statement = connection.prepare_cached(&insert)?;
    for (number, [unit, project, person, place, partition, end_state], amount) in rows {
        statement.execute(params![number, unit, project, person, place, partition, end_state, amount.milli()])?;
    }
    Ok(())
}

/// The calendars of the clusters that were met.
pub(super) struct Calendars<'a> {
    connection: &'a Connection,
    by_place: FxHashMap<i64, Rc<Calendar>>,
}

impl<'a> Calendars<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, by_place: FxHashMap::default() }
    }

    /// That of a cluster, which is noted where it is new.
    fn of_place(&mut self, names: &Names<'_>, place: i64) -> Result<Rc<Calendar>> {
        if let Some(known) = self.by_place.get(&place) {
            return Ok(Rc::clone(known));
        }
        let site = site_of(names, place)?;
        let insert = "INSERT OR IGNORE INTO usage_places (place, site) VALUES (?1, ?2)";
        self.connection.prepare_cached(insert)?.execute(params![place, site.as_str()])?;
        self.known(names, place)
    }

    /// That of a cluster that was noted before.
    pub(super) fn known(&mut self, names: &Names<'_>, place: i64) -> Result<Rc<Calendar>> {
        if let Some(known) = self.by_place.get(&place) {
            return Ok(Rc::clone(known));
        }
        let zone = zone(self.connection, &site_of(names, place)?)?.unwrap_or_else(Zone::utc);
        let calendar = Rc::new(Calendar::new(zone));
        self.by_place.insert(place, Rc::clone(&calendar));
        Ok(calendar)
    }
}

/// The site of a cluster by the number of its name.
pub(super) fn site_of(names: &Names<'_>, place: i64) -> Result<SiteName> {
    let text = names.text(place)?;
    let site = text.split('/').next().unwrap_or_default();
    Ok(site.parse().map_err(|error| unreadable(0, error))?)
}

/// The zone of a site, where somebody said it.
pub(super) fn zone(connection: &Connection, site: &SiteName) -> Result<Option<Zone>> {
    let mut statement = connection.prepare_cached("SELECT zone FROM site_zones WHERE site = ?1")?;
    Ok(statement.query_row([site.as_str()], |row| parsed(row, 0)).optional()?)
}

/// Sets the zone of a site, and sums its usage anew.
pub(super) fn set_zone(tables: &Tables<'_>, wish: &SiteZone) -> Result<()> {
    let connection = tables.connection;
    let insert = "INSERT INTO site_zones (site, zone) VALUES (?1, ?2)
        ON CONFLICT (site) DO UPDATE SET zone = excluded.zone";
    // One without a name is refused by its own writing.
    let zone = to_json(&wish.zone).map(|_| wish.zone.to_string())?;
    connection.execute(insert, params![wish.site.as_str(), zone])?;
    let select = "SELECT place FROM usage_places WHERE site = ?1";
    for place in all(connection, select, [wish.site.as_str()], |row| row.get::<_, i64>(0))? {
        connection.execute("DELETE FROM daily_usage WHERE place = ?1", [place])?;
        connection.execute("DELETE FROM monthly_usage WHERE place = ?1", [place])?;
        let mut after = 0_i64;
        loop {
            let page = "run_place = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
            let entries = entries_where(tables, page, params![place, after, PAGE])?;
            let Some(last) = entries.last() else { break };
            after = super::rows::number(last.number)?;
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
pub(super) fn prints(connection: &Connection, seeds: &RandomState) -> Result<[Prints; 3]> {
    let [mut days, mut months_of_days, mut months] = [Prints::new(), Prints::new(), Prints::new()];
    each(connection, "daily_usage", "day", |number, dimensions, amount| {
        let day = Day::from_number(number).ok_or_else(|| unreadable(0, format!("{number} is no day")))?;
        add_print(&mut days, dimensions, print(seeds, number, dimensions, amount));
        add_print(&mut months_of_days, dimensions, print(seeds, day.month().number(), dimensions, amount));
        Ok(())
    })?;
    each(connection, "monthly_usage", "month", |number, dimensions, amount| {
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
    connection: &Connection,
    table: &str,
    time: &str,
    mut take: impl FnMut(i64, Dimensions, Amount) -> Result<()>,
) -> Result<()> {
    let select = format!("SELECT {time}, unit, project, person, place, partition, end_state, amount FROM {table}");
    let mut statement = connection.prepare(&select)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let dimensions = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
        take(row.get(0)?, dimensions, Amount::from_milli(row.get(7)?))?;
    }
    Ok(())
}
