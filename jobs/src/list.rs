//! `pakt jobs`: all jobs of the state folder. Those that are over are not asked for; for the others one look at the queue
//! and at most one at accounting, however many they are.

use crate::{
    directory::{Ended, IndexedJob, Intent, JobDirectory, JobIndex, Progress},
    error::JobsError,
    house::House,
    look::{Watched, look},
    settle::ended_as_seen,
    show::{log_of, of_chain},
    silence::{Silence, silence},
    sweep::note_if_over,
    whose_number::of_job,
};
use ledger::HoldId;
use model::{Amount, JobId, JobName, JobState, ProjectName, SchedulerJobId, Timestamp, Unit, WallTime};
use scheduler_adapters::{Freshness, JobSighting, Look};
use serde::Serialize;

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
    /// It is a chain that is not over, and no link of it waits or runs.
    Paused {
        /// How the last one ended.
        state: JobState,
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
    /// Since when nothing is seen of it although it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
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
    /// When the scheduler was asked for the states that are shown; none where none needed asking.
    pub observed_at: Option<Timestamp>,
    /// Whether an earlier question was answered so.
    pub was_shared: bool,
    /// What a person should know beside it.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// Lists the newest `most` jobs, of those only the open ones where `open_only`.
pub async fn list(house: &House, most: usize, open_only: bool, freshness: Freshness) -> Result<JobList, JobsError> {
    let jobs = newest(house, most, open_only).await?;
    let (Look { states, observed_at, was_shared, notes }, unasked) = match ask(house, &jobs, freshness).await {
        Ok(look) => (look, None),
        Err(error) => (Look::default(), Some(error.why)),
    };
    let mut listed = Vec::new();
    for job in jobs {
        let seen: Vec<&JobSighting> =
            job.at_work().iter().filter_map(|sent| its(&job, states.get(&sent.scheduler_job))).collect();
        // The first link that is not over is the one at work.
        let sighting = seen.iter().find(|seen| !seen.state.is_final()).or(seen.last()).copied();
        let is_final = sighting.is_some_and(|seen| seen.state.is_final());
        let are_all_final = seen.len() == job.at_work().len() && seen.iter().all(|seen| seen.state.is_final());
        if job.has_links && are_all_final && job.ended.is_none() {
            let directory = house.state.job(job.intent.id);
            if let Some(intent) = directory.intent().await? {
                note_if_over(house, &directory, &intent, job.links.len()).await?;
            }
        }
        let is_over = is_final && (!job.has_links || house.state.job(job.intent.id).is_over_noted().await?);
        let job = listed_job(house, job, sighting).await?;
        if !(open_only && is_over) {
            listed.push(job);
        }
    }
    Ok(JobList { jobs: listed, unasked, observed_at, was_shared, notes })
}

/// What was seen under an id of the job's, where it is that job. The question was for all jobs at once; what was submitted
/// before this one is an earlier owner of its id.
fn its<'a>(job: &IndexedJob, seen: Option<&'a JobSighting>) -> Option<&'a JobSighting> {
    let seen = seen.filter(|seen| seen.submitted_at >= job.submitted_since());
    of_job(seen, job.intent.id, &job.intent.principal.user)
}

/// The newest jobs, newest first.
async fn newest(house: &House, most: usize, open_only: bool) -> Result<Vec<IndexedJob>, JobsError> {
    let mut index = JobIndex::of(&house.state).await?;
    let mut jobs = Vec::new();
    for id in index.ids().into_iter().rev() {
        if jobs.len() == most {
            break;
        }
        if !(open_only && index.is_over(id)) {
            jobs.extend(index.job(id).await?.filter(|job| !(open_only && job.ended.is_some())));
        }
    }
    index.keep().await;
    Ok(jobs)
}

/// One question for all jobs that are not over.
async fn ask(house: &House, jobs: &[IndexedJob], freshness: Freshness) -> Result<Look, JobsError> {
    let wanted: Vec<Watched<'_>> = jobs
        .iter()
        .filter(|job| job.ended.is_none())
        .flat_map(|job| {
            job.at_work().into_iter().map(|sent| Watched {
                id: job.intent.id,
                link: sent.link,
                job: sent.scheduler_job,
                owner: &job.intent.principal.user,
                since: job.submitted_since(),
                known_at: job.submitted_at.unwrap_or(job.intent.made_at),
            })
        })
        .collect();
    look(house, &wanted, freshness).await
}

