//! What only reads: statements, lists, pages, and the stored side of a verification.

use super::entry_tables::entries_where;
use super::run_tables::{key_of, raw_id};
use super::tables::Tables;
use super::{rows, run_tables};
use crate::price_shape::PriceShape;
use crate::records::{BookedRun, Result};
use crate::rules::{self, Stored};
use crate::stored::{LONG, place};
use crate::{
    BindingRecord, Cursor, Entry, EntryPage, Grant, Hold, KnownAt, LedgerError, LedgerErrorKind, Proposal, Scope,
    SetPolicy, UnattributedRun,
};
use model::{Amount, Charge, ClusterName, ProjectName, RunKey, SiteName, Statement, Timestamp, Unit, Window};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use std::collections::BTreeMap;

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

/// What the clock of whoever posted last showed.
pub(super) fn written_at(connection: &Connection) -> Result<Option<Timestamp>> {
    let select = "SELECT coalesce(clock_at, recorded_at) FROM posts ORDER BY number DESC LIMIT 1";
    Ok(connection.query_row(select, [], |row| rows::instant(row, 0)).optional()?)
}

/// When the last post was recorded.
pub(super) fn recorded_at(connection: &Connection) -> Result<Option<Timestamp>> {
    let select = "SELECT recorded_at FROM posts ORDER BY number DESC LIMIT 1";
    Ok(connection.prepare_cached(select)?.query_row([], |row| rows::instant(row, 0)).optional()?)
}

/// The number of the last entry of a state of the books.
pub(super) fn known_at(connection: &Connection, known_at: Option<KnownAt>) -> Result<i64> {
    match known_at {
        None => Ok(i64::MAX),
        Some(KnownAt::Entry(entry)) => Ok(i64::try_from(entry).unwrap_or(i64::MAX)),
        Some(KnownAt::Instant(instant)) => {
            let select = "SELECT coalesce(max(last_entry), 0) FROM posts WHERE recorded_at <= ?1";
            Ok(connection.prepare_cached(select)?.query_row([instant.epoch_seconds()], |row| row.get(0))?)
        }
    }
}

pub(super) fn open_holds(connection: &Connection, project: Option<&ProjectName>) -> Result<Vec<Hold>> {
    let select = format!(
        "SELECT {} FROM holds WHERE closed_at IS NULL AND (?1 IS NULL OR project = ?1) ORDER BY id",
        rows::HOLD
    );
    all(connection, &select, [project.map(ProjectName::as_str)], rows::hold)
}

/// The entries of some kinds that are about neither runs nor holds, of one project or of all. There is an index of these.
fn of_kinds(tables: &Tables<'_>, kinds: &str, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
    entries_where(tables, &condition_of(kinds), [project.map(ProjectName::as_str)])
}

fn condition_of(kinds: &str) -> String {
    format!(
        "run_place IS NULL AND hold IS NULL AND {kinds}
         AND (?1 IS NULL OR project = (SELECT number FROM names WHERE text = ?1)) ORDER BY number"
    )
}

pub(super) fn grants(tables: &Tables<'_>, project: Option<&ProjectName>) -> Result<Vec<Grant>> {
    let mut entries = of_kinds(tables, "kind = 'grant'", project)?;
    entries.extend(of_kinds(tables, "kind IN ('withdraw', 'delegate')", project)?);
    Ok(rules::grants(entries)?)
}

/// Adjustments that wait.
pub(super) fn proposals(connection: &Connection) -> Result<Vec<Proposal>> {
    let mut found: Vec<Proposal> =
        all(connection, "SELECT proposal FROM proposals WHERE entry IS NULL", [], |row| rows::from_json(row, 0))?;
    found.sort_by_key(|proposal| proposal.proposed_at);
    Ok(found)
}

/// What was adjusted by hand.
pub(super) fn adjustments(tables: &Tables<'_>, project: &ProjectName) -> Result<Vec<Entry>> {
    of_kinds(tables, "kind = 'adjust'", Some(project))
}

/// What was posted because time went by, of one project or of all.
pub(super) fn expiries(tables: &Tables<'_>, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
    of_kinds(tables, "kind IN ('expire', 'forgive')", project)
}

