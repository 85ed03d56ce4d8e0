//! The tables of observations.

use super::rows::{from_json, instant, number, parsed, to_json};
use super::run_tables::raw_id;
use crate::records::Result;
use crate::{Observation, ObservedPending, ObservedRun};
use model::{SchedulerJobId, Stamp, Timestamp};
use rusqlite::{Connection, params};

/// One observed job on its way into the table.
struct ObservedJob {
    is_running: bool,
    id: SchedulerJobId,
    submitted_at: Option<Timestamp>,
    stamp: Option<Stamp>,
    content: String,
}

pub(super) fn put_observation(connection: &Connection, observation: &Observation) -> Result<()> {
    let scope = observation.scope.to_string();
    let place = [observation.site.as_str(), observation.cluster.as_str(), &scope];
    connection.execute("DELETE FROM observed_jobs WHERE site = ?1 AND cluster = ?2 AND scope = ?3", place)?;
    let as_of = observation.as_of.epoch_seconds();
    let insert = "INSERT OR REPLACE INTO observations (site, cluster, scope, as_of, whole_accounts)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let accounts = to_json(&observation.whole_accounts)?;
    connection.execute(insert, params![place[0], place[1], place[2], as_of, accounts])?;
    let insert = "INSERT INTO observed_jobs
        (site, cluster, scope, position, is_running, scheduler_job, submitted_at, job, content)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut statement = connection.prepare_cached(insert)?;
    for (position, job) in observed_jobs(observation)?.into_iter().enumerate() {
        statement.execute(params![
            place[0],
            place[1],
            place[2],
            number(position as u64)?,
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
    let select = "SELECT site, cluster, scope, whole_accounts, as_of FROM observations ORDER BY site, cluster, scope";
    let mut statement = connection.prepare_cached(select)?;
    let heads = statement.query_map([], |row| {
        Ok(Observation {
            site: parsed(row, 0)?,
            cluster: parsed(row, 1)?,
            scope: parsed(row, 2)?,
            whole_accounts: from_json(row, 3)?,
            as_of: instant(row, 4)?,
            running: Vec::new(),
            pending: Vec::new(),
        })
    })?;
    let mut observations = heads.collect::<rusqlite::Result<Vec<_>>>()?;
    let select = "SELECT is_running, content FROM observed_jobs AS seen
        WHERE site = ?1 AND cluster = ?2 AND scope = ?3 AND NOT EXISTS (
            SELECT 1 FROM runs WHERE runs.place = (SELECT number FROM names WHERE text = ?1 || '/' || ?2)
            AND runs.job = seen.scheduler_job
            AND CASE WHEN is_running THEN runs.submitted = seen.submitted_at ELSE runs.ended > ?4 END)
        ORDER BY position";
    let mut statement = connection.prepare_cached(select)?;
    for observation in &mut observations {
        let Observation { site, cluster, scope, as_of, .. } = &*observation;
        let place = params![site.as_str(), cluster.as_str(), scope.to_string(), as_of.epoch_seconds()];
        let (mut running, mut pending) = (Vec::new(), Vec::new());
        let mut found = statement.query(place)?;
        while let Some(row) = found.next()? {
            if row.get(0)? {
                running.push(from_json::<ObservedRun>(row, 1)?);
            } else {
                pending.push(from_json::<ObservedPending>(row, 1)?);
            }
        }
        (observation.running, observation.pending) = (running, pending);
    }
    Ok(observations)
}
