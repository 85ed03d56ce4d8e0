//! What budgets spent, hour by hour: added to with every entry, so that no balance reads the entries of a year.

use super::names::Names;
use super::rows::amount;
use crate::Entry;
use crate::records::{Result, Spent};
use crate::rules::{HOUR_SECONDS, Terms, fingerprint};
use crate::stored::{self, consumption, hours};
use model::{Amount, ProjectName, Timestamp, Unit};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Adds entries to their hours.
pub(super) fn add(connection: &Connection, names: &Names<'_>, entries: &[Entry]) -> Result<()> {
    let place = |entry: &Entry| Ok((names.number(entry.project.as_str())?, names.unit(&entry.unit)?));
    let insert = "INSERT INTO hourly_spending (project, unit, hour, spent, by_runs) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (project, unit, hour) DO UPDATE
        SET spent = spent + excluded.spent, by_runs = by_runs + excluded.by_runs";
    let mut statement = connection.prepare_cached(insert)?;
    for (((project, unit), hour), (spent, by_runs)) in hours(entries, place)? {
        statement.execute(params![project, unit, hour, spent.milli(), by_runs.milli()])?;
    }
    Ok(())
}

/// What each budget spent between the borders that its terms name up to `now`.
pub(super) fn spent(connection: &Connection, names: &Names<'_>, terms: &[Terms], now: Timestamp) -> Result<Vec<Spent>> {
    stored::spent(terms, now, |budget| Sums::of(connection, names, &budget.project, &budget.unit), Sums::between)
}

/// What a budget spent from an instant on, or from the beginning, up to another one, itself included.
pub(super) fn spent_through(
    connection: &Connection,
    names: &Names<'_>,
    (project, unit): (&ProjectName, &Unit),
    since: Option<Timestamp>,
    through: Timestamp,
) -> Result<Amount> {
    let Some(sums) = Sums::of(connection, names, project, unit)? else { return Ok(Amount::ZERO) };
    sums.between(since, through.plus_seconds(1))
}

/// The fingerprint of each budget's hours, for a verification.
pub(super) fn fingerprints(connection: &Connection) -> Result<BTreeMap<(ProjectName, Unit), u128>> {
    let select = "SELECT (SELECT text FROM names WHERE number = project), (SELECT text FROM names WHERE number = unit),
        hour, spent, by_runs FROM hourly_spending ORDER BY project, unit";
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([])?;
    let mut prints = BTreeMap::<(ProjectName, Unit), u128>::new();
    while let Some(row) = rows.next()? {
        let place = (super::rows::parsed(row, 0)?, super::rows::parsed(row, 1)?);
        let print = fingerprint(row.get(2)?, amount(row, 3)?, amount(row, 4)?);
        let sum = prints.entry(place).or_default();
        *sum = sum.wrapping_add(print);
    }
    Ok(prints)
}

/// The sums of one budget.
struct Sums<'a> {
    connection: &'a Connection,
    project: i64,
    unit: i64,
}

impl<'a> Sums<'a> {
    /// None where no entry has these names.
    fn of(connection: &'a Connection, names: &Names<'_>, project: &ProjectName, unit: &Unit) -> Result<Option<Self>> {
        let (project, unit) = (names.find(project.as_str())?, names.find(&unit.to_string())?);
        Ok(project.zip(unit).map(|(project, unit)| Self { connection, project, unit }))
    }

    /// What was spent from an instant on, or from the beginning, and before another one: whole hours, and the entries of those
    /// that were cut.
    fn between(&self, from: Option<Timestamp>, until: Timestamp) -> Result<Amount> {
        let hour = |instant: Timestamp| instant.epoch_seconds().div_euclid(HOUR_SECONDS);
        let select = "SELECT coalesce(sum(spent), 0) FROM hourly_spending
            WHERE project = ?1 AND unit = ?2 AND hour >= ?3 AND hour < ?4";
        let mut statement = self.connection.prepare_cached(select)?;
        let hours = params![self.project, self.unit, from.map_or(i64::MIN, hour), hour(until)];
        let whole = statement.query_row(hours, |row| amount(row, 0))?;
        let earlier = from.map_or(Ok(Amount::ZERO), |from| self.in_its_hour(from))?;
        Ok(whole.plus(self.in_its_hour(until)?)?.minus(earlier)?)
    }

    /// What was spent in the hour of an instant before it.
    fn in_its_hour(&self, until: Timestamp) -> Result<Amount> {
        let until = until.epoch_seconds();
        let since = until.div_euclid(HOUR_SECONDS).saturating_mul(HOUR_SECONDS);
        if since == until {
            return Ok(Amount::ZERO);
        }
        let select = format!(
            "SELECT coalesce(sum(CASE WHEN debit = budget.number THEN amount
                                      WHEN credit = budget.number THEN -amount ELSE 0 END), 0)
             FROM entries, names AS budget
             WHERE budget.text = 'budget/' || (SELECT text FROM names WHERE number = ?1)
             AND kind IN ({}) AND project = ?1 AND unit = ?2 AND effective_at >= ?3 AND effective_at < ?4",
            consumption()
        );
        let mut statement = self.connection.prepare_cached(&select)?;
        Ok(statement.query_row(params![self.project, self.unit, since, until], |row| amount(row, 0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::MIGRATIONS;
    use crate::stored::RECENT;

    /// A ledger of many projects and years has millions of hours.
    #[test]
    fn a_balance_reads_the_hours_of_its_own_budget_alone() {
        let file = Connection::open_in_memory().expect("opened");
        for (_, step) in MIGRATIONS {
            file.execute_batch(step).expect("a step");
        }
        let plan = format!("EXPLAIN QUERY PLAN {RECENT}");
        let plan: String = file.query_row(&plan, params![1, 1, 1], |row| row.get(3)).expect("a plan");
        let wanted = "SEARCH hourly_spending USING PRIMARY KEY (project=? AND unit=? AND hour>?)";
        assert_eq!(plan, wanted);
    }
}
