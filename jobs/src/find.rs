//! Finds a job by what a person types: our id or the start of it, the scheduler's id, or the name of the newest such job.

use crate::{
    directory::{IndexedJob, JobIndex},
    error::JobsError,
    house::House,
};
use model::{JobId, SchedulerJobId};

/// The job that `text` names, to be ended: where several jobs that are not over have this name, the person says which. One
/// that the scheduler knows to be over counts as over, whether that was noted or not.
pub(crate) async fn find_to_end(house: &House, text: &str) -> Result<IndexedJob, JobsError> {
    let named = find(house, text).await?;
    if named.intent.name.as_str() != text {
        return Ok(named);
    }
    let mut open = open_of_name(house, text).await?;
    let mut unasked = String::new();
    if open.len() > 1 {
        let ids: Vec<SchedulerJobId> = open.iter().filter_map(|job| job.scheduler_job).collect();
        let since = open.iter().map(IndexedJob::submitted_since).min().unwrap_or(named.intent.made_at);
        match house.scheduler.states(&ids, since).await {
            Ok(states) => open.retain(|job| {
                let seen = job.scheduler_job.and_then(|id| states.get(&id));
                !seen.is_some_and(|seen| seen.state.is_final())
            }),
            Err(error) => unasked = format!("; whether some are over by now was not told: {error}"),
        }
    }
    match open.as_slice() {
        [] => Ok(named),
        [one] => Ok(one.clone()),
        several => {
            let ids: Vec<String> = several.iter().map(|job| job.intent.id.to_string()).collect();
            let why = format!("{} jobs of this name are not over: {}{unasked}", ids.len(), ids.join(", "));
            Err(JobsError::usage(format!("`{text}` is no single job, and none was ended"), why, "name it by its id"))
        }
    }
}

/// The jobs of a name that are not known to be over.
async fn open_of_name(house: &House, name: &str) -> Result<Vec<IndexedJob>, JobsError> {
    let mut index = JobIndex::of(&house.state).await?;
    let mut open = Vec::new();
    for id in index.ids() {
        if !index.is_over(id) {
            let job = index.job(id).await?;
            open.extend(job.filter(|job| job.intent.name.as_str() == name && job.ended.is_none()));
        }
    }
    Ok(open)
}

/// The job that `text` names.
pub(crate) async fn find(house: &House, text: &str) -> Result<IndexedJob, JobsError> {
    let mut index = JobIndex::of(&house.state).await?;
    let found = found(&mut index, text).await?;
    index.keep().await;
    found.ok_or_else(|| {
        let why = format!("no job under `{}` has this id, scheduler id or name", house.state.root().display());
        JobsError::usage(format!("there is no job `{text}`"), why, "`pakt jobs` lists them")
    })
}

async fn found(index: &mut JobIndex, text: &str) -> Result<Option<IndexedJob>, JobsError> {
    let lower = text.to_ascii_lowercase();
    let ids = index.ids();
    let by_id: Vec<JobId> = ids.iter().filter(|id| id.to_string().starts_with(&lower)).copied().collect();
    match by_id.as_slice() {
        [one] if lower.len() >= 4 => {
            if let Some(job) = index.job(*one).await? {
                return Ok(Some(job));
            }
        }
        _ => {}
    }
    if let Ok(wanted) = text.parse::<SchedulerJobId>()
        && let Some(job) = newest(index, text, &|job| job.scheduler_job == Some(wanted)).await?
    {
        return Ok(Some(job));
    }
    let by_name = newest(index, text, &|job| job.intent.name.as_str() == text).await?;
    if by_name.is_none() && by_id.len() > 1 && lower.len() >= 4 {
        let why = format!("the ids of {} jobs begin so", by_id.len());
        return Err(JobsError::usage(format!("`{text}` is no single job"), why, "type more of it"));
    }
    Ok(by_name)
}

/// The newest job that is the one; only those whose record may hold the text are read. Ids tell the second in which a job
/// was made: of one second the later submission of a request is the newer one, and the later job of the scheduler's.
async fn newest(
    index: &mut JobIndex,
    text: &str,
    is_it: &(dyn Fn(&IndexedJob) -> bool + Send + Sync),
) -> Result<Option<IndexedJob>, JobsError> {
    let mut newest: Option<IndexedJob> = None;
    for id in index.ids().into_iter().rev() {
        if newest.as_ref().is_some_and(|newest| newest.intent.id.made_at() > id.made_at()) {
            break;
        }
        if index.may_hold(id, text)
            && let Some(job) = index.job(id).await?.filter(|job| is_it(job))
        {
            newest = newest.into_iter().chain([job]).max_by_key(|job| (job.intent.generation, job.scheduler_job));
        }
    }
    Ok(newest)
}
