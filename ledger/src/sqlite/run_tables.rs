//! The table of runs.

use super::rows::{amount, count, from_json, instant, number, parsed_option, to_json};
use crate::HoldId;
use crate::records::{BookedCharge, BookedRun, Result, Standing};
use model::{ClusterName, JobId, RunKey, SchedulerJobId, SiteName};
use rusqlite::{Connection, Params, Row, params};

const RUN: &str = "site, cluster, scheduler_job, submitted_at, sluid, job, observed_at, revision, content, settled, \
     project, unit, amount, hold, effective_at, entries, unattributed, ended_at, is_priced";

fn read_run(row: &Row<'_>) -> rusqlite::Result<BookedRun> {
    let standing = match (parsed_option(row, 10)?, parsed_option(row, 11)?) {
        (Some(project), Some(unit)) => Standing::Charged(BookedCharge {
            project,
            unit,
            amount: amount(row, 12)?,
            hold: parsed_option::<JobId>(row, 13)?.map(HoldId),
            effective_at: instant(row, 14)?,
            entries: from_json(row, 15)?,
        }),
        _ => Standing::Unattributed(from_json(row, 16)?),
    };
    let settled: crate::SettledRun = from_json(row, 9)?;
    Ok(BookedRun {
        key: settled.run.key.clone(),
        settled,
        content: row.get(8)?,
        observed_at: instant(row, 6)?,
        revision: row.get(7)?,
        standing,
    })
}

fn runs_where<P: Params>(connection: &Connection, condition: &str, parameters: P) -> Result<Vec<BookedRun>> {
    let order = "ORDER BY site, cluster, scheduler_job, submitted_at";
    let mut statement = connection.prepare_cached(&format!("SELECT {RUN} FROM runs WHERE {condition} {order}"))?;
    let runs = statement.query_map(parameters, read_run)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(runs)
}

/// The scheduler's id as SQLite has numbers.
pub(super) fn raw_id(job: SchedulerJobId) -> rusqlite::Result<i64> {
    number(job.raw())
}

pub(super) fn run(connection: &Connection, key: &RunKey) -> Result<Option<BookedRun>> {
    let condition = "site = ?1 AND cluster = ?2 AND scheduler_job = ?3 AND submitted_at = ?4";
    let submitted_at = key.submitted_at.epoch_seconds();
    let parameters = params![key.site.as_str(), key.cluster.as_str(), raw_id(key.scheduler_job)?, submitted_at];
    Ok(runs_where(connection, condition, parameters)?.pop())
}

pub(super) fn run_with_sluid(
    connection: &Connection,
    site: &SiteName,
    cluster: &ClusterName,
    sluid: &str,
) -> Result<Option<BookedRun>> {
    let parameters = [site.as_str(), cluster.as_str(), sluid];
    Ok(runs_where(connection, "site = ?1 AND cluster = ?2 AND sluid = ?3", parameters)?.pop())
}

pub(super) fn runs_of_job(connection: &Connection, job: JobId) -> Result<Vec<BookedRun>> {
    runs_where(connection, "job = ?1", [job.to_string()])
}

pub(super) fn unattributed_runs(connection: &Connection) -> Result<Vec<BookedRun>> {
    runs_where(connection, "unattributed IS NOT NULL", [])
}

pub(super) fn unattributed_count(connection: &Connection) -> Result<u64> {
    let select = "SELECT count(*) FROM runs WHERE unattributed IS NOT NULL";
    Ok(connection.query_row(select, [], |row| count(row, 0))?)
}

/// Which runs are listed.
#[derive(Clone, Copy)]
pub(super) enum Listed {
    /// Those that nobody was charged for.
    Unattributed,
    /// Those of them whose price nobody knew.
    Unpriced,
    /// Those that no hold paid for.
    WithoutHold,
}

/// The runs of a list at a site behind a key, in the order of their keys, at most `limit`.
pub(super) fn page(
    connection: &Connection,
    listed: Listed,
    site: &SiteName,
    after: Option<&RunKey>,
    limit: u32,
) -> Result<Vec<BookedRun>> {
    let condition = match listed {
        Listed::Unattributed => "unattributed IS NOT NULL",
        Listed::Unpriced => "NOT is_priced",
        Listed::WithoutHold => "hold IS NULL",
    };
    let select = format!(
        "SELECT {RUN} FROM runs WHERE {condition} AND site = ?1 AND (cluster, scheduler_job, submitted_at) > (?2, ?3, ?4)
         ORDER BY site, cluster, scheduler_job, submitted_at LIMIT ?5"
    );
    // No cluster has an empty name, so that everything lies behind it.
    let cluster = after.map_or("", |key| key.cluster.as_str());
    let job = after.map_or(Ok(0), |key| raw_id(key.scheduler_job))?;
    let submitted_at = after.map_or(0, |key| key.submitted_at.epoch_seconds());
    let mut statement = connection.prepare_cached(&select)?;
    let found = statement.query_map(params![site.as_str(), cluster, job, submitted_at, limit], read_run)?;
    Ok(found.collect::<rusqlite::Result<Vec<_>>>()?)
}

pub(super) fn put_run(connection: &Connection, booked: &BookedRun) -> Result<()> {
    let insert = format!(
        "INSERT OR REPLACE INTO runs ({RUN})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
    );
    let (charge, reason) = match &booked.standing {
        Standing::Charged(charge) => (Some(charge), None),
        Standing::Unattributed(reason) => (None, Some(to_json(reason)?)),
    };
    let run = &booked.settled.run;
    connection.prepare_cached(&insert)?.execute(params![
        booked.key.site.as_str(),
        booked.key.cluster.as_str(),
        raw_id(booked.key.scheduler_job)?,
        booked.key.submitted_at.epoch_seconds(),
        run.sluid,
        run.stamp.map(|stamp| stamp.job.to_string()),
        booked.observed_at.epoch_seconds(),
        booked.revision,
        booked.content,
        to_json(&booked.settled)?,
        charge.map(|charge| charge.project.to_string()),
        charge.map(|charge| charge.unit.to_string()),
        charge.map(|charge| charge.amount.milli()),
        charge.and_then(|charge| charge.hold).map(|hold| hold.to_string()),
        charge.map(|charge| charge.effective_at.epoch_seconds()),
        charge.map(|charge| to_json(&charge.entries)).transpose()?,
        reason,
        run.ended_at.map(model::Timestamp::epoch_seconds),
        booked.settled.price.known().is_some(),
    ])?;
    Ok(())
}