/// The last word about each budget's policy, of one project or of all.
pub(super) fn policies(connection: &Connection, project: Option<&ProjectName>) -> Result<Vec<SetPolicy>> {
    let select = "SELECT project, unit, policy, zone FROM policies AS latest WHERE (?1 IS NULL OR project = ?1)
        AND number = (SELECT max(number) FROM policies AS other
                      WHERE other.project = latest.project AND other.unit = latest.unit)";
    all(connection, select, [project.map(ProjectName::as_str)], policy)
}

/// Reads project, unit, policy and zone.
pub(super) fn policy(row: &Row<'_>) -> rusqlite::Result<SetPolicy> {
    let (project, unit) = (rows::parsed(row, 0)?, rows::parsed(row, 1)?);
    Ok(SetPolicy { project, unit, policy: rows::from_json(row, 2)?, zone: rows::parsed(row, 3)? })
}

/// Which entries a statement is about: those that move, of a project (`?1`) and a unit (`?2`).
const STATED: &str = "kind NOT IN ('hold', 'amend', 'release', 'propose', 'decide')
    AND project = (SELECT number FROM names WHERE text = ?1) AND unit = (SELECT number FROM names WHERE text = ?2)";

pub(super) fn statement(
    tables: &Tables<'_>,
    project: &ProjectName,
    unit: &Unit,
    window: Window,
    known: Option<KnownAt>,
) -> Result<Statement> {
    let connection = tables.connection;
    let select = format!(
        "SELECT coalesce(sum(CASE WHEN credit = (SELECT number FROM names WHERE text = 'budget/' || ?1)
                             THEN amount ELSE -amount END), 0)
         FROM entries WHERE {STATED} AND effective_at < ?3 AND number <= ?4"
    );
    let (name, unit_text) = (project.as_str(), unit.to_string());
    let (from, to) = (window.from.epoch_seconds(), window.to.epoch_seconds());
    let last = known_at(connection, known)?;
    let parameters = params![name, unit_text, from, last];
    let opening: Amount = connection.query_row(&select, parameters, |row| rows::amount(row, 0))?;
    let condition = format!(
        "{STATED} AND number <= ?5 AND ((effective_at >= ?3 AND effective_at < ?6 AND (effective_at < ?4 OR started < ?4))
         OR (effective_at - started > {LONG} AND effective_at >= ?6 AND started < ?4)) ORDER BY effective_at, number"
    );
    let soon = to.saturating_add(LONG);
    let mut entries = entries_where(tables, &condition, params![name, unit_text, from, to, last, soon])?;
    let site_charges = name_runs(tables, &mut entries)?;
    rules::statement(project, unit, window, opening, &entries, &site_charges)
}

/// Fills in the names of the runs that entries charge, for people. The answer is what sites charge for them, by the first entry
/// of their present charge.
fn name_runs(tables: &Tables<'_>, entries: &mut [Entry]) -> Result<BTreeMap<u64, Charge>> {
    let select = "SELECT name, coalesce(entry, 0), price, site_charge FROM runs
        WHERE place = ?1 AND job = ?2 AND submitted = ?3";
    let mut statement = tables.connection.prepare_cached(select)?;
    let mut site_charges = BTreeMap::new();
    for entry in entries {
        let Some(run) = &entry.links.run else { continue };
        let Some(place) = tables.names.find(&place(run))? else { continue };
        let key = params![place, raw_id(run.scheduler_job)?, run.submitted_at.epoch_seconds()];
        let found = statement.query_row(key, |row| {
            let shape: PriceShape = tables.names.json_of(row.get(2)?)?;
            Ok((row.get(0)?, rows::count(row, 1)?, shape.site_charge(row.get(3)?)))
        });
        let Some((name, first, charge)) = found.optional()? else { continue };
        entry.note = name;
        site_charges.extend(charge.filter(|_| first == entry.number).map(|charge| (first, charge)));
    }
    Ok(site_charges)
}