async fn listed_job(house: &House, job: IndexedJob, sighting: Option<&JobSighting>) -> Result<ListedJob, JobsError> {
    let directory = house.state.job(job.intent.id);
    let ended = end(house, &directory, &job, sighting).await?;
    let has_started = |seen: &JobSighting| seen.state.is_running() || seen.state.is_final();
    let progress = match (&ended, sighting) {
        (Some(ended), _) => ended.progress.clone(),
        (None, Some(seen)) if has_started(seen) => directory.of_current(job.links.len()).await?.progress().await?,
        (None, _) => None,
    };
    let silence = match sighting.filter(|_| ended.is_none()) {
        Some(seen) if seen.state.is_running() => {
            let (link, log) = (directory.of_current(job.links.len()).await?, log_of(house, &job.intent).await?);
            silence(&link, (&job.intent, &log), &seen.state, house.clock.now()).await?
        }
        _ => None,
    };
    Ok(ListedJob {
        silence,
        id: job.intent.id,
        name: job.intent.name,
        project: job.intent.project,
        made_at: job.intent.made_at,
        scheduler_job: sighting.map(JobSighting::handle).filter(|_| job.has_links).or(job.scheduler_job),
        elapsed: ended.as_ref().map_or(sighting.map(|seen| seen.elapsed), |ended| ended.elapsed),
        time_limit: ended.as_ref().map_or(sighting.and_then(|seen| seen.time_limit), |ended| ended.time_limit),
        phase: phase(&directory, ended, (job.scheduler_job, job.has_links), sighting).await,
        progress,
        hold: job.intent.hold,
    })
}

/// How a job ended, where it has.
async fn end(
    house: &House,
    directory: &JobDirectory,
    job: &IndexedJob,
    sighting: Option<&JobSighting>,
) -> Result<Option<Ended>, JobsError> {
    match (&job.ended, sighting) {
        // A record of an earlier Pakt does not say how long the job ran; one with a note says why that is not known.
        (Some(ended), _) if ended.elapsed.is_none() && ended.note.is_none() => {
            Ok(Some(directory.with_markers(ended.clone()).await))
        }
        (Some(ended), _) => Ok(Some(ended.clone())),
        // The links that were sent may all be over while the job goes on.
        (None, Some(sighting))
            if sighting.state.is_final() && (!job.has_links || directory.is_over_noted().await?) =>
        {
            end_without_open_hold(house, directory, &job.intent, sighting).await
        }
        (None, _) => Ok(None),
    }
}

async fn phase(
    directory: &JobDirectory,
    ended: Option<Ended>,
    (scheduler_job, has_links): (Option<SchedulerJobId>, bool),
    sighting: Option<&JobSighting>,
) -> Phase {
    let is_paused = |seen: &JobSighting| has_links && seen.state.is_final();
    match (ended, scheduler_job, sighting) {
        (None, Some(_), Some(seen)) if is_paused(seen) && !directory.is_over_noted().await.unwrap_or(false) => {
            Phase::Paused { state: seen.state.clone() }
        }
        (None, Some(_), Some(seen)) if is_paused(seen) => {
            let (over, cancel) = (directory.over().await.ok().flatten(), directory.cancel().await.ok().flatten());
            let state = of_chain(&seen.state, over.as_ref(), cancel.is_some());
            Phase::Submitted { state, reason: None }
        }
        (Some(Ended { state, note, .. }), _, _) => Phase::Ended { state, note },
        (None, None, _) => Phase::Begun,
        (None, Some(_), None) => Phase::Submitted { state: JobState::unknown(), reason: None },
        (None, Some(_), Some(seen)) => {
            let reason = Some(seen.reason.clone()).filter(|reason| !reason.is_empty() && reason != "None");
            Phase::Submitted { state: directory.meant(seen.state.clone()).await, reason }
        }
    }
}

/// A job for which nothing is held is over when the scheduler says so; one with a hold, when the hold is closed: `settle`
/// closes it, and may have been stopped before it could write that down here.
async fn end_without_open_hold(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    sighting: &JobSighting,
) -> Result<Option<Ended>, JobsError> {
    let has_hold = intent.hold.is_some() || directory.read_back().await?.is_some_and(|read| read.hold.is_some());
    if has_hold && !is_closed(house, intent.id).await {
        return Ok(None);
    }
    let ended = directory.with_markers(ended_as_seen(sighting, house.clock.now())).await;
    directory.put_ended(&ended).await.map(Some)
}

/// Whether a ledger at hand has the job's hold closed. One that does not answer has not.
async fn is_closed(house: &House, job: JobId) -> bool {
    if !house.books.is_at_hand() {
        return false;
    }
    let Ok(Some(book)) = house.books.book().await else { return false };
    matches!(book.hold(HoldId(job)).await, Ok(Some(hold)) if !hold.is_open())
}
