//! The tables of observations.

use super::names;
use super::rows::{from_json, get, instant, number, parsed, to_json};
use super::run_tables::raw_id;
use super::session::Session;
use crate::records::Result;
use crate::{Observation, ObservedPending, ObservedRun};

/// The columns of the observed jobs of one observation.
#[derive(Default)]
struct ObservedJobs {
    positions: Vec<i64>,
    are_running: Vec<bool>,
    ids: Vec<i64>,
    submitted: Vec<Option<i64>>,
    jobs: Vec<Option<String>>,
    contents: Vec<String>,
}

pub(super) fn put_observation(session: &Session, observation: &Observation) -> Result<()> {
    let scope = observation.scope.to_string();
    let (site, cluster) = (observation.site.as_str(), observation.cluster.as_str());
    let delete = "DELETE FROM observed_jobs WHERE site = $1 AND cluster = $2 AND scope = $3";
    session.execute(delete, &[&site, &cluster, &scope])?;
    let as_of = observation.as_of.epoch_seconds();
    let insert = "INSERT INTO observations (site, cluster, scope, as_of, whole_accounts) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (site, cluster, scope)
        DO UPDATE SET as_of = excluded.as_of, whole_accounts = excluded.whole_accounts";
    let accounts = to_json(&observation.whole_accounts)?;
    session.execute(insert, &[&site, &cluster, &scope, &as_of, &accounts])?;
    let insert = "INSERT INTO observed_jobs
        (site, cluster, scope, position, is_running, scheduler_job, submitted_at, job, content)
        SELECT $1, $2, $3, seen.* FROM unnest($4::bigint[], $5::boolean[], $6::bigint[], $7::bigint[], $8::text[], $9::text[])
        AS seen";
    let seen = observed_jobs(observation)?;
    let ObservedJobs { positions, are_running, ids, submitted, jobs, contents } = &seen;
    session.execute(insert, &[&site, &cluster, &scope, positions, are_running, ids, submitted, jobs, contents])?;
    Ok(())
}

fn observed_jobs(observation: &Observation) -> Result<ObservedJobs> {
    let mut seen = ObservedJobs::default();
    for run in &observation.running {
        seen.are_running.push(true);
        seen.ids.push(raw_id(run.key.scheduler_job)?);
        seen.submitted.push(Some(run.key.submitted_at.epoch_seconds()));
        seen.jobs.push(run.stamp.map(|stamp| stamp.job.to_string()));
        seen.contents.push(to_json(run)?);
    }
    for pending in &observation.pending {
        seen.are_running.push(false);
        seen.ids.push(raw_id(pending.scheduler_job)?);
        seen.submitted.push(None);
        seen.jobs.push(pending.stamp.map(|stamp| stamp.job.to_string()));
        seen.contents.push(to_json(pending)?);
    }
    seen.positions = (0..number(seen.ids.len() as u64)?).collect();
    Ok(seen)
}

/// All observations, without the jobs that are settled by now: running ones by their key, and waiting ones of which a
/// run ended after the observation.
pub(super) fn observations(session: &Session) -> Result<Vec<Observation>> {
    let select = "SELECT site, cluster, scope, whole_accounts, as_of FROM observations ORDER BY site, cluster, scope";
    let mut observations = Vec::new();
    for row in session.rows(select, &[])? {
        observations.push(Observation {
            site: parsed(&row, 0)?,
            cluster: parsed(&row, 1)?,
            scope: parsed(&row, 2)?,
            whole_accounts: from_json(get(&row, 3)?)?,
            as_of: instant(&row, 4)?,
            running: Vec::new(),
            pending: Vec::new(),
        });
    }
    for observation in &mut observations {
        fill(session, observation)?;
    }
    Ok(observations)
}

fn fill(session: &Session, observation: &mut Observation) -> Result<()> {
    let select = "SELECT is_running, content FROM observed_jobs AS seen
        WHERE site = $1 AND cluster = $2 AND scope = $3 AND NOT EXISTS (
            SELECT 1 FROM runs WHERE runs.place = $5 AND runs.job = seen.scheduler_job
            AND CASE WHEN is_running THEN runs.submitted = seen.submitted_at ELSE runs.ended > $4 END)
        ORDER BY position";
    let Observation { site, cluster, scope, as_of, running, pending, .. } = observation;
    let place = session.find(&names::place_of(site, cluster))?;
    let values: [&(dyn postgres::types::ToSql + Sync); 5] =
        [&site.as_str(), &cluster.as_str(), &scope.to_string(), &as_of.epoch_seconds(), &place];
    for row in session.rows(select, &values)? {
        if get(&row, 0)? {
            running.push(from_json::<ObservedRun>(get(&row, 1)?)?);
        } else {
            pending.push(from_json::<ObservedPending>(get(&row, 1)?)?);
        }
    }
    Ok(())
}
