//! What balances are made of, and balances.

use super::queries::{self, bindings};
use super::session::Session;
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
    let session = tables.session;
    let name = project.map(ProjectName::as_str);
    let terms = rules::terms(&queries::grants(tables, project)?, queries::policies(session, project)?)?;
    let spent = spending_tables::spent(session, &terms, now)?;
    // Two selects, so that each has an index of its own: closed holds are many.
    let columns = rows::HOLD;
    let select = format!(
        "SELECT {columns} FROM holds WHERE closed_at IS NULL AND ($1::text IS NULL OR project = $1)
         UNION SELECT {columns} FROM holds WHERE id IN (SELECT job FROM observed_jobs WHERE job IS NOT NULL)
         ORDER BY id"
    );
    let holds = session.rows(&select, &[&name])?.iter().map(rows::hold).collect::<Result<_>>()?;
    let select = "SELECT project, unit FROM enforcements AS latest
        WHERE is_enforced AND ($1::text IS NULL OR project = $1)
        AND number = (SELECT max(number) FROM enforcements AS other
                      WHERE other.project = latest.project AND other.unit = latest.unit)
        ORDER BY project, unit";
    let mut enforced = Vec::new();
    for row in session.rows(select, &[&name])? {
        enforced.push((rows::parsed(&row, 0)?, rows::parsed(&row, 1)?));
    }
    let bindings = bindings(session)?.into_iter().map(|record| record.terms).collect();
    let observations = observation_tables::observations(session)?;
    let (totals, figures) = (totals(session, name)?, figure_tables::latest(session, project)?);
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
        parts.coverage = coverage_tables::all_coverage(session)?;
    }
    Ok(parts)
}

fn totals(session: &Session, project: Option<&str>) -> Result<Vec<Total>> {
    let select = "SELECT project, unit, kind, amount FROM totals WHERE $1::text IS NULL OR project = $1
        ORDER BY project, unit, kind";
    let mut totals = Vec::new();
    for row in session.rows(select, &[&project])? {
        let (kind, amount) = (rows::kind(&row, 2)?, rows::amount(&row, 3)?);
        totals.push(Total { project: rows::parsed(&row, 0)?, unit: rows::parsed(&row, 1)?, kind, amount });
    }
    Ok(totals)
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
    parts.coverage = coverage_tables::all_coverage(tables.session)?;
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
    parts.recent = spending_tables::recent(tables.session, budgets, now)?;
    parts.coverage = coverage_tables::all_coverage(tables.session)?;
    let mut budgets = rules::budgets(&parts, now)?;
    budgets.retain(|budget| query.selects(&budget.balance));
    Ok(budgets)
}

fn past(tables: &Tables<'_>, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Budget>> {
    let coverage = coverage_tables::all_coverage(tables.session)?;
    budgets_of_the_past(tables, query, now, tables.bindings()?, coverage)
}
