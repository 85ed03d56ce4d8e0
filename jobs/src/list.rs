//! `pakt jobs`: all jobs of the state folder. Those that are over are not asked for; for the others one look at the queue
//! and at most one at accounting, however many they are.

use crate::{
    directory::{Ended, IndexedJob, JobDirectory, Progress, list as indexed},
    error::JobsError,
    house::House,
    reached::scheduled,
};
use model::{Amount, JobId, JobName, JobState, ProjectName, SchedulerJobId, Timestamp, Unit, WallTime};
use scheduler_adapters::JobSighting;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// It was begun and never sent; `submit` of the same file goes on.
    Begun,
    /// The scheduler has it.
    Submitted {
        /// The scheduler's state; unknown where nobody who knows has answered.
        state: JobState,
        /// Why it waits, in the scheduler's word.
        reason: Option<String>,
    },
    /// It is over.
    Ended {
        /// How.
        state: JobState,
        /// Why it never ran, where it did not.
        note: Option<String>,
    },
}

/// One job of the list.
#[derive(Clone, Debug, Serialize)]
pub struct ListedJob {
    /// Our id.
    pub id: JobId,
    /// Its name.
    pub name: JobName,
    /// Who spends.
    pub project: ProjectName,
    /// When it was made.
    pub made_at: Timestamp,
    /// The scheduler's id, once it has one.
    pub scheduler_job: Option<SchedulerJobId>,
    /// Where it stands.
    #[serde(flatten)]
    pub phase: Phase,
    /// How long it has run.
    pub elapsed: Option<WallTime>,
    /// Its limit.
    pub time_limit: Option<WallTime>,
    /// How far it says it is.
    pub progress: Option<Progress>,
    /// What is or was held for it.
    pub hold: Option<(Unit, Amount)>,
}

/// The list, and what was in the way of asking the scheduler.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JobList {
    /// The jobs, newest first.
    pub jobs: Vec<ListedJob>,
    /// Why some states are unknown.
    pub unasked: Option<String>,
}

/// Lists the newest `most` jobs, of those only the open ones where `open_only`.
pub async fn list(house: &House, most: usize, open_only: bool) -> Result<JobList, JobsError> {
    let mut jobs = indexed(&house.state).await?;
    jobs.reverse();
    jobs.retain(|job| !open_only || job.ended.is_none());
    jobs.truncate(most);
    let (states, unasked) = match ask(house, &jobs).await {
        Ok(states) => (states, None),
        Err(error) => (BTreeMap::new(), Some(error.why)),
    };
    let mut listed = Vec::new();
    for job in jobs {
        let sighting = job.scheduler_job.and_then(|id| states.get(&id));
        listed.push(listed_job(house, job, sighting).await?);
    }
    Ok(JobList { jobs: listed, unasked })
}

/// One question for all jobs that are not over.
async fn ask(house: &House, jobs: &[IndexedJob]) -> Result<BTreeMap<SchedulerJobId, JobSighting>, JobsError> {
    let open = || jobs.iter().filter(|job| job.ended.is_none() && job.scheduler_job.is_some());
    let Some(since) = open().map(|job| job.intent.made_at).min() else { return Ok(BTreeMap::new()) };
    let ids: Vec<SchedulerJobId> = open().filter_map(|job| job.scheduler_job).collect();
    scheduled(house.scheduler.states(&ids, since).await, "the scheduler was not asked")
}

async fn listed_job(house: &House, job: IndexedJob, sighting: Option<&JobSighting>) -> Result<ListedJob, JobsError> {
    let directory = house.state.job(job.intent.id);
    let ended = match (job.ended, sighting) {
        (Some(ended), _) => Some(ended),
        (None, Some(sighting)) if sighting.state.is_final() => {
            end_without_hold(house, &directory, &job.intent, sighting).await?
        }
        (None, _) => None,
    };
    let is_open = ended.is_none();
    let phase = match (ended, job.scheduler_job, sighting) {
        (Some(Ended { state, note, .. }), _, _) => Phase::Ended { state, note },
        (None, None, _) => Phase::Begun,
        (None, Some(_), None) => Phase::Submitted { state: JobState::unknown(), reason: None },
        (None, Some(_), Some(seen)) => {
            let reason = Some(seen.reason.clone()).filter(|reason| !reason.is_empty() && reason != "None");
            Phase::Submitted { state: seen.state.clone(), reason }
        }
    };
    let is_running = sighting.is_some_and(|seen| seen.state.is_running());
    Ok(ListedJob {
        id: job.intent.id,
        name: job.intent.name,
        project: job.intent.project,
        made_at: job.intent.made_at,
        scheduler_job: job.scheduler_job,
        phase,
        elapsed: sighting.map(|seen| seen.elapsed),
        time_limit: sighting.and_then(|seen| seen.time_limit),
        progress: if is_open && is_running { directory.progress().await? } else { None },
        hold: job.intent.hold,
    })
}

/// A job for which nothing is held is over when the scheduler says so; one with a hold, when `settle` has closed it.
async fn end_without_hold(
    house: &House,
    directory: &JobDirectory,
    intent: &crate::directory::Intent,
    sighting: &JobSighting,
) -> Result<Option<Ended>, JobsError> {
    let read_back = directory.read_back().await?;
    if intent.hold.is_some() || read_back.is_some_and(|read| read.hold.is_some()) {
        return Ok(None);
    }
    let ended = Ended {
        state: sighting.state.clone(),
        exit_code: None,
        at: sighting.ends_at,
        note: sighting.started_at.is_none().then(|| "it never started".to_owned()),
        observed_at: house.clock.now(),
    };
    directory.put_ended(&ended).await.map(Some)
}
