//! Finds a job by what a person types: our id or the start of it, the scheduler's id, or the name of the newest such job.

use crate::{
    directory::{IndexedJob, JobIndex},
    error::JobsError,
    house::House,
};
use model::{JobId, SchedulerJobId};

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

/// The newest job that is the one; only those whose record may hold the text are read.
async fn newest(
    index: &mut JobIndex,
    text: &str,
    is_it: &(dyn Fn(&IndexedJob) -> bool + Send + Sync),
) -> Result<Option<IndexedJob>, JobsError> {
    for id in index.ids().into_iter().rev() {
        if index.may_hold(id, text)
            && let Some(job) = index.job(id).await?.filter(|job| is_it(job))
        {
            return Ok(Some(job));
        }
    }
    Ok(None)
}
