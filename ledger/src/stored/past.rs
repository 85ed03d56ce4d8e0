//! Balances as the books were, or as of an earlier time: from the entries.

use super::entry_rows::{ENTRY, entry};
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Value};
use super::usage_queries::known_at;
use crate::records::Result;
use crate::rules::{Past, Sight};
use crate::{BalanceQuery, BindingRecord, Budget, Coverage, Entry, KnownAt, SetPolicy};
use model::{ProjectName, Timestamp, Unit};
use std::collections::BTreeMap;

/// The budgets that a query about the past selects; `now` is the instant of the question. `bindings` and `coverage` are those
/// of today: what was bound or read only later does not count.
pub(super) fn budgets_of_the_past(
    tables: &impl LogTables,
    query: &BalanceQuery,
    now: Timestamp,
    bindings: Vec<BindingRecord>,
    coverage: Vec<Coverage>,
) -> Result<Vec<Budget>> {
    let last = known_at(tables, query.known_at)?;
    let at = query.as_of.map_or_else(|| instant(tables, query.known_at, now), Ok)?;
    let mut condition = "number <= ?".to_owned();
    let mut values = vec![Value::Number(last)];
    if let Some(project) = &query.project {
        let Some(number) = tables.number_known(project.as_str())? else { return Ok(Vec::new()) };
        condition.push_str(" AND project = ?");
        values.push(Value::Number(number));
    }
    let given = "kind IN ('grant', 'withdraw', 'delegate')";
    let mut past = Past::new(entries(tables, &format!("{condition} AND {given}"), &values)?, policies(tables)?, at)?;
    if let Some(as_of) = query.as_of {
        condition.push_str(" AND (effective_at <= ? OR kind = 'grant')");
        values.push(Value::Number(as_of.epoch_seconds()));
    }
    let select = format!("SELECT {ENTRY} FROM entries WHERE {condition} ORDER BY number");
    tables.each_row(&select, &values, |row| past.add(&entry(row, tables)?))?;
    let bindings = bindings.into_iter().filter(|record| record.recorded_at <= at).map(|record| record.terms);
    // A reading that was put together with a later one is not known any more: what was free then is unknown rather than told
    // by what was read since.
    let coverage = coverage.into_iter().filter(|reading| reading.observed_at <= at);
    let sight = Sight { bindings: bindings.collect(), coverage: coverage.collect() };
    let mut budgets = past.budgets(enforced(tables, at)?, sight)?;
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

/// The instant of a state of the books: the one that was said, or when its last entry was recorded. The newest state is of now.
fn instant(tables: &impl LogTables, known: Option<KnownAt>, now: Timestamp) -> Result<Timestamp> {
    match known {
        None => Ok(now),
        Some(KnownAt::Instant(instant)) => Ok(instant.min(now)),
        Some(KnownAt::Entry(_)) => {
            let mut at = now;
            let select = "SELECT recorded_at FROM entries WHERE number = ?
                AND number < (SELECT max(last_entry) FROM posts)";
            tables.each_row(select, &[Value::Number(known_at(tables, known)?)], |row| {
                at = row.instant(0)?;
                Ok(())
            })?;
            Ok(at)
        }
    }
}

/// The last word about each policy: it counts for the past too.
fn policies(tables: &impl LogTables) -> Result<Vec<SetPolicy>> {
    let mut policies = BTreeMap::<(ProjectName, Unit), SetPolicy>::new();
    tables.each_row("SELECT project, unit, policy, zone FROM policies ORDER BY number", &[], |row| {
        let (project, unit) = place(row)?;
        let policy = serde_json::from_str(row.text(2)?).map_err(unreadable)?;
        let zone = row.text(3)?.parse().map_err(unreadable)?;
        policies.insert((project.clone(), unit.clone()), SetPolicy { project, unit, policy, zone });
        Ok(())
    })?;
    Ok(policies.into_values().collect())
}

/// The budgets whose switch was on at an instant.
fn enforced(tables: &impl LogTables, at: Timestamp) -> Result<Vec<(ProjectName, Unit)>> {
    let mut switches = BTreeMap::new();
    let select = "SELECT project, unit, is_enforced FROM enforcements WHERE recorded_at <= ? ORDER BY number";
    tables.each_row(select, &[Value::Number(at.epoch_seconds())], |row| {
        switches.insert(place(row)?, row.flag(2)?);
        Ok(())
    })?;
    Ok(switches.into_iter().filter_map(|(place, is_on)| is_on.then_some(place)).collect())
}

/// Reads project and unit.
pub(super) fn place(row: &impl StoredRow) -> Result<(ProjectName, Unit)> {
    Ok((row.text(0)?.parse().map_err(unreadable)?, row.text(1)?.parse().map_err(unreadable)?))
}
