//! Answers about usage: whole days and months from their sums, the rest and what was known earlier from the entries.

use super::knowledge::Knowledge;
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Names as _, Value};
use super::usage_tables::{Calendars, zone};
use crate::records::Result;
use crate::rules::{Calendar, UsageSums};
use crate::{KnownAt, SiteZone, UsageField, UsageFilter, UsageGroup, UsageQuery, UsageSpan, UsageSum};
use model::{Amount, Day, EndState, Month, NameError, SiteName, Timestamp, Window, Zone};
use std::rc::Rc;

/// Longer than any day is, in seconds: within this the days of all zones begin.
const ZONES_APART: i64 = 2 * 86_400;

/// The zones of sites that were said.
pub(crate) fn zones(tables: &impl LogTables) -> Result<Vec<SiteZone>> {
    let mut zones = Vec::new();
    tables.each_row("SELECT site, zone FROM site_zones ORDER BY site", &[], |row| {
        let (site, zone) = (row.text(0)?.parse().map_err(unreadable)?, row.text(1)?.parse().map_err(unreadable)?);
        zones.push(SiteZone { site, zone });
        Ok(())
    })?;
    Ok(zones)
}

/// The sums that are asked for.
pub(crate) fn usage(tables: &impl LogTables, query: &UsageQuery) -> Result<Vec<UsageSum>> {
    let mut asking = Asking { tables, query, sums: UsageSums::default() };
    let Some(filter) = Conditions::of(tables, &query.filter)? else { return Ok(Vec::new()) };
    match (query.known_at, query.span) {
        (None, UsageSpan::Days { from, to }) => asking.days(&filter, from, to)?,
        (None, UsageSpan::Instants(window)) => asking.instants(&filter, window)?,
        (Some(_), span) => asking.entries(&filter, span)?,
    }
    Ok(asking.sums.into_rows())
}

struct Asking<'a, T> {
    tables: &'a T,
    query: &'a UsageQuery,
    sums: UsageSums,
}

impl<T: LogTables> Asking<'_, T> {
    /// Whole days: months where nobody tells days apart, and the days before and behind them.
    fn days(&mut self, filter: &Conditions, from: Day, to: Day) -> Result<()> {
        let first = if from.month().first() == from { from.month() } else { from.month().next() };
        let last = to.month();
        if self.query.by.contains(&UsageField::Day) || first >= last {
            return self.of_days(filter, from, to);
        }
        self.of_days(filter, from, first.first())?;
        self.of_table(filter, "monthly_usage", "month", [first.number(), last.number()])?;
        self.of_days(filter, last.first(), to)
    }

    fn of_days(&mut self, filter: &Conditions, from: Day, to: Day) -> Result<()> {
        self.of_table(filter, "daily_usage", "day", [from.number(), to.number()])
    }

    fn of_table(&mut self, filter: &Conditions, table: &str, time: &'static str, [from, to]: [i64; 2]) -> Result<()> {
        if to <= from {
            return Ok(());
        }
        let has = |field: UsageField| self.query.by.contains(&field);
        let column = |wanted: bool, name: &'static str| wanted.then_some(name);
        let columns = [
            column(has(UsageField::Day) || has(UsageField::Month), time),
            Some("unit"),
            column(has(UsageField::Project), "project"),
            column(has(UsageField::Person), "person"),
            column(has(UsageField::Site) || has(UsageField::Cluster), "place"),
            column(has(UsageField::Partition), "partition"),
            column(has(UsageField::EndState), "end_state"),
        ];
        let grouped = columns.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let columns = columns.map(|column| format!("CAST({} AS BIGINT)", column.unwrap_or("NULL"))).join(", ");
        let conditions = &filter.text;
        let select = format!(
            "SELECT {columns}, CAST(sum(amount) AS BIGINT) FROM {table} WHERE {time} >= ? AND {time} < ?{conditions} GROUP BY {grouped}"
        );
        let values: Vec<Value> =
            [from, to].map(Value::Number).into_iter().chain(filter.values.iter().cloned()).collect();
        let tables = self.tables;
        tables.each_row(&select, &values, |row| {
            let number = row.number_option(0)?;
            let day = match number {
                Some(number) if time == "day" => Day::from_number(number),
                Some(number) => Month::from_number(number).map(Month::first),
                None => None,
            };
            if number.is_some() && day.is_none() {
                return Err(unreadable(format!("{number:?} lies outside the calendar")));
            }
            let numbers = Numbers {
                unit: row.number(1)?,
                project: row.number_option(2)?,
                person: row.number_option(3)?,
                place: row.number_option(4)?,
                partition: row.number_option(5)?,
                end_state: row.number_option(6)?,
            };
            self.add(day, numbers, row.amount(7)?)
        })
    }

    /// Between two instants: in each zone whole days, and the entries of the parts of days before and behind them.
    fn instants(&mut self, filter: &Conditions, window: Window) -> Result<()> {
        let tables = self.tables;
        let mut places = Vec::<(i64, SiteName)>::new();
        tables.each_row("SELECT place, site FROM usage_places ORDER BY place", &[], |row| {
            places.push((row.name(0)?, row.text(1)?.parse().map_err(unreadable)?));
            Ok(())
        })?;
        for (place, site) in places {
            let zone = zone(tables, &site)?.unwrap_or_else(Zone::utc);
            let calendar = Calendar::new(zone);
            let here = filter.at(place);
            let first = first_day_from(&calendar, window.from)?;
            let (last, last_day) = calendar.day(window.to)?;
            let [begins, ends] = [calendar.start(first)?, last_day.from];
            if begins >= ends {
                self.of_entries(&here, window, |_| Ok(window))?;
                continue;
            }
            self.days(&here, first, last)?;
            for edge in [Window { from: window.from, to: begins }, Window { from: ends, to: window.to }] {
                if edge.from < edge.to {
                    self.of_entries(&here, edge, |_| Ok(edge))?;
                }
            }
        }
        Ok(())
    }

    /// What was known after an entry.
    fn entries(&mut self, filter: &Conditions, span: UsageSpan) -> Result<()> {
        let widest = widest(span)?;
        self.of_entries(filter, widest, |calendar| within(calendar, span))
    }

    /// Adds what entries took inside a window, which may differ by zone and lies inside `widest`.
    fn of_entries(
        &mut self,
        filter: &Conditions,
        widest: Window,
        wanted: impl Fn(&Calendar) -> Result<Window>,
    ) -> Result<()> {
        let (tables, query) = (self.tables, self.query);
        each_taken(tables, query.known_at, " FROM entries", filter, widest, |_, entry, calendar| {
            calendar.pieces(entry.amount, entry.used, Some(wanted(calendar)?), &mut |day, piece| {
                self.add(Some(day), entry.numbers(), piece)
            })
        })
    }

    fn add(&mut self, day: Option<Day>, numbers: Numbers, amount: Amount) -> Result<()> {
        let group = group(self.tables, &self.query.by, day, numbers)?;
        self.sums.add(group, amount)
    }
}

