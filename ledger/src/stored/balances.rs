//! What balances are made of, and balances.

use super::as_of::budgets_as_of;
use super::coverage::all_coverage;
use super::overnight;
use super::past::{budgets_of_the_past, place};
use super::row::StoredRow as _;
use super::tables::{LogTables, Value};
use super::unpriced::unpriced_runs;
use crate::procedures::opening_key;
use crate::records::{BalanceParts, NotedFigure, Recent, Result, Spent, Total};
use crate::rules::{HOUR_SECONDS, Terms};
use crate::store::Store;
use crate::{BalanceQuery, Budget, Entry, EntryKind, Grant, Hold, Observation, SetPolicy, rules};
use model::{Balance, ProjectName, Timestamp, Unit};
use std::collections::BTreeSet;

/// What a store reads for balances in its own way: of one project, or of all.
pub(crate) trait BalanceTables: LogTables + Store {
    fn grants_of(&self, project: Option<&ProjectName>) -> Result<Vec<Grant>>;
    /// The last word about each policy.
    fn policies_of(&self, project: Option<&ProjectName>) -> Result<Vec<SetPolicy>>;
    /// What each budget spent between the borders that its terms name up to `now`, each charge where its run ends.
    fn spent(&self, terms: &[Terms], now: Timestamp) -> Result<Vec<Spent>>;
    /// The holds that a statement selects, which is made of their columns.
    fn holds(&self, select: impl Fn(&str) -> String, values: &[Value]) -> Result<Vec<Hold>>;
    fn observations(&self) -> Result<Vec<Observation>>;
    /// Of each budget the latest figure of the site.
    fn latest_figures(&self, project: Option<&ProjectName>) -> Result<Vec<NotedFigure>>;
}

/// What balances at `now` are made of; totals, terms and open holds of one project only where one is named.
pub(crate) fn balance_parts(
    tables: &impl BalanceTables,
    project: Option<&ProjectName>,
    now: Timestamp,
) -> Result<BalanceParts> {
    let terms = rules::terms(&tables.grants_of(project)?, tables.policies_of(project)?)?;
    let totals = totals(tables, project)?;
    let mut parts = BalanceParts {
        spent: overnight::split(tables, tables.spent(&terms, now)?)?,
        terms,
        recent: Vec::new(),
        holds: holds(tables, project)?,
        bindings: tables.bindings()?.into_iter().map(|record| record.terms).collect(),
        observations: tables.observations()?,
        enforced: enforced(tables, project)?,
        figures: tables.latest_figures(project)?,
        openings: openings_in(tables, &totals)?.into_iter().map(rules::opened).collect(),
        totals,
        coverage: Vec::new(),
        unpriced: Vec::new(),
    };
    if parts.has_unexplained() {
        parts.coverage = all_coverage(tables)?;
    }
    Ok(parts)
}

