//! What budgets spent, hour by hour: added to with every entry, so that no balance reads the entries of a year.

use super::rows::{amount, get, parsed};
use super::session::Session;
use crate::Entry;
use crate::records::{Result, Spent};
use crate::rules::{HOUR_SECONDS, Terms, fingerprint};
use crate::stored::{self, consumption, hours};
use model::{Amount, ProjectName, Timestamp, Unit};
use std::collections::BTreeMap;

/// Adds entries to their hours.
pub(super) fn add(session: &Session, entries: &[Entry]) -> Result<()> {
    let place = |entry: &Entry| Ok((session.number(entry.project.as_str())?, session.unit(&entry.unit)?));
    let hours = hours(entries, place)?;
    if hours.is_empty() {
        return Ok(());
    }
    let projects: Vec<i32> = hours.keys().map(|((project, _), _)| *project).collect();
    let units: Vec<i32> = hours.keys().map(|((_, unit), _)| *unit).collect();
    let numbers: Vec<i64> = hours.keys().map(|(_, hour)| *hour).collect();
    let spent: Vec<i64> = hours.values().map(|(spent, _)| spent.milli()).collect();
    let by_runs: Vec<i64> = hours.values().map(|(_, by_runs)| by_runs.milli()).collect();
    let insert = "INSERT INTO hourly_spending AS known (project, unit, hour, spent, by_runs)
        SELECT * FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[])
        ON CONFLICT (project, unit, hour) DO UPDATE
        SET spent = known.spent + excluded.spent, by_runs = known.by_runs + excluded.by_runs";
    session.execute(insert, &[&projects, &units, &numbers, &spent, &by_runs]).map(drop)
}

/// What each budget spent between the borders that its terms name up to `now`.
pub(super) fn spent(session: &Session, terms: &[Terms], now: Timestamp) -> Result<Vec<Spent>> {
    let sums_of = |budget: &Terms| {
        let places = (session.find(budget.project.as_str())?, session.find(&budget.unit.to_string())?);
        Ok(places.0.zip(places.1))
    };
    stored::spent(terms, now, sums_of, |place, from, until| between(session, *place, from, until))
}

/// What a budget spent from an instant on, or from the beginning, up to another one, itself included.
pub(super) fn spent_through(
    session: &Session,
    (project, unit): (&ProjectName, &Unit),
    since: Option<Timestamp>,
    through: Timestamp,
) -> Result<Amount> {
    let place = session.find(project.as_str())?.zip(session.find(&unit.to_string())?);
    let Some(place) = place else { return Ok(Amount::ZERO) };
    between(session, place, since, through.plus_seconds(1))
}

/// What a budget spent from an instant on, or from the beginning, and before another one: whole hours, and the entries of those
/// that were cut.
fn between(session: &Session, place: (i32, i32), from: Option<Timestamp>, until: Timestamp) -> Result<Amount> {
    let hour = |instant: Timestamp| instant.epoch_seconds().div_euclid(HOUR_SECONDS);
    let select = "SELECT coalesce(sum(spent), 0)::bigint FROM hourly_spending
        WHERE project = $1 AND unit = $2 AND hour >= $3 AND hour < $4";
    let (since, through) = (from.map_or(i64::MIN, hour), hour(until));
    let whole = amount(&session.one(select, &[&place.0, &place.1, &since, &through])?, 0)?;
    let earlier = from.map_or(Ok(Amount::ZERO), |from| in_its_hour(session, place, from))?;
    Ok(whole.plus(in_its_hour(session, place, until)?)?.minus(earlier)?)
}

/// What a budget spent in the hour of an instant before it.
fn in_its_hour(session: &Session, (project, unit): (i32, i32), until: Timestamp) -> Result<Amount> {
    let until = until.epoch_seconds();
    let since = until.div_euclid(HOUR_SECONDS).saturating_mul(HOUR_SECONDS);
    if since == until {
        return Ok(Amount::ZERO);
    }
    let select = format!(
        "SELECT coalesce(sum(CASE WHEN debit = budget.number THEN amount
                                  WHEN credit = budget.number THEN -amount ELSE 0 END), 0)::bigint
         FROM entries, names AS budget
         WHERE budget.text = 'budget/' || (SELECT text FROM names WHERE number = $1)
         AND kind IN ({}) AND project = $1 AND unit = $2 AND effective_at >= $3 AND effective_at < $4",
        consumption()
    );
    amount(&session.one(&select, &[&project, &unit, &since, &until])?, 0)
}

/// The fingerprint of each budget's hours, for a verification.
pub(super) fn fingerprints(session: &Session) -> Result<BTreeMap<(ProjectName, Unit), u128>> {
    let select = "SELECT (SELECT text FROM names WHERE number = project), (SELECT text FROM names WHERE number = unit),
        hour, spent, by_runs FROM hourly_spending";
    let mut prints = BTreeMap::<(ProjectName, Unit), u128>::new();
    for row in session.rows(select, &[])? {
        let print = fingerprint(get(&row, 2)?, amount(&row, 3)?, amount(&row, 4)?);
        let sum = prints.entry((parsed(&row, 0)?, parsed(&row, 1)?)).or_default();
        *sum = sum.wrapping_add(print);
    }
    Ok(prints)
}