/// The window that has a span whatever the zone.
pub(super) fn widest(span: UsageSpan) -> Result<Window> {
    match span {
        UsageSpan::Instants(window) => Ok(window),
        UsageSpan::Days { from, to } => {
            let utc = Calendar::new(Zone::utc());
            let (from, to) = (utc.start(from)?, utc.start(to)?);
            Ok(Window { from: from.plus_seconds(-ZONES_APART), to: to.plus_seconds(ZONES_APART) })
        }
    }
}

/// When a span is where these days are counted.
pub(super) fn within(calendar: &Calendar, span: UsageSpan) -> Result<Window> {
    match span {
        UsageSpan::Instants(window) => Ok(window),
        UsageSpan::Days { from, to } => Ok(Window { from: calendar.start(from)?, to: calendar.start(to)? }),
    }
}

/// The columns of a [`TakenEntry`].
const TAKEN: &str =
    "unit, project, person, run_place, coalesce(partition, 0), end_state, amount, credit, started, effective_at";

/// How many those are.
pub(super) const TAKEN_COLUMNS: usize = 10;

/// Calls `take` with each entry of a run that was under way in a window, and that was known then, and with the days of its
/// place. `source` is the rest of the selection up to its
/// condition: further columns, and where all of them are from.
pub(super) fn each_taken<T: LogTables>(
    tables: &T,
    known: Option<KnownAt>,
    source: &str,
    filter: &Conditions,
    window: Window,
    mut take: impl FnMut(&T::Row<'_>, &TakenEntry, &Calendar) -> Result<()>,
) -> Result<()> {
    let conditions = &filter.on_entries;
    let select = format!(
        "SELECT {TAKEN}{source}
         WHERE started < ? AND effective_at >= ? AND number <= ? AND person IS NOT NULL{conditions}"
    );
    let knowledge = Knowledge::of(tables, known)?;
    let bounds = [window.to.epoch_seconds(), window.from.epoch_seconds(), knowledge.last].map(Value::Number);
    let values: Vec<Value> = bounds.into_iter().chain(filter.values.iter().cloned()).collect();
    let mut calendars = match known {
        None => Calendars::new(tables),
        Some(_) => Calendars::known(tables, knowledge),
    };
    tables.each_row(&select, &values, |row| {
        let entry = TakenEntry::read(row, tables)?;
        let calendar: Rc<Calendar> = calendars.of_known_place(entry.place)?;
        take(row, &entry, &calendar)
    })
}

/// The group of these numbers, as far as it is asked for.
pub(super) fn group(
    tables: &impl LogTables,
    by: &[UsageField],
    day: Option<Day>,
    numbers: Numbers,
) -> Result<UsageGroup> {
    let (names, persons) = (tables.names(), tables.persons());
    let has = |field: UsageField| by.contains(&field);
    let of = |field: UsageField, number: Option<i64>| number.filter(|number| has(field) && *number != 0);
    let place = numbers.place.map(|place| names.text_of(place)).transpose()?;
    let (site, cluster) = place.as_deref().and_then(|place| place.split_once('/')).unzip();
    let parsed = |text: Option<&str>, field: UsageField| text.filter(|_| has(field)).map(str::to_owned);
    let state = of(UsageField::EndState, numbers.end_state).map(|number| names.text_of(number)).transpose()?;
    let person = of(UsageField::Person, numbers.person).map(|number| persons.with_number(number)).transpose()?;
    let wrong = |error: NameError| unreadable(error);
    Ok(UsageGroup {
        day: day.filter(|_| has(UsageField::Day)),
        month: day.filter(|_| has(UsageField::Month)).map(Day::month),
        project: of(UsageField::Project, numbers.project).map(|number| names.parsed_of(number)).transpose()?,
        person: person.map(|person| person.principal.user.clone()),
        site: parsed(site, UsageField::Site)
            .or_else(|| parsed(site, UsageField::Cluster))
            .map(|text| text.parse().map_err(wrong))
            .transpose()?,
        cluster: parsed(cluster, UsageField::Cluster).map(|text| text.parse().map_err(wrong)).transpose()?,
        partition: of(UsageField::Partition, numbers.partition).map(|number| names.parsed_of(number)).transpose()?,
        end_state: state.and_then(|word| EndState::from_word(&word)),
        unit: names.parsed_of(numbers.unit)?,
    })
}

/// The numbers of names of a group; none where a table was not asked for them.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    unit: i64,
    project: Option<i64>,
    person: Option<i64>,
    place: Option<i64>,
    partition: Option<i64>,
    end_state: Option<i64>,
}

