//! Finds a job by what a person types: our id or the start of it, the scheduler's id, or the name of the newest such job.

use crate::{
    directory::{IndexedJob, list},
    error::JobsError,
    house::House,
};
use model::SchedulerJobId;

/// The job that `text` names.
pub(crate) async fn find(house: &House, text: &str) -> Result<IndexedJob, JobsError> {
    let jobs = list(&house.state).await?;
    let lower = text.to_ascii_lowercase();
    let by_id: Vec<&IndexedJob> = jobs.iter().filter(|job| job.intent.id.to_string().starts_with(&lower)).collect();
    match by_id.as_slice() {
        [one] if lower.len() >= 4 => return Ok((*one).clone()),
        [_, _, ..] if lower.len() >= 10 => {
            let next = "type more of it; `pakt jobs` shows the ids";
            return Err(JobsError::usage(format!("`{text}` is no single job"), "several ids begin so", next));
        }
        _ => {}
    }
    if let Ok(wanted) = text.parse::<SchedulerJobId>()
        && let Some(job) = jobs.iter().rev().find(|job| job.scheduler_job == Some(wanted))
    {
        return Ok(job.clone());
    }
    if let Some(job) = jobs.iter().rev().find(|job| job.intent.name.as_str() == text) {
        return Ok(job.clone());
    }
    let why = format!("no job under `{}` has this id, scheduler id or name", house.state.root().display());
    Err(JobsError::usage(format!("there is no job `{text}`"), why, "`pakt jobs` lists them"))
}
