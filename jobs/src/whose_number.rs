//! Whose a scheduler's number is: a controller that was killed may have forgotten a job that it had accepted, and gives its number
//! to the next one (seen on Slurm 22.05).

use model::{JobId, SchedulerJobId, UserName};
use scheduler_adapters::JobSighting;

/// What was seen under a job's number, where it can be that job.
pub(crate) fn of_job<'a>(seen: Option<&'a JobSighting>, job: JobId, owner: &UserName) -> Option<&'a JobSighting> {
    seen.filter(|seen| !is_anothers(seen, job, owner))
}

/// Whether what was seen under a job's number is another one: with another's stamp, or without any and another person's. A filter may have
/// taken a stamp away, and whom a host does not know at the moment it calls by a number.
pub(crate) fn is_anothers(seen: &JobSighting, job: JobId, owner: &UserName) -> bool {
    let is_named = seen.user.as_str().bytes().any(|byte| !byte.is_ascii_digit());
    seen.stamp.map_or(is_named && seen.user != *owner, |stamp| stamp.job != job)
}

/// Whether that is certain: the other one says itself which job it is.
pub(crate) fn is_certainly_anothers(seen: &JobSighting, job: JobId) -> bool {
    seen.stamp.is_some_and(|stamp| stamp.job != job)
}

/// Whether the queue has this number: of a job whose stamp a filter took away, or of the array that a task waits in.
pub(crate) fn is_queued(queue: &[JobSighting], scheduler_job: SchedulerJobId) -> bool {
    queue.iter().any(|seen| seen.is_called(scheduler_job) || seen.leader.whole() == scheduler_job.whole())
}
