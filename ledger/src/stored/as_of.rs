//! Balances as of an earlier time by what is known now: from the sums that are kept by the hour and by the midnight, the entries of
//! that instant's hour, and those of the holds that were open. As it was known at an earlier time, that is `past.rs`.

use super::balances::{self, BalanceTables, openings, totals};
use super::entry_rows::{ENTRY, entry};
use super::knowledge::Knowledge;
use super::overnight::{each_across, split};
use super::past::{IN_EFFECT, enforced, sight};
use super::row::{StoredRow as _, unreadable};
use super::tables::Value;
use crate::records::{BalanceParts, Recent, Result, Spent, Total};
use crate::rules::{self, HOUR_SECONDS, Replay, Sight, Terms};
use crate::{BalanceQuery, Budget, Entry, EntryKind, Hold};
use model::{Amount, ProjectName, Timestamp, Unit, amount_before};
use std::collections::BTreeMap;

/// The budgets that a query selects, as of an instant.
pub(super) fn budgets_as_of(tables: &impl BalanceTables, query: &BalanceQuery, at: Timestamp) -> Result<Vec<Budget>> {
    let (project, by_now) = (query.project.as_ref(), Knowledge::of(tables, None)?);
    let terms = rules::terms(&tables.grants_of(project)?, tables.policies_of(project)?)?;
    let mut opened = openings(tables, project)?;
    opened.retain(|opening| opening.effective_at <= at);
    let mut parts = BalanceParts {
        spent: spent(tables, &terms, at)?,
        terms,
        holds: holds(tables, project, at)?,
        enforced: enforced(tables, project, by_now, Some(at))?,
        ..BalanceParts::default()
    };
    for ((project, unit), by_kind) in by_budget(totals(tables, project)?) {
        let opening = opened.iter().any(|opening| opening.project == project && opening.unit == unit);
        // Whatever an opening took the place of is as of the opening.
        let opening = by_kind.get(&EntryKind::Opening).filter(|_| opening).copied().unwrap_or_default();
        let Some(hours) = hours(tables, (&project, &unit), at)? else { continue };
        let is_there = by_kind.contains_key(&EntryKind::Grant) || hours.spent != Amount::ZERO;
        if !is_there && !has_entry(tables, &hours, at)? {
            continue;
        }
        let rest = hours.spent.negated()?.minus(opening)?;
        for (kind, amount) in [(EntryKind::Opening, opening), (EntryKind::Settle, rest)] {
            parts.totals.push(Total { project: project.clone(), unit: unit.clone(), kind, amount });
        }
        parts.recent.push(Recent { project, unit, amount: hours.recent });
    }
    parts.openings = opened.into_iter().map(rules::opened).collect();
    Sight { bindings: parts.bindings, coverage: parts.coverage, unpriced: parts.unpriced } = sight(tables, None, at)?;
    let mut budgets = rules::budgets(&parts, at)?;
    budgets.retain(|budget| query.selects(&budget.balance));
    Ok(budgets)
}

type ByKind = BTreeMap<EntryKind, Amount>;

fn by_budget(totals: Vec<Total>) -> BTreeMap<(ProjectName, Unit), ByKind> {
    let mut budgets = BTreeMap::<_, ByKind>::new();
    for Total { project, unit, kind, amount } in totals {
        budgets.entry((project, unit)).or_default().insert(kind, amount);
    }
    budgets
}

/// What a budget spent up to an instant, itself included.
struct Hours {
    /// The numbers of its project and its unit.
    place: [i64; 2],
    spent: Amount,
    /// By runs, in the last weeks before.
    recent: Amount,
}

/// Whole hours, and the entries of the one of the instant. None where no entry is of the budget.
fn hours(tables: &impl BalanceTables, (project, unit): (&ProjectName, &Unit), at: Timestamp) -> Result<Option<Hours>> {
    let numbers = (tables.number_known(project.as_str())?, tables.number_known(&unit.to_string())?);
    let (Some(project), Some(unit)) = numbers else { return Ok(None) };
    let mut hours = Hours { place: [project, unit], spent: Amount::ZERO, recent: Amount::ZERO };
    let hour = |instant: Timestamp| instant.epoch_seconds().div_euclid(HOUR_SECONDS);
    let (last, since) = (hour(at), hour(at.plus_seconds(-Budget::RECENT_SECONDS)));
    let select = "SELECT CAST(coalesce(sum(spent), 0) AS bigint),
            CAST(coalesce(sum(CASE WHEN hour >= ? THEN by_runs ELSE 0 END), 0) AS bigint)
        FROM hourly_spending WHERE project = ? AND unit = ? AND hour < ?";
    tables.each_row(select, &[since, project, unit, last].map(Value::Number), |row| {
        (hours.spent, hours.recent) = (row.amount(0)?, row.amount(1)?);
        Ok(())
    })?;
    let select = format!(
        "SELECT {ENTRY} FROM entries WHERE project = ? AND unit = ? AND effective_at >= ? AND effective_at <= ?"
    );
    let begun = last.saturating_mul(HOUR_SECONDS);
    tables.each_row(&select, &[project, unit, begun, at.epoch_seconds()].map(Value::Number), |row| {
        let entry = entry(row, tables)?;
        let Some(spent) = rules::spending(&entry)? else { return Ok(()) };
        hours.spent = hours.spent.plus(spent)?;
        if entry.links.run.is_some() {
            hours.recent = hours.recent.plus(spent)?;
        }
        Ok(())
    })?;
    Ok(Some(hours))
}