/// What an entry took, of what, and when.
pub(super) struct TakenEntry {
    dimensions: [i64; 6],
    place: i64,
    pub(super) amount: Amount,
    pub(super) used: Window,
}

impl TakenEntry {
    fn read(row: &impl StoredRow, tables: &impl LogTables) -> Result<Self> {
        let credit = tables.names().text_of(row.name(7)?)?;
        let moved = row.amount(6)?;
        // What goes back to a budget takes less.
        let amount = if credit.starts_with("budget/") { moved.negated()? } else { moved };
        let place = row.name(3)?;
        let [from, to] = [row.number(8)?, row.number(9)?].map(Timestamp::from_epoch_seconds);
        let dimensions = [row.name(0)?, row.name(1)?, row.number(2)?, place, row.name(4)?, row.name(5)?];
        Ok(Self { dimensions, place, amount, used: Window { from, to } })
    }

    pub(super) const fn numbers(&self) -> Numbers {
        let [unit, project, person, place, partition, end_state] = self.dimensions;
        Numbers {
            unit,
            project: Some(project),
            person: Some(person),
            place: Some(place),
            partition: Some(partition),
            end_state: Some(end_state),
        }
    }
}

/// The first day that begins at an instant or behind it.
fn first_day_from(calendar: &Calendar, instant: Timestamp) -> Result<Day> {
    let (day, window) = calendar.day(instant)?;
    Ok(if window.from == instant { day } else { day.next() })
}

/// The conditions of a filter, for the tables of sums and for entries, with the same values.
#[derive(Clone, Default)]
pub(super) struct Conditions {
    text: String,
    on_entries: String,
    values: Vec<Value>,
}

impl Conditions {
    /// None where nothing in the ledger has a name that is asked for.
    pub(super) fn of(tables: &impl LogTables, filter: &UsageFilter) -> Result<Option<Self>> {
        let mut conditions = Self::default();
        let names = [
            ("project", filter.project.as_ref().map(ToString::to_string)),
            ("partition", filter.partition.as_ref().map(ToString::to_string)),
            ("unit", filter.unit.as_ref().map(ToString::to_string)),
            ("end_state", filter.end_state.map(|state| state.as_str().to_owned())),
        ];
        for (column, name) in names {
            let Some(name) = name else { continue };
            let Some(number) = tables.number_known(&name)? else { return Ok(None) };
            conditions.add(column, &format!("{column} = ?"), Value::Number(number));
        }
        if let Some(person) = &filter.person {
            let condition = "person IN (SELECT number FROM persons WHERE \"user\" = ?)";
            conditions.add("person", condition, Value::Text(person.to_string()));
        }
        if let Some(site) = &filter.site {
            let condition = "place IN (SELECT place FROM usage_places WHERE site = ?)";
            conditions.add("place", condition, Value::Text(site.to_string()));
        }
        if let Some(cluster) = &filter.cluster {
            let condition = "place IN (SELECT usage_places.place FROM usage_places
                JOIN names ON names.number = usage_places.place WHERE names.text = usage_places.site || '/' || ?)";
            conditions.add("place", condition, Value::Text(cluster.to_string()));
        }
        Ok(Some(conditions))
    }

    /// The same, on one cluster.
    fn at(&self, place: i64) -> Self {
        let mut here = self.clone();
        here.add("place", "place = ?", Value::Number(place));
        here
    }

    fn add(&mut self, column: &str, condition: &str, value: Value) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.on_entries.push_str(" AND ");
        if column == "place" {
            self.on_entries.push_str("run_");
        }
        self.on_entries.push_str(condition);
        self.values.push(value);
    }
}
