//! Tasks that were taken out of their array while they waited. Slurm keeps no row of such a one, neither in the queue nor in
//! accounting (seen on 22.05): its array is known, and it is not among the tasks. One that claimed its link has started, and
//! is only told late.

use crate::{directory::JobDirectory, error::JobsError};
use model::{BaseState, JobState, SchedulerJobId, Timestamp, WallTime};
use scheduler_adapters::JobSighting;
use std::collections::{BTreeMap, BTreeSet};

/// These ids, and the arrays of those that are tasks.
pub(crate) fn with_arrays(ids: impl IntoIterator<Item = SchedulerJobId>) -> BTreeSet<SchedulerJobId> {
    ids.into_iter().flat_map(|id| [id, id.whole()]).collect()
}

/// Says of each of these tasks that it was cancelled, where its array is known and it is not: the answer is to a question
/// for [`with_arrays`]. With each job, or link of one, comes its scheduler id, and since when a row may be of it.
pub(crate) async fn fill_in(
    states: &mut BTreeMap<SchedulerJobId, JobSighting>,
    jobs: Vec<(JobDirectory, SchedulerJobId, Timestamp)>,
) -> Result<(), JobsError> {
    for (directory, id, since) in jobs {
        if id.task().is_none() || states.contains_key(&id) {
            continue;
        }
        let array = states.get(&id.whole()).filter(|array| array.submitted_at >= since).cloned();
        let Some(array) = array else { continue };
        if directory.claimed_by().await?.is_none() && directory.attempts().await?.is_empty() {
            states.insert(id, removed(array, id));
        }
    }
    Ok(())
}

fn removed(array: JobSighting, id: SchedulerJobId) -> JobSighting {
    JobSighting {
        id: id.whole(),
        leader: id.whole(),
        form: scheduler_adapters::JobForm::Array,
        shown_id: id.to_string(),
        tasks: 1,
        stamp: None,
        state: JobState::of(BaseState::Cancelled),
        reason: String::new(),
        started_at: None,
        ends_at: None,
        elapsed: WallTime::default(),
        ..array
    }
}
