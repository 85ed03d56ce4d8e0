//! Whose turn it is: jobs start in the order of their ids, as long as slots are free.

use crate::local::{
    facts::{JobView, Start},
    store::{START, Store, write_fact},
};
use model::{SchedulerJobId, Timestamp};
use reach::ReachError;

/// What stands between a job and its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing; it holds these GPU slots.
    Now(Vec<u32>),
    /// A job before it waits too.
    Priority,
    /// There are not enough free slots.
    Resources,
}

/// Decides for one job from what is known of all that have not ended, itself included.
pub(super) fn turn(active: &[JobView], own: SchedulerJobId) -> Turn {
    let Some(job) = active.iter().find(|view| view.record.id == own) else { return Turn::Priority };
    let waits = |view: &&JobView| view.start.is_none() && view.end.is_none() && view.record.id < own;
    if active.iter().any(|view| waits(&view)) {
        return Turn::Priority;
    }
    let running = || active.iter().filter(|view| view.start.is_some() && view.end.is_none());
    let used_cpus: u32 = running().map(|view| view.record.cpus).sum();
    let taken_gpus: Vec<u32> =
        running().filter_map(|view| view.start.as_ref()).flat_map(|start| start.gpus.clone()).collect();
    let free_gpus = (0..job.record.host_gpus).filter(|gpu| !taken_gpus.contains(gpu));
    let granted: Vec<u32> = free_gpus.take(usize::try_from(job.record.gpus).unwrap_or(usize::MAX)).collect();
    let has_gpus = u32::try_from(granted.len()) == Ok(job.record.gpus);
    let fits = used_cpus.saturating_add(job.record.cpus) <= job.record.host_cpus;
    if has_gpus && fits { Turn::Now(granted) } else { Turn::Resources }
}

/// What is known of the jobs that have not ended.
pub(super) fn active(store: &Store) -> Result<Vec<JobView>, ReachError> {
    let ids = store.active_ids()?;
    let views = ids.into_iter().map(|id| store.view(id)).collect::<Result<Vec<_>, _>>()?;
    Ok(views.into_iter().flatten().filter(|view| view.end.is_none()).collect())
}

/// Starts a job if it is its turn: the decision and the mark are one, under the lock.
pub(super) fn try_start(store: &Store, own: SchedulerJobId, now: Timestamp) -> Result<Option<Start>, ReachError> {
    let _turns = store.lock()?;
    match turn(&active(store)?, own) {
        Turn::Now(gpus) => {
            let start = Start { started_at: now, gpus };
            write_fact(&store.job(own).join(START), &start)?;
            Ok(Some(start))
        }
        Turn::Priority | Turn::Resources => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::facts::Record;

    fn job(id: u64, cpus: u32, gpus: u32, held: Option<&[u32]>) -> JobView {
        let record = Record {
            id: SchedulerJobId::new(id),
            user: "alice".to_owned(),
            name: String::new(),
            stamp: String::new(),
            submitted_at: Timestamp::default(),
            arguments: Vec::new(),
            directory: "/".into(),
            output: "/dev/null".into(),
            cpus,
            gpus,
            time_limit_seconds: 60,
            host_cpus: 8,
            host_gpus: 4,
        };
        let start = held.map(|held| Start { started_at: Timestamp::default(), gpus: held.to_vec() });
        JobView { record, start, end: None }
    }

    #[test]
    fn turns() {
        let own = SchedulerJobId::new(5);
        for (what, others, wanted) in [
            ("alone", vec![], Turn::Now(vec![0, 1])),
            ("beside a small one", vec![job(1, 2, 1, Some(&[0]))], Turn::Now(vec![1, 2])),
            ("gaps are used", vec![job(1, 1, 2, Some(&[0, 2]))], Turn::Now(vec![1, 3])),
            ("no GPU left", vec![job(1, 1, 3, Some(&[0, 1, 2]))], Turn::Resources),
            ("no CPU left", vec![job(1, 7, 0, Some(&[]))], Turn::Resources),
            ("behind one that waits", vec![job(2, 1, 0, None)], Turn::Priority),
            ("before one that waits", vec![job(9, 1, 0, None)], Turn::Now(vec![0, 1])),
        ] {
            let active: Vec<JobView> = others.into_iter().chain([job(5, 2, 2, None)]).collect();
            assert_eq!(turn(&active, own), wanted, "{what}");
        }
    }
}
