//! What only reads: statements, lists, pages, and the stored side of a verification.

use super::entry_tables::entries_where;
use super::rows;
use super::run_tables::{self, raw_id};
use super::session::Session;
use super::tables::Tables;
use crate::price_shape::PriceShape;
use crate::records::{BookedRun, Result};
use crate::rules::{self, Stored};
use crate::stored::{LONG, place, run_key};
use crate::{
    BindingRecord, Cursor, Entry, EntryPage, Grant, Hold, KnownAt, Proposal, Scope, SetPolicy, UnattributedRun,
};
use model::{Charge, ClusterName, ProjectName, RunKey, SiteName, Statement, Timestamp, Unit, Window};
use postgres::Row;
use std::collections::BTreeMap;

pub(super) fn bindings(session: &Session) -> Result<Vec<BindingRecord>> {
    let select = format!("SELECT {} FROM bindings ORDER BY number", rows::BINDING);
    session.rows(&select, &[])?.iter().map(rows::binding).collect()
}

pub(super) fn cursor(
    session: &Session,
    site: &SiteName,
    cluster: &ClusterName,
    scope: &Scope,
) -> Result<Option<Cursor>> {
    let select = "SELECT settled_until FROM cursors WHERE site = $1 AND cluster = $2 AND scope = $3";
    let found = session.row(select, &[&site.as_str(), &cluster.as_str(), &scope.to_string()])?;
    let settled_until = found.map(|row| rows::instant(&row, 0)).transpose()?;
    let (site, cluster, scope) = (site.clone(), cluster.clone(), scope.clone());
    Ok(settled_until.map(|settled_until| Cursor { site, cluster, scope, settled_until }))
}

/// What the clock of whoever posted last showed.
pub(super) fn written_at(session: &Session) -> Result<Option<Timestamp>> {
    let found = session.row("SELECT coalesce(clock_at, recorded_at) FROM posts ORDER BY number DESC LIMIT 1", &[])?;
    found.map(|row| rows::instant(&row, 0)).transpose()
}

/// What the clock of the server shows.
pub(super) fn clock(session: &Session) -> Result<Timestamp> {
    rows::instant(&session.one("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint", &[])?, 0)
}

/// The number of the last entry of a state of the books.
pub(super) fn known_at(session: &Session, known_at: Option<KnownAt>) -> Result<i64> {
    match known_at {
        None => Ok(i64::MAX),
        Some(KnownAt::Entry(entry)) => Ok(i64::try_from(entry).unwrap_or(i64::MAX)),
        Some(KnownAt::Instant(instant)) => {
            let select = "SELECT coalesce(max(last_entry), 0) FROM posts WHERE recorded_at <= $1";
            rows::get(&session.one(select, &[&instant.epoch_seconds()])?, 0)
        }
    }
}

/// Adjustments that wait.
pub(super) fn proposals(session: &Session) -> Result<Vec<Proposal>> {
    let rows = session.rows("SELECT proposal FROM proposals WHERE entry IS NULL ORDER BY key", &[])?;
    let found = rows.iter().map(|row| rows::from_json(rows::get(row, 0)?)).collect::<Result<Vec<Proposal>>>();
    let mut found = found?;
    found.sort_by_key(|proposal| proposal.proposed_at);
    Ok(found)
}

pub(super) fn open_holds(session: &Session, project: Option<&ProjectName>) -> Result<Vec<Hold>> {
    let select = format!(
        "SELECT {} FROM holds WHERE closed_at IS NULL AND ($1::text IS NULL OR project = $1) ORDER BY id",
        rows::HOLD
    );
    session.rows(&select, &[&project.map(ProjectName::as_str)])?.iter().map(rows::hold).collect()
}

/// The entries of some kinds that are about neither runs nor holds, of one project or of all. There is an index of these.
fn of_kinds(tables: &Tables<'_>, kinds: &str, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
    let condition = format!(
        "run_place IS NULL AND hold IS NULL AND {kinds}
         AND ($1::text IS NULL OR project = (SELECT number FROM names WHERE text = $1)) ORDER BY number"
    );
    entries_where(tables, &condition, &[&project.map(ProjectName::as_str)])
}

