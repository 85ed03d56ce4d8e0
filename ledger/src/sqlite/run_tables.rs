//! The tables of runs and of observations.

use super::rows::{amount, from_json, instant, parsed_option, to_json};
use crate::records::{BookedCharge, BookedRun, Result, Standing};
use crate::{HoldId, Observation, ObservedPending, ObservedRun};
use model::{ClusterName, JobId, RunKey, SchedulerJobId, SiteName, Stamp, Timestamp};
use rusqlite::{Connection, Params, Row, params};

const RUN: &str = "site, cluster, scheduler_job, submitted_at, sluid, job, observed_at, revision, content, settled, \
     project, unit, amount, hold, effective_at, entries, unattributed";

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

fn raw_id(job: SchedulerJobId) -> rusqlite::Result<i64> {
    super::rows::number(job.raw())
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

pub(super) fn put_run(connection: &Connection, booked: &BookedRun) -> Result<()> {
    let insert = format!(
        "INSERT OR REPLACE INTO runs ({RUN})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
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
    ])?;
    Ok(())
}

/// One observed job on its way into the table.
struct ObservedJob {
    is_running: bool,
    id: SchedulerJobId,
    submitted_at: Option<Timestamp>,
    stamp: Option<Stamp>,
    content: String,
}

pub(super) fn put_observation(connection: &Connection, observation: &Observation) -> Result<()> {
    let place = [observation.site.as_str(), observation.cluster.as_str()];
    connection.execute("DELETE FROM observed_jobs WHERE site = ?1 AND cluster = ?2", place)?;
    let as_of = observation.as_of.epoch_seconds();
    let insert = "INSERT OR REPLACE INTO observations (site, cluster, as_of) VALUES (?1, ?2, ?3)";
    connection.execute(insert, params![place[0], place[1], as_of])?;
    let insert = "INSERT INTO observed_jobs
        (site, cluster, position, is_running, scheduler_job, submitted_at, job, content)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let mut statement = connection.prepare_cached(insert)?;
    for (position, job) in observed_jobs(observation)?.into_iter().enumerate() {
        statement.execute(params![
            place[0],
            place[1],
            super::rows::number(position as u64)?,
            job.is_running,
            raw_id(job.id)?,
            job.submitted_at.map(Timestamp::epoch_seconds),
            job.stamp.map(|stamp| stamp.job.to_string()),
            job.content,
        ])?;
    }
    Ok(())
}

fn observed_jobs(observation: &Observation) -> Result<Vec<ObservedJob>> {
    let mut jobs = Vec::with_capacity(observation.running.len() + observation.pending.len());
    for run in &observation.running {
        let (id, submitted_at) = (run.key.scheduler_job, Some(run.key.submitted_at));
        jobs.push(ObservedJob { is_running: true, id, submitted_at, stamp: run.stamp, content: to_json(run)? });
    }
    for pending in &observation.pending {
        let (id, stamp, content) = (pending.scheduler_job, pending.stamp, to_json(pending)?);
        jobs.push(ObservedJob { is_running: false, id, submitted_at: None, stamp, content });
    }
    Ok(jobs)
}

/// All observations, without the jobs that are settled by now: running ones by their key, and waiting ones of which a
/// run ended after the observation.
pub(super) fn observations(connection: &Connection) -> Result<Vec<Observation>> {
    let mut statement = connection.prepare_cached("SELECT site, cluster, as_of FROM observations")?;
    let heads = statement.query_map([], |row| {
        Ok(Observation {
            site: super::rows::parsed(row, 0)?,
            cluster: super::rows::parsed(row, 1)?,
            as_of: instant(row, 2)?,
            running: Vec::new(),
            pending: Vec::new(),
        })
    })?;
    let mut observations = heads.collect::<rusqlite::Result<Vec<_>>>()?;
    let select = "SELECT is_running, content FROM observed_jobs AS seen
        WHERE site = ?1 AND cluster = ?2 AND NOT EXISTS (
            SELECT 1 FROM runs WHERE runs.site = seen.site AND runs.cluster = seen.cluster
            AND runs.scheduler_job = seen.scheduler_job
            AND CASE WHEN is_running THEN runs.submitted_at = seen.submitted_at ELSE runs.effective_at > ?3 END)
        ORDER BY position";
    let mut statement = connection.prepare_cached(select)?;
    for observation in &mut observations {
        let mut found = statement.query(params![
            observation.site.as_str(),
            observation.cluster.as_str(),
            observation.as_of.epoch_seconds()
        ])?;
        while let Some(row) = found.next()? {
            if row.get(0)? {
                observation.running.push(from_json::<ObservedRun>(row, 1)?);
            } else {
                observation.pending.push(from_json::<ObservedPending>(row, 1)?);
            }
        }
    }
    Ok(observations)
}
