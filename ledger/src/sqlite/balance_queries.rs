//! What balances are made of, and balances.

use super::queries::{all, bindings, grant_entries};
use super::tables::Tables;
use super::{observation_tables, rows};
use crate::records::{BalanceParts, Lot, Result, Spent, Total};
use crate::rules;
use crate::{BalanceQuery, Entry, Particulars};
use model::{Balance, ProjectName, Timestamp, Unit};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

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
    let lots: Vec<Lot> = grant_entries(tables, project)?
        .into_iter()
        .map(|entry| {
            let ends_at = match entry.particulars {
                Particulars::Lot { ends_at } => Some(ends_at),
                _ => None,
            };
            let Entry { project, unit, amount, effective_at: from, .. } = entry;
            Lot { project, unit, amount, from, ends_at }
        })
        .collect();
    let spent = spent(connection, &lots, now)?;
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
    Ok(BalanceParts { totals, lots, spent, holds, bindings, observations, enforced })
}

pub(super) fn balances(tables: &Tables<'_>, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Balance>> {
    let parts = balance_parts(tables, query.project.as_ref(), now)?;
    let mut balances = rules::balances(&parts, now)?;
    balances.retain(|balance| {
        query.project.as_ref().is_none_or(|project| *project == balance.project)
            && query.site.as_ref().is_none_or(|site| site == balance.unit.site())
    });
    Ok(balances)
}

/// What was consumed between the borders of the lots of each project and unit that has one which is over. Where none is
/// over, nothing is asked: the sums read every entry of their time.
fn spent(connection: &Connection, lots: &[Lot], now: Timestamp) -> Result<Vec<Spent>> {
    let mut places = BTreeMap::<(&ProjectName, &Unit), BTreeSet<Timestamp>>::new();
    for lot in lots.iter().filter(|lot| lot.ends_at.is_some_and(|ends_at| ends_at <= now)) {
        places.entry((&lot.project, &lot.unit)).or_default();
    }
    for lot in lots {
        if let Some(borders) = places.get_mut(&(&lot.project, &lot.unit)) {
            borders.extend([Some(lot.from), lot.ends_at].into_iter().flatten().filter(|border| *border <= now));
        }
    }
    let select = "SELECT coalesce(sum(CASE WHEN debit = (SELECT number FROM names WHERE text = 'budget/' || ?1)
                                      THEN amount ELSE -amount END), 0)
        FROM entries WHERE kind NOT IN ('grant', 'hold', 'amend', 'release')
        AND project = (SELECT number FROM names WHERE text = ?1) AND unit = (SELECT number FROM names WHERE text = ?2)
        AND effective_at >= ?3 AND effective_at < ?4";
    let mut statement = connection.prepare_cached(select)?;
    let mut spent = Vec::new();
    for ((project, unit), borders) in places {
        let mut since = i64::MIN;
        for until in borders {
            let window = params![project.as_str(), unit.to_string(), since, until.epoch_seconds()];
            let amount = statement.query_row(window, |row| rows::amount(row, 0))?;
            spent.push(Spent { project: project.clone(), unit: unit.clone(), until, amount });
            since = until.epoch_seconds();
        }
    }
    Ok(spent)
}
