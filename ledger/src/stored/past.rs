//! Balances as the books were: from the entries, of an earlier time too. By what is known now, that is `as_of.rs`.

use super::balances;
use super::entry_rows::{ENTRY, entry};
use super::knowledge::{DECIDED, Knowledge, bound_and_read};
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Value};
use super::unpriced::unpriced_runs;
use crate::records::Result;
use crate::rules::{self, Past, Sight};
use crate::store::Store;
use crate::{BalanceQuery, BoundAndRead, Budget, Entry, KnownAt, SetPolicy};
use model::{ProjectName, Timestamp, Unit};
use std::collections::BTreeMap;

/// The budgets that a query about the past selects; `now` is the instant of the question. What was bound, decided or read only
/// later does not count.
pub(super) fn budgets_of_the_past(
    tables: &(impl LogTables + Store),
    query: &BalanceQuery,
    now: Timestamp,
) -> Result<Vec<Budget>> {
    let knowledge = Knowledge::of(tables, query.known_at)?;
    let known = Timestamp::from_epoch_seconds(knowledge.until).min(now);
    let at = query.as_of.unwrap_or(known);
    let (mut condition, mut values) = ("number <= ?".to_owned(), vec![Value::Number(knowledge.last)]);
    if let Some(project) = &query.project {
        let Some(number) = tables.number_known(project.as_str())? else { return Ok(Vec::new()) };
        condition.push_str(" AND project = ?");
        values.push(Value::Number(number));
    }
    // These are few, and have an index, which is taken where no other fits.
    let given = format!(
        "{} AND kind IN ('grant', 'withdraw', 'delegate') AND run_place IS NULL AND hold IS NULL",
        condition.replace("project", "+project")
    );
    let given = rules::grants(entries(tables, &given, &values)?)?;
    let terms = rules::terms(&given, policies(tables, query.project.as_ref(), knowledge)?)?;
    let mut past = Past::new(terms, at)?;
    if let Some(as_of) = query.as_of {
        condition.push_str(&format!(" AND ({IN_EFFECT} <= ? OR kind = 'grant')"));
        values.push(Value::Number(as_of.epoch_seconds()));
    }
    let select = format!("SELECT {ENTRY} FROM entries WHERE {condition} ORDER BY number");
    tables.each_row(&select, &values, |row| past.add(&entry(row, tables)?))?;
    let sight = sight(tables, query.known_at, at)?;
    let mut budgets = past.budgets(enforced(tables, query.project.as_ref(), knowledge, query.as_of)?, sight)?;
    budgets.retain(|budget| query.selects(&budget.balance));
    Ok(budgets)
}

/// Since when an entry counts: an hour that was used from the end of its run on, and what was reserved from when it was entered.
pub(super) const IN_EFFECT: &str =
    "CASE WHEN kind IN ('hold', 'amend', 'release') THEN recorded_at ELSE effective_at END";

/// Whose runs the books could have at an instant. Whose those of that time are goes by what is bound by now, or by the time of which
/// the books are: what was read by then is another question, and where nothing was, nobody knew what was free.
pub(super) fn sight(tables: &(impl LogTables + Store), known: Option<KnownAt>, at: Timestamp) -> Result<Sight> {
    let BoundAndRead { bindings, mut coverage } = bound_and_read(tables, known)?;
    let mut unpriced = unpriced_runs(tables)?;
    unpriced.retain(|runs| runs.window.from <= at);
    // A reading that was put together with a later one is not known any more: what was free then is unknown rather than told
    // by what was read since.
    coverage.retain(|reading| reading.observed_at <= at);
    Ok(Sight { bindings, coverage, unpriced })
}

fn entries(tables: &impl LogTables, condition: &str, values: &[Value]) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    tables.each_row(&format!("SELECT {ENTRY} FROM entries WHERE {condition} ORDER BY number"), values, |row| {
        found.push(entry(row, tables)?);
        Ok(())
    })?;
    Ok(found)
}

/// The last word about each policy that was known, of one project or of all; what it says counts for the time before it, too.
fn policies(tables: &impl LogTables, project: Option<&ProjectName>, knowledge: Knowledge) -> Result<Vec<SetPolicy>> {
    let mut policies = BTreeMap::<(ProjectName, Unit), SetPolicy>::new();
    let (condition, mut values) = balances::of_project(project);
    let select =
        format!("SELECT project, unit, policy, zone FROM policies WHERE {condition} {DECIDED} ORDER BY number");
    values.extend(knowledge.values());
    tables.each_row(&select, &values, |row| {
        let (project, unit) = place(row)?;
        let policy = serde_json::from_str(row.text(2)?).map_err(unreadable)?;
        let zone = row.text(3)?.parse().map_err(unreadable)?;
        policies.insert((project.clone(), unit.clone()), SetPolicy { project, unit, policy, zone });
        Ok(())
    })?;
    Ok(policies.into_values().collect())
}

/// The budgets of one project, or of all, whose switch was known to be on, and had been set by an instant where one is asked for.
pub(super) fn enforced(
    tables: &impl LogTables,
    project: Option<&ProjectName>,
    knowledge: Knowledge,
    as_of: Option<Timestamp>,
) -> Result<Vec<(ProjectName, Unit)>> {
    let (condition, mut values) = balances::of_project(project);
    let mut switches = BTreeMap::new();
    let select = format!(
        "SELECT project, unit, is_enforced FROM enforcements WHERE {condition} {DECIDED} AND recorded_at <= ?
         ORDER BY number"
    );
    values.extend(knowledge.values());
    values.push(Value::Number(as_of.map_or(i64::MAX, Timestamp::epoch_seconds)));
    tables.each_row(&select, &values, |row| {
        switches.insert(place(row)?, row.flag(2)?);
        Ok(())
    })?;
    Ok(switches.into_iter().filter_map(|(place, is_on)| is_on.then_some(place)).collect())
}

/// Reads project and unit.
pub(super) fn place(row: &impl StoredRow) -> Result<(ProjectName, Unit)> {
    Ok((row.text(0)?.parse().map_err(unreadable)?, row.text(1)?.parse().map_err(unreadable)?))
}
