//! Balances as the books were, or as of an earlier time: from the entries.

use super::entry_rows::{ENTRY, entry};
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Value};
use super::unpriced::unpriced_runs;
use super::usage_queries::{known_at, known_until};
use crate::records::Result;
use crate::rules::{Past, Sight};
use crate::{BalanceQuery, Binding, BindingRecord, Budget, Coverage, Entry, SetPolicy};
use model::{ProjectName, Timestamp, Unit};
use std::collections::BTreeMap;

/// The budgets that a query about the past selects; `now` is the instant of the question. `bindings` and `coverage` are those
/// of today: what was bound, decided or read only later does not count.
pub(super) fn budgets_of_the_past(
    tables: &impl LogTables,
    query: &BalanceQuery,
    now: Timestamp,
    bindings: Vec<BindingRecord>,
    coverage: Vec<Coverage>,
) -> Result<Vec<Budget>> {
    let last = known_at(tables, query.known_at)?;
    let until = known_until(tables, query.known_at)?;
    let known = Timestamp::from_epoch_seconds(until).min(now);
    let at = query.as_of.unwrap_or(known);
    let mut condition = "number <= ?".to_owned();
    let mut values = vec![Value::Number(last)];
    if let Some(project) = &query.project {
        let Some(number) = tables.number_known(project.as_str())? else { return Ok(Vec::new()) };
        condition.push_str(" AND project = ?");
        values.push(Value::Number(number));
    }
    let given = "kind IN ('grant', 'withdraw', 'delegate')";
    let mut past =
        Past::new(entries(tables, &format!("{condition} AND {given}"), &values)?, policies(tables, until)?, at)?;
    if let Some(as_of) = query.as_of {
        condition.push_str(" AND (effective_at <= ? OR kind = 'grant')");
        values.push(Value::Number(as_of.epoch_seconds()));
    }
    let select = format!("SELECT {ENTRY} FROM entries WHERE {condition} ORDER BY number");
    tables.each_row(&select, &values, |row| past.add(&entry(row, tables)?))?;
    let decided = until.min(at.epoch_seconds());
    // Whose runs those of that time are goes by what is bound by now, or by the time of which the books are: what was read by then is
    // another question, and where nothing was, nobody knew what was free.
    let bindings = bound(tables, bindings, until)?;
    let mut unpriced = unpriced_runs(tables)?;
    unpriced.retain(|runs| runs.window.from <= at);
    // A reading that was put together with a later one is not known any more: what was free then is unknown rather than told
    // by what was read since.
    let coverage = coverage.into_iter().filter(|reading| reading.observed_at <= at);
    let sight = Sight { bindings, coverage: coverage.collect(), unpriced };
    let mut budgets = past.budgets(enforced(tables, decided)?, sight)?;
    budgets.retain(|budget| query.selects(&budget.balance));
    Ok(budgets)
}

fn entries(tables: &impl LogTables, condition: &str, values: &[Value]) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    tables.each_row(&format!("SELECT {ENTRY} FROM entries WHERE {condition} ORDER BY number"), values, |row| {
        found.push(entry(row, tables)?);
        Ok(())
    })?;
    Ok(found)
}

/// The bindings that were recorded by an instant, with the ends that they had by then.
fn bound(tables: &impl LogTables, bindings: Vec<BindingRecord>, until: i64) -> Result<Vec<Binding>> {
    let mut ends = BTreeMap::<u64, Option<Timestamp>>::new();
    tables.each_row("SELECT number, to_at FROM bindings", &[], |row| {
        ends.insert(row.count(0)?, row.number_option(1)?.map(Timestamp::from_epoch_seconds));
        Ok(())
    })?;
    let select = "SELECT binding, min(to_at) FROM unbindings WHERE recorded_at <= ? GROUP BY binding";
    tables.each_row(select, &[Value::Number(until)], |row| {
        ends.insert(row.count(0)?, Some(row.instant(1)?));
        Ok(())
    })?;
    let known = bindings.into_iter().filter(|record| record.recorded_at.epoch_seconds() <= until);
    Ok(known.map(|record| Binding { to: ends.remove(&record.number).flatten(), ..record.terms }).collect())
}

/// The last word about each policy that was recorded by an instant; what it says counts for the time before it, too.
fn policies(tables: &impl LogTables, until: i64) -> Result<Vec<SetPolicy>> {
    let mut policies = BTreeMap::<(ProjectName, Unit), SetPolicy>::new();
    let select = "SELECT project, unit, policy, zone FROM policies WHERE recorded_at <= ? ORDER BY number";
    tables.each_row(select, &[Value::Number(until)], |row| {
        let (project, unit) = place(row)?;
        let policy = serde_json::from_str(row.text(2)?).map_err(unreadable)?;
        let zone = row.text(3)?.parse().map_err(unreadable)?;
        policies.insert((project.clone(), unit.clone()), SetPolicy { project, unit, policy, zone });
        Ok(())
    })?;
    Ok(policies.into_values().collect())
}

/// The budgets whose switch was on at an instant.
fn enforced(tables: &impl LogTables, at: i64) -> Result<Vec<(ProjectName, Unit)>> {
    let mut switches = BTreeMap::new();
    let select = "SELECT project, unit, is_enforced FROM enforcements WHERE recorded_at <= ? ORDER BY number";
    tables.each_row(select, &[Value::Number(at)], |row| {
        switches.insert(place(row)?, row.flag(2)?);
        Ok(())
    })?;
    Ok(switches.into_iter().filter_map(|(place, is_on)| is_on.then_some(place)).collect())
}

/// Reads project and unit.
pub(super) fn place(row: &impl StoredRow) -> Result<(ProjectName, Unit)> {
    Ok((row.text(0)?.parse().map_err(unreadable)?, row.text(1)?.parse().map_err(unreadable)?))
}
