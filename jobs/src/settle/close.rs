//! Which holds are over. A hold closes once: when all that it was for has ended, or never began, and the scheduler said so.

use crate::{
    directory::{Ended, State},
    error::JobsError,
    house::House,
    reached::scheduled,
};
use ledger::{CloseHold, CloseReason, Hold};
use model::{JobId, Run, SchedulerJobId};
use scheduler_adapters::{JobSighting, RejectedRow};
use std::collections::{BTreeMap, BTreeSet};

/// What was decided of the open holds.
#[derive(Default)]
pub(super) struct Closing {
    /// Holds to close.
    pub(super) closes: Vec<CloseHold>,
    /// How each of those jobs ended.
    pub(super) ended: BTreeMap<JobId, Ended>,
    /// Jobs of which nobody knows anything.
    pub(super) unknown: Vec<JobId>,
}

/// Decides for every open hold of this site; asks the scheduler once for those that neither queue nor window shows. A job
/// in a row of the queue that could not be read may still wait: its hold stays open, and where the row may be anyone's,
/// every hold does.
pub(super) async fn closing(
    house: &House,
    holds: &[Hold],
    runs: &[Run],
    queue: &[JobSighting],
    unread: &[RejectedRow],
) -> Result<Closing, JobsError> {
    let mut closing = Closing::default();
    if unread.iter().any(|row| row.is_cut) {
        return Ok(closing);
    }
    let seen = queue.iter().filter(|job| !job.state.is_final()).filter_map(|job| job.stamp);
    let waiting: BTreeSet<JobId> =
        seen.chain(unread.iter().filter_map(|row| row.stamp)).map(|stamp| stamp.job).collect();
    let mut unseen: BTreeMap<SchedulerJobId, JobId> = BTreeMap::new();
    for hold in holds.iter().filter(|hold| !waiting.contains(&hold.id.0)) {
        let job = hold.id.0;
        let ours: Vec<&Run> = runs.iter().filter(|run| run.stamp.is_some_and(|stamp| stamp.job == job)).collect();
        if ours.iter().any(|run| run.ended_at.is_none()) {
            continue;
        }
        match ours.iter().max_by_key(|run| (worked(run), run.key.submitted_at)) {
            Some(last) => {
                let reason = reason(house.state.clone(), job).await?;
                closing.end(job, reason, ended_by(house, last));
            }
            None => {
                if let Some(note) = house.state.job(job).submitted().await? {
                    unseen.insert(note.scheduler_job, job);
                }
            }
        }
    }
    close_unseen(house, &unseen, &mut closing).await?;
    Ok(closing)
}

/// Jobs that were submitted, wait nowhere and have no run: they were cancelled before their start, or nobody knows.
async fn close_unseen(
    house: &House,
    unseen: &BTreeMap<SchedulerJobId, JobId>,
    closing: &mut Closing,
) -> Result<(), JobsError> {
    let Some(oldest) = unseen.values().map(|job| job.made_at()).min() else { return Ok(()) };
    let ids: Vec<SchedulerJobId> = unseen.keys().copied().collect();
    let asked = house.scheduler.states(&ids, oldest).await;
    let states = scheduled(asked, "the jobs without a run were not looked up")?;
    for (id, job) in unseen {
        match states.get(id) {
            Some(sighting) if sighting.state.is_final() && sighting.started_at.is_none() => {
                let ended = Ended {
                    state: sighting.state.clone(),
                    exit_code: None,
                    at: None,
                    note: Some("it never started".to_owned()),
                    observed_at: house.clock.now(),
                };
                closing.end(*job, CloseReason::NeverStarted, ended);
            }
            Some(_) => {}
            None => closing.unknown.push(*job),
        }
    }
    Ok(())
}

impl Closing {
    fn end(&mut self, job: JobId, reason: CloseReason, ended: Ended) {
        self.closes.push(CloseHold { id: job.into(), reason });
        self.ended.insert(job, ended);
    }
}

/// A scheduler job that ended at its claim did no work; the run that worked tells how the job ended.
fn worked(run: &Run) -> u64 {
    run.elapsed.seconds()
}

fn ended_by(house: &House, run: &Run) -> Ended {
    Ended {
        state: run.state.clone(),
        exit_code: Some(run.exit.code),
        at: run.ended_at,
        note: None,
        observed_at: house.clock.now(),
    }
}

async fn reason(state: State, job: JobId) -> Result<CloseReason, JobsError> {
    let was_cancelled = state.job(job).cancel().await?.is_some();
    Ok(if was_cancelled { CloseReason::Cancelled } else { CloseReason::Finished })
}