/// The balances that a query selects.
pub(crate) fn balances(tables: &impl BalanceTables, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Balance>> {
    if query.is_of_the_past() {
        return Ok(past(tables, query, now)?.into_iter().map(|budget| budget.balance).collect());
    }
    let mut parts = balance_parts(tables, query.project.as_ref(), now)?;
    parts.coverage = all_coverage(tables)?;
    parts.unpriced = unpriced_runs(tables)?;
    let mut balances = rules::balances(&parts, now)?;
    balances.retain(|balance| query.selects(balance));
    Ok(balances)
}

/// The budgets that a query selects: balances, and what comes.
pub(crate) fn budgets(tables: &impl BalanceTables, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Budget>> {
    if query.is_of_the_past() {
        return past(tables, query, now);
    }
    let mut parts = balance_parts(tables, query.project.as_ref(), now)?;
    parts.recent = recent(tables, &parts.totals, now)?;
    parts.coverage = all_coverage(tables)?;
    parts.unpriced = unpriced_runs(tables)?;
    let mut budgets = rules::budgets(&parts, now)?;
    budgets.retain(|budget| query.selects(&budget.balance));
    Ok(budgets)
}

fn past(tables: &impl BalanceTables, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Budget>> {
    match (query.as_of, query.known_at) {
        (Some(as_of), None) => budgets_as_of(tables, query, as_of),
        _ => budgets_of_the_past(tables, query, now),
    }
}

/// A condition on the project of a row, after which others may follow.
pub(super) fn of_project(project: Option<&ProjectName>) -> (&'static str, Vec<Value>) {
    match project {
        Some(project) => ("project = ? AND", vec![Value::Text(project.to_string())]),
        None => ("", Vec::new()),
    }
}

pub(super) fn totals(tables: &impl LogTables, project: Option<&ProjectName>) -> Result<Vec<Total>> {
    let (condition, values) = of_project(project);
    let select =
        format!("SELECT project, unit, kind, amount FROM totals WHERE {condition} 1 = 1 ORDER BY project, unit, kind");
    let mut totals = Vec::new();
    tables.each_row(&select, &values, |row| {
        let (project, unit) = place(row)?;
        totals.push(Total { project, unit, kind: row.kind(2)?, amount: row.amount(3)? });
        Ok(())
    })?;
    Ok(totals)
}

/// The open holds, and those of jobs that were seen. Two selects, so that each has an index of its own: closed holds are many.
pub(super) fn holds(tables: &impl BalanceTables, project: Option<&ProjectName>) -> Result<Vec<Hold>> {
    let (condition, values) = of_project(project);
    let select = |columns: &str| {
        format!(
            "SELECT {columns} FROM holds WHERE {condition} closed_at IS NULL
             UNION SELECT {columns} FROM holds WHERE id IN (SELECT job FROM observed_jobs WHERE job IS NOT NULL)
             ORDER BY id"
        )
    };
    tables.holds(select, &values)
}

/// The budgets whose switch is on.
fn enforced(tables: &impl LogTables, project: Option<&ProjectName>) -> Result<Vec<(ProjectName, Unit)>> {
    let (condition, values) = of_project(project);
    let select = format!(
        "SELECT project, unit FROM enforcements AS latest WHERE {condition} is_enforced
         AND number = (SELECT max(number) FROM enforcements AS other
                       WHERE other.project = latest.project AND other.unit = latest.unit)
         ORDER BY project, unit"
    );
    let mut enforced = Vec::new();
    tables.each_row(&select, &values, |row| {
        enforced.push(place(row)?);
        Ok(())
    })?;
    Ok(enforced)
}

/// The opening of each budget that has one.
fn openings_in(tables: &impl Store, totals: &[Total]) -> Result<Vec<Entry>> {
    let opened = totals.iter().filter(|total| total.kind == EntryKind::Opening);
    let key = |total: &Total| opening_key(&total.project, &total.unit);
    opened.filter_map(|total| tables.entry_with_key(&key(total)).transpose()).collect()
}

/// The openings of one project, or of all.
pub(crate) fn openings<T: LogTables + Store>(tables: &T, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
    openings_in(tables, &totals(tables, project)?)
}

/// The hours of one budget from one on: a part of the table's key, so that no other budget's hours are read.
pub(crate) const RECENT: &str = "SELECT CAST(coalesce(sum(by_runs), 0) AS bigint) FROM hourly_spending
    WHERE project = ? AND unit = ? AND hour >= ?";

/// What the runs of the budgets that have totals consumed in the last weeks, to the hour.
fn recent(tables: &impl LogTables, totals: &[Total], now: Timestamp) -> Result<Vec<Recent>> {
    let since = now.plus_seconds(-Budget::RECENT_SECONDS).epoch_seconds().div_euclid(HOUR_SECONDS);
    // Every budget that spent has totals.
    let budgets: BTreeSet<_> = totals.iter().map(|total| (&total.project, &total.unit)).collect();
    let mut found = Vec::with_capacity(budgets.len());
    for (project, unit) in budgets {
        let place = tables.number_known(project.as_str())?.zip(tables.number_known(&unit.to_string())?);
        let Some((project_number, unit_number)) = place else { continue };
        let values = [project_number, unit_number, since].map(Value::Number);
        tables.each_row(RECENT, &values, |row| {
            found.push(Recent { project: project.clone(), unit: unit.clone(), amount: row.amount(0)? });
            Ok(())
        })?;
    }
    Ok(found)
}