/// Whether anything was moved in a budget up to an instant.
fn has_entry(tables: &impl BalanceTables, hours: &Hours, at: Timestamp) -> Result<bool> {
    let moves = EntryKind::ALL.into_iter().filter(|kind| kind.moves()).map(|kind| format!("'{kind}'"));
    let select = format!(
        "SELECT 1 FROM entries WHERE project = ? AND unit = ? AND effective_at <= ? AND kind IN ({}) LIMIT 1",
        moves.collect::<Vec<_>>().join(", ")
    );
    let [project, unit] = hours.place;
    let mut is_there = false;
    tables.each_row(&select, &[project, unit, at.epoch_seconds()].map(Value::Number), |_| {
        is_there = true;
        Ok(())
    })?;
    Ok(is_there)
}

/// What each budget spent between the borders of its lots, without the runs that were under way.
fn spent(tables: &impl BalanceTables, terms: &[Terms], at: Timestamp) -> Result<Vec<Spent>> {
    let mut spent = split(tables, tables.spent(terms, at)?)?;
    for budget in terms {
        let is_its = |spent: &&mut Spent| spent.project == budget.project && spent.unit == budget.unit;
        let mut own: Vec<&mut Spent> = spent.iter_mut().filter(is_its).collect();
        if own.is_empty() {
            continue;
        }
        let numbers = (tables.number_known(budget.project.as_str())?, tables.number_known(&budget.unit.to_string())?);
        let (Some(project), Some(unit)) = numbers else { continue };
        each_across(tables, [project, unit], at.plus_seconds(1), |amount, used| {
            let mut earlier = Amount::ZERO;
            for Spent { until, amount: sum, .. } in &mut own {
                let before = amount_before(amount, used, *until).map_err(unreadable)?;
                *sum = sum.minus(before.minus(earlier)?)?;
                earlier = before;
            }
            Ok(())
        })?;
    }
    Ok(spent)
}

/// So long a hold has an index of its own, in seconds (`schema_step_10`).
const LONG: i64 = 7 * 86_400;

/// The entries of the holds that were open at an instant, up to it. Three selects, so that each has an index of its own.
fn select_holds(condition: &str) -> String {
    let begun = format!("SELECT id FROM holds WHERE {condition} opened_at <= ?");
    format!(
        "SELECT {ENTRY} FROM entries WHERE hold IN (
             {begun} AND closed_at IS NULL
             UNION ALL {begun} AND closed_at > ? AND closed_at <= ?
             UNION ALL {begun} AND closed_at > ? AND closed_at - opened_at > {LONG}
         ) AND {IN_EFFECT} <= ? ORDER BY number"
    )
}

/// The holds that were open at an instant, as they were then.
fn holds(tables: &impl BalanceTables, project: Option<&ProjectName>, at: Timestamp) -> Result<Vec<Hold>> {
    let (condition, of_project) = balances::of_project(project);
    let at = at.epoch_seconds();
    let soon = at.saturating_add(LONG);
    let mut values = Vec::new();
    for instants in [vec![at], vec![at, at, soon], vec![at, soon]] {
        values.extend(of_project.iter().cloned().chain(instants.into_iter().map(Value::Number)));
    }
    values.push(Value::Number(at));
    let mut replay = Replay::default();
    tables.each_row(&select_holds(condition), &values, |row| {
        let entry: Entry = entry(row, tables)?;
        replay.apply_to_hold(&entry)
    })?;
    Ok(replay.holds().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::MIGRATIONS;
    use rusqlite::Connection;

    /// Of a year of jobs a few were open at any instant.
    #[test]
    fn the_holds_of_an_instant_are_found_without_a_look_at_the_others() {
        let file = Connection::open_in_memory().expect("opened");
        for (_, step) in MIGRATIONS {
            file.execute_batch(step).expect("a step");
        }
        let select = format!("EXPLAIN QUERY PLAN {}", select_holds("project = 'atlas' AND").replace('?', "1"));
        let mut statement = file.prepare(&select).expect("prepared");
        let steps = statement.query_map([], |row| row.get::<_, String>(3)).expect("a plan");
        let steps: Vec<String> =
            steps.map(|step| step.expect("a step")).filter(|step| step.contains(" holds ")).collect();
        let of = |index: &str| steps.iter().filter(|step| step.contains(index)).count();
        assert_eq!([of("INDEX open_holds (project=?)"), of("(project=? AND closed_at>?")], [1, 2], "{steps:?}");
        assert_eq!([of("INDEX closed_holds"), of("INDEX long_holds"), of("SCAN")], [1, 1, 0], "{steps:?}");
    }
}
