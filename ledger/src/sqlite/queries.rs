//! What only reads: statements, lists, pages, and the stored side of a verification.

use super::{rows, run_tables};
use crate::records::{BookedRun, Result, Standing};
use crate::rules::{self, Replay, Stored};
use crate::{BindingRecord, Cursor, Entry, EntryPage, Grant, Hold, Scope, UnattributedRun, Verification};
use model::{Amount, ClusterName, ProjectName, RunKey, SiteName, Statement, Timestamp, Unit, Window};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

/// All rows of a query.
pub(super) fn all<T, P: Params>(
    connection: &Connection,
    sql: &str,
    parameters: P,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(parameters, read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found)
}

pub(super) fn bindings(connection: &Connection) -> Result<Vec<BindingRecord>> {
    let select = format!("SELECT {} FROM bindings ORDER BY number", rows::BINDING);
    all(connection, &select, [], rows::binding)
}

pub(super) fn cursor(
    connection: &Connection,
    site: &SiteName,
    cluster: &ClusterName,
    scope: &Scope,
) -> Result<Option<Cursor>> {
    let select = "SELECT settled_until FROM cursors WHERE site = ?1 AND cluster = ?2 AND scope = ?3";
    let mut statement = connection.prepare_cached(select)?;
    let place = [site.as_str(), cluster.as_str(), &scope.to_string()];
    let found = statement.query_row(place, |row| rows::instant(row, 0)).optional()?;
    let (site, cluster, scope) = (site.clone(), cluster.clone(), scope.clone());
    Ok(found.map(|settled_until| Cursor { site, cluster, scope, settled_until }))
}

pub(super) fn written_at(connection: &Connection) -> Result<Option<Timestamp>> {
    let select = "SELECT recorded_at FROM posts ORDER BY number DESC LIMIT 1";
    Ok(connection.query_row(select, [], |row| rows::instant(row, 0)).optional()?)
}

pub(super) fn open_holds(connection: &Connection, project: Option<&ProjectName>) -> Result<Vec<Hold>> {
    let select = format!(
        "SELECT {} FROM holds WHERE closed_at IS NULL AND (?1 IS NULL OR project = ?1) ORDER BY id",
        rows::HOLD
    );
    all(connection, &select, [project.map(ProjectName::as_str)], rows::hold)
}

/// The entries of grants, of one project or of all.
pub(super) fn grant_entries(connection: &Connection, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
    let select = format!(
        "SELECT {} FROM entries WHERE kind = 'grant' AND (?1 IS NULL OR project = ?1) ORDER BY number",
        rows::ENTRY
    );
    all(connection, &select, [project.map(ProjectName::as_str)], rows::entry)
}

pub(super) fn grants(connection: &Connection, project: Option<&ProjectName>) -> Result<Vec<Grant>> {
    Ok(grant_entries(connection, project)?.into_iter().filter_map(rows::grant).collect())
}

pub(super) fn statement(
    connection: &Connection,
    project: &ProjectName,
    unit: &Unit,
    window: Window,
) -> Result<Statement> {
    let place = "kind NOT IN ('hold', 'amend', 'release') AND project = ?1 AND unit = ?2";
    let select = format!(
        "SELECT coalesce(sum(CASE WHEN credit = 'budget/' || project THEN amount ELSE -amount END), 0)
         FROM entries WHERE {place} AND effective_at < ?3"
    );
    let (name, unit_text) = (project.as_str(), unit.to_string());
    let (from, to) = (window.from.epoch_seconds(), window.to.epoch_seconds());
    let opening: Amount = connection.query_row(&select, params![name, unit_text, from], |row| rows::amount(row, 0))?;
    let select = format!(
        "SELECT {} FROM entries WHERE {place} AND effective_at >= ?3 AND effective_at < ?4 ORDER BY effective_at, number",
        rows::ENTRY
    );
    let entries = all(connection, &select, params![name, unit_text, from, to], rows::entry)?;
    rules::statement(project, unit, window, opening, &entries)
}

pub(super) fn unattributed(connection: &Connection) -> Result<Vec<UnattributedRun>> {
    Ok(uncharged(run_tables::unattributed_runs(connection)?))
}

pub(super) fn unpriced(
    connection: &Connection,
    site: &SiteName,
    after: Option<&RunKey>,
    limit: u32,
) -> Result<Vec<UnattributedRun>> {
    Ok(uncharged(run_tables::page(connection, run_tables::Listed::Unpriced, site, after, limit)?))
}

fn uncharged(runs: Vec<BookedRun>) -> Vec<UnattributedRun> {
    let listed = runs.into_iter().filter_map(|run| match run.standing {
        Standing::Unattributed(reason) => {
            Some(UnattributedRun { run: run.settled.run, price: run.settled.price, reason })
        }
        Standing::Charged(_) => None,
    });
    listed.collect()
}

pub(super) fn entries(connection: &Connection, page: EntryPage) -> Result<Vec<Entry>> {
    let select = format!("SELECT {} FROM entries WHERE number > ?1 ORDER BY number LIMIT ?2", rows::ENTRY);
    all(connection, &select, params![rows::number(page.after)?, page.limit], rows::entry)
}

/// Replays the entries one by one and compares; the whole is one reading transaction, so writers do not disturb it.
pub(super) fn verify(connection: &Connection) -> Result<Verification> {
    let mut replay = Replay::default();
    let mut statement = connection.prepare(&format!("SELECT {} FROM entries ORDER BY number", rows::ENTRY))?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        replay.apply(&rows::entry(row)?)?;
    }
    replay.compare(&stored(connection)?)
}

fn stored(connection: &Connection) -> Result<Stored> {
    let balances = all(connection, "SELECT account, unit, amount FROM balances", [], |row| {
        Ok(((rows::parsed(row, 0)?, rows::parsed(row, 1)?), rows::amount(row, 2)?))
    })?;
    let totals = all(connection, "SELECT project, unit, kind, amount FROM totals", [], |row| {
        Ok(((rows::parsed(row, 0)?, rows::parsed(row, 1)?, rows::kind(row, 2)?), rows::amount(row, 3)?))
    })?;
    let holds = all(connection, &format!("SELECT {} FROM holds", rows::HOLD), [], |row| {
        rows::hold(row).map(|hold| (hold.id, hold))
    })?;
    let select =
        "SELECT site || '/' || cluster || '/' || scheduler_job || '@' || submitted_at, coalesce(amount, 0) FROM runs";
    let runs = all(connection, select, [], |row| {
        let key = rows::run_key(row, 0)?.ok_or_else(|| rows::unreadable(0, "a run has no key"))?;
        Ok((key, rows::amount(row, 1)?))
    })?;
    Ok(Stored {
        balances: balances.into_iter().collect(),
        totals: totals.into_iter().collect(),
        holds: holds.into_iter().collect(),
        runs: runs.into_iter().collect(),
        has_runs: !is_replica(connection)?,
    })
}

/// Whether the file was made by a replay.
pub(super) fn is_replica(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'replica')", [], |row| row.get(0))?)
}
