//! What balances are made of, and balances.

use super::queries::{self, all, bindings};
use super::tables::Tables;
use super::{coverage_tables, figure_tables, observation_tables, rows, spending_tables};
use crate::procedures::opening_key;
use crate::records::{BalanceParts, Result, Total};
use crate::store::Store as _;
use crate::stored::budgets_of_the_past;
use crate::{BalanceQuery, Budget, EntryKind, NewOpening, rules};
use model::{Balance, ProjectName, Timestamp, Unit};

pub(super) fn balance_parts(
    tables: &Tables<'_>,
    project: Option<&ProjectName>,
    now: Timestamp,
) -> Result<BalanceParts> {
    let connection = tables.connection;
    let name = project.map(ProjectName::as_str);
    let select = "SELECT project, unit, kind, amount FROM totals WHERE ?1 IS NULL OR project = ?1";
    let totals = all(connection, select, [name], |row| {
        let (kind, amount) = (rows::kind(row, 2)?, rows::amount(row, 3)?);
        Ok(Total { project: rows::parsed(row, 0)?, unit: rows::parsed(row, 1)?, kind, amount })
    })?;
    let terms = rules::terms(&queries::grants(tables, project)?, queries::policies(connection, project)?)?;
    let spent = spending_tables::spent(connection, &tables.names, &terms, now)?;
    // Two selects, so that each has an index of its own: closed holds are many.
    let columns = rows::HOLD;
    let select = format!(
        "SELECT {columns} FROM holds WHERE closed_at IS NULL AND (?1 IS NULL OR project = ?1)
         UNION SELECT {columns} FROM holds WHERE id IN (SELECT job FROM observed_jobs WHERE job IS NOT NULL)"
    );
    let holds = all(connection, &select, [name], rows::hold)?;
    let select = "SELECT project, unit FROM enforcements AS latest WHERE is_enforced AND (?1 IS NULL OR project = ?1)
        AND number = (SELECT max(number) FROM enforcements AS other
                      WHERE other.project = latest.project AND other.unit = latest.unit)";
    let enforced = all(connection, select, [name], |row| Ok((rows::parsed(row, 0)?, rows::parsed(row, 1)?)))?;
    let bindings = bindings(connection)?.into_iter().map(|record| record.terms).collect();
    let observations = observation_tables::observations(connection)?;
    let figures = figure_tables::latest(connection, &tables.names, project)?;
    let openings = openings(tables, &totals)?;
    let (recent, coverage) = (Vec::new(), Vec::new());
    let mut parts = BalanceParts {
        totals,
        terms,
        spent,
        recent,
        holds,
        bindings,
        observations,
        enforced,
        figures,
        openings,
        coverage,
    };
    if parts.has_unexplained() {
        parts.coverage = coverage_tables::all_coverage(connection)?;
    }
    Ok(parts)
}

/// When each opening says that its amount had been used.
fn openings(tables: &Tables<'_>, totals: &[Total]) -> Result<Vec<(ProjectName, Unit, Timestamp)>> {
    let mut openings = Vec::new();
    for Total { project, unit, .. } in totals.iter().filter(|total| total.kind == EntryKind::Opening) {
        let entry = tables.entry_with_key(&opening_key(&NewOpening::key_of(project, unit)))?;
        openings.extend(entry.map(|entry| (project.clone(), unit.clone(), entry.effective_at)));
    }
    Ok(openings)
}

pub(super) fn balances(tables: &Tables<'_>, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Balance>> {
    if query.is_of_the_past() {
        return Ok(past(tables, query, now)?.into_iter().map(|budget| budget.balance).collect());
    }
    let mut parts = balance_parts(tables, query.project.as_ref(), now)?;
    parts.coverage = coverage_tables::all_coverage(tables.connection)?;
    let mut balances = rules::balances(&parts, now)?;
    balances.retain(|balance| query.selects(balance));
    Ok(balances)
}

pub(super) fn budgets(tables: &Tables<'_>, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Budget>> {
    if query.is_of_the_past() {
        return past(tables, query, now);
    }
    let mut parts = balance_parts(tables, query.project.as_ref(), now)?;
    // Every budget that spent has totals.
    let budgets = parts.totals.iter().map(|total| (&total.project, &total.unit)).collect();
    parts.recent = spending_tables::recent(tables.connection, &tables.names, budgets, now)?;
    parts.coverage = coverage_tables::all_coverage(tables.connection)?;
    let mut budgets = rules::budgets(&parts, now)?;
    budgets.retain(|budget| query.selects(&budget.balance));
    Ok(budgets)
}

fn past(tables: &Tables<'_>, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Budget>> {
    let coverage = coverage_tables::all_coverage(tables.connection)?;
    budgets_of_the_past(tables, query, now, tables.bindings()?, coverage)
}