pub(super) fn grants(tables: &Tables<'_>, project: Option<&ProjectName>) -> Result<Vec<Grant>> {
    let mut entries = of_kinds(tables, "kind = 'grant'", project)?;
    entries.extend(of_kinds(tables, "kind IN ('withdraw', 'delegate')", project)?);
    Ok(rules::grants(entries)?)
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
pub(super) fn policies(session: &Session, project: Option<&ProjectName>) -> Result<Vec<SetPolicy>> {
    let select = "SELECT project, unit, policy, zone FROM policies AS latest WHERE ($1::text IS NULL OR project = $1)
        AND number = (SELECT max(number) FROM policies AS other
                      WHERE other.project = latest.project AND other.unit = latest.unit)
        ORDER BY project, unit";
    session.rows(select, &[&project.map(ProjectName::as_str)])?.iter().map(policy).collect()
}

/// Reads project, unit, policy and zone.
pub(super) fn policy(row: &Row) -> Result<SetPolicy> {
    let (project, unit) = (rows::parsed(row, 0)?, rows::parsed(row, 1)?);
    Ok(SetPolicy { project, unit, policy: rows::from_json(rows::get(row, 2)?)?, zone: rows::parsed(row, 3)? })
}

/// Which entries a statement is about: those that move, of a project (`$1`) and a unit (`$2`).
const STATED: &str = "kind NOT IN ('hold', 'amend', 'release', 'propose', 'decide')
    AND project = (SELECT number FROM names WHERE text = $1) AND unit = (SELECT number FROM names WHERE text = $2)";

pub(super) fn statement(
    tables: &Tables<'_>,
    project: &ProjectName,
    unit: &Unit,
    window: Window,
    known: Option<KnownAt>,
) -> Result<Statement> {
    let session = tables.session;
    let select = format!(
        "SELECT coalesce(sum(CASE WHEN credit = (SELECT number FROM names WHERE text = 'budget/' || $1)
                             THEN amount ELSE -amount END), 0)::bigint
         FROM entries WHERE {STATED} AND effective_at < $3 AND number <= $4"
    );
    let (name, unit_text) = (project.as_str(), unit.to_string());
    let (from, to) = (window.from.epoch_seconds(), window.to.epoch_seconds());
    let last = known_at(session, known)?;
    let opening = rows::amount(&session.one(&select, &[&name, &unit_text, &from, &last])?, 0)?;
    let condition = format!(
        "{STATED} AND number <= $5 AND ((effective_at >= $3 AND effective_at < $6 AND (effective_at < $4 OR started < $4))
         OR (effective_at - started > {LONG} AND effective_at >= $6 AND started < $4)) ORDER BY effective_at, number"
    );
    let soon = to.saturating_add(LONG);
    let mut entries = entries_where(tables, &condition, &[&name, &unit_text, &from, &to, &last, &soon])?;
    let site_charges = name_runs(session, &mut entries)?;
    rules::statement(project, unit, window, opening, &entries, &site_charges)
}

/// Fills in the names of the runs that entries charge, for people. The answer is what sites charge for them, by the first entry
/// of their present charge.
fn name_runs(session: &Session, entries: &mut [Entry]) -> Result<BTreeMap<u64, Charge>> {
    let (mut charging, mut places, mut jobs, mut submitted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (position, entry) in entries.iter().enumerate() {
        let Some(run) = &entry.links.run else { continue };
        let Some(place) = session.find(&place(run))? else { continue };
        charging.push(position);
        places.push(place);
        jobs.push(raw_id(run.scheduler_job)?);
        submitted.push(run.submitted_at.epoch_seconds());
    }
    let select = "SELECT wanted.position, name, coalesce(entry, 0), price, site_charge
        FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS wanted (place, job, submitted, position)
        JOIN runs ON runs.place = wanted.place AND runs.job = wanted.job AND runs.submitted = wanted.submitted";
    let mut site_charges = BTreeMap::new();
    for row in session.rows(select, &[&places, &jobs, &submitted])? {
        let position = rows::count::<usize>(&row, 0)?.checked_sub(1).and_then(|position| charging.get(position));
        let Some(entry) = position.and_then(|position| entries.get_mut(*position)) else { continue };
        entry.note = rows::get(&row, 1)?;
        if rows::count::<u64>(&row, 2)? == entry.number {
            let shape: PriceShape = session.parsed_json(rows::get(&row, 3)?)?;
            site_charges.extend(shape.site_charge(rows::get(&row, 4)?).map(|charge| (entry.number, charge)));
        }
    }
    Ok(site_charges)
}

pub(super) fn unattributed(session: &Session) -> Result<Vec<UnattributedRun>> {
    Ok(run_tables::unattributed_runs(session)?.into_iter().filter_map(BookedRun::uncharged).collect())
}

pub(super) fn unpriced(
    session: &Session,
    site: &SiteName,
    after: Option<&RunKey>,
    limit: u32,
) -> Result<Vec<UnattributedRun>> {
    let runs = run_tables::page(session, crate::stored::Listed::Unpriced, site, after, limit)?;
    Ok(runs.into_iter().filter_map(BookedRun::uncharged).collect())
}

pub(super) fn entries(tables: &Tables<'_>, page: EntryPage) -> Result<Vec<Entry>> {
    let condition = "number > $1 ORDER BY number LIMIT $2";
    entries_where(tables, condition, &[&rows::number(page.after)?, &i64::from(page.limit)])
}

/// What is stored beside the entries, without the runs, which are many.
pub(super) fn stored(session: &Session) -> Result<Stored> {
    let hours = Some(super::spending_tables::fingerprints(session)?);
    let mut stored = Stored { hours, ..Stored::default() };
    for row in session.rows("SELECT account, unit, amount FROM balances", &[])? {
        let place = (rows::parsed(&row, 0)?, rows::parsed(&row, 1)?);
        stored.balances.insert(place, rows::amount(&row, 2)?);
    }
    for row in session.rows("SELECT project, unit, kind, amount FROM totals", &[])? {
        let place = (rows::parsed(&row, 0)?, rows::parsed(&row, 1)?, rows::kind(&row, 2)?);
        stored.totals.insert(place, rows::amount(&row, 3)?);
    }
    for row in session.rows(&format!("SELECT {} FROM holds", rows::HOLD), &[])? {
        let hold = rows::hold(&row)?;
        stored.holds.insert(hold.id, hold);
    }
    Ok(stored)
}

/// The same with what each run is charged.
pub(super) fn stored_with_runs(session: &Session) -> Result<Stored> {
    let mut stored = Stored { has_runs: true, ..stored(session)? };
    for row in session.rows("SELECT place, job, submitted, coalesce(amount, 0) FROM runs", &[])? {
        let key = run_key(&session.text(rows::get(&row, 0)?)?, rows::count(&row, 1)?, rows::get(&row, 2)?)?;
        stored.runs.insert(key, rows::amount(&row, 3)?);
    }
    Ok(stored)
}