pub(super) fn unattributed(tables: &Tables<'_>) -> Result<Vec<UnattributedRun>> {
    let runs = run_tables::unattributed_runs(tables.connection, &tables.names)?;
    Ok(runs.into_iter().filter_map(BookedRun::uncharged).collect())
}

pub(super) fn unpriced(
    tables: &Tables<'_>,
    site: &SiteName,
    after: Option<&RunKey>,
    limit: u32,
) -> Result<Vec<UnattributedRun>> {
    let listed = crate::stored::Listed::Unpriced;
    let runs = run_tables::page(tables.connection, &tables.names, listed, site, after, limit)?;
    Ok(runs.into_iter().filter_map(BookedRun::uncharged).collect())
}

pub(super) fn entries(tables: &Tables<'_>, page: EntryPage) -> Result<Vec<Entry>> {
    let condition = "number > ?1 ORDER BY number LIMIT ?2";
    entries_where(tables, condition, params![rows::number(page.after)?, page.limit])
}

/// What is stored beside the entries, without the runs, which are many.
pub(super) fn stored(tables: &Tables<'_>) -> Result<Stored> {
    let connection = tables.connection;
    let balances = all(connection, "SELECT account, unit, amount FROM balances", [], |row| {
        Ok(((rows::parsed(row, 0)?, rows::parsed(row, 1)?), rows::amount(row, 2)?))
    })?;
    let totals = all(connection, "SELECT project, unit, kind, amount FROM totals", [], |row| {
        Ok(((rows::parsed(row, 0)?, rows::parsed(row, 1)?, rows::kind(row, 2)?), rows::amount(row, 3)?))
    })?;
    let holds = all(connection, &format!("SELECT {} FROM holds", rows::HOLD), [], |row| {
        rows::hold(row).map(|hold| (hold.id, hold))
    })?;
    Ok(Stored {
        balances: balances.into_iter().collect(),
        totals: totals.into_iter().collect(),
        hours: Some(super::spending_tables::fingerprints(connection)?),
        holds: holds.into_iter().collect(),
        ..Stored::default()
    })
}

/// The same with what each run is charged.
pub(super) fn stored_with_runs(tables: &Tables<'_>) -> Result<Stored> {
    let select = "SELECT place, job, submitted, coalesce(amount, 0) FROM runs";
    let runs = all(tables.connection, select, [], |row| Ok((key_of(row, &tables.names)?, rows::amount(row, 3)?)))?;
    Ok(Stored { runs: runs.into_iter().collect(), has_runs: true, ..stored(tables)? })
}

/// Refuses a file that takes no posts.
pub(super) fn check_writable(connection: &Connection) -> Result<()> {
    if is_replica(connection)? {
        return Err(LedgerError::never(LedgerErrorKind::Replica, "it was made by a replay, for checking only"));
    }
    match moved_to(connection)? {
        None => Ok(()),
        Some(place) => {
            let why = format!("the ledger was moved to {place}, and this file takes no more posts");
            Err(LedgerError::never(LedgerErrorKind::Moved, why))
        }
    }
}

/// Where the ledger was moved to.
pub(super) fn moved_to(connection: &Connection) -> Result<Option<String>> {
    let select = "SELECT value FROM meta WHERE name = 'moved'";
    Ok(connection.prepare_cached(select)?.query_row([], |row| row.get(0)).optional()?)
}

/// Whether the file was made by a replay.
pub(super) fn is_replica(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'replica')", [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OpenMode, SqliteBook};

    #[test]
    fn what_was_given_is_not_looked_for_among_the_entries_of_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        drop(SqliteBook::open(&path, OpenMode::Create).expect("made"));
        let file = Connection::open(&path).expect("opened");
        for kinds in ["kind = 'grant'", "kind IN ('withdraw', 'delegate')"] {
            let explain = format!("EXPLAIN QUERY PLAN SELECT * FROM entries WHERE {}", condition_of(kinds));
            let plan = all(&file, &explain, ["atlas"], |row| row.get::<_, String>(3)).expect("explained").join("; ");
            assert!(plan.contains("entries USING INDEX entries_by_kind (kind=?)"), "{kinds}: {plan}");
        }
    }
}
