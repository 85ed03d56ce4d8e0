//! Whose a scheduler's number is: a controller that was killed may have forgotten a job that it had accepted, and gives its number
//! to the next one (seen on Slurm 22.05).

use model::{JobId, UserName};
use scheduler_adapters::JobSighting;

/// What was seen under a job's number, where it can be that job.
pub(crate) fn of_job<'a>(seen: Option<&'a JobSighting>, job: JobId, owner: &UserName) -> Option<&'a JobSighting> {
    seen.filter(|seen| !is_anothers(seen, job, owner))
}

/// Whether what was seen under a job's number is another one: with another's stamp, or without any and another person's. A filter may have
/// taken a stamp away.
pub(crate) fn is_anothers(seen: &JobSighting, job: JobId, owner: &UserName) -> bool {
    seen.stamp.map_or(seen.user != *owner, |stamp| stamp.job != job)
}
