//! Jobs that were taken over: the scheduler does not carry their stamp, so their runs are known by id and submit time.

use crate::directory::{IndexedJob, Origin};
use model::{SchedulerJobId, Stamp, Timestamp};
use std::collections::BTreeMap;

/// The adopted jobs, by the scheduler's id, those that are over included: a run that is read again must not lose its job.
pub(crate) struct Adopted(BTreeMap<SchedulerJobId, Vec<Owner>>);

/// Which submissions of an id are a job's: from its own on, with every requeue, which keeps the id and has a later submit
/// time; and none after it was found to be over, when the id may belong to another job.
struct Owner {
    stamp: Stamp,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Adopted {
    /// The adopted ones of these jobs.
    pub(crate) fn of(jobs: &[IndexedJob]) -> Self {
        let mut owners = BTreeMap::<SchedulerJobId, Vec<Owner>>::new();
        for job in jobs.iter().filter(|job| job.intent.origin == Some(Origin::Adopted)) {
            let Some(id) = job.scheduler_job else { continue };
            owners.entry(id).or_default().push(Owner {
                stamp: job.intent.stamp(),
                from: job.submitted_at.unwrap_or(Timestamp::from_epoch_seconds(i64::MIN)),
                // Not when it ended: of several attempts the one that worked longest tells that.
                until: job.ended.as_ref().map(|ended| ended.observed_at),
            });
        }
        Self(owners)
    }

    /// The stamp of what was submitted at this instant under this id.
    pub(crate) fn stamp(&self, id: SchedulerJobId, submitted_at: Timestamp) -> Option<Stamp> {
        let is_its =
            |owner: &&Owner| owner.from <= submitted_at && owner.until.is_none_or(|until| submitted_at <= until);
        // Of several owners of one id the one that began last before the submission.
        let owners = self.0.get(&id)?.iter().filter(is_its);
        owners.max_by_key(|owner| owner.from).map(|owner| owner.stamp)
    }
}

impl Adopted {
    /// The stamp of the last job that was taken over under this id, whatever was submitted when.
    pub(super) fn any_stamp(&self, id: SchedulerJobId) -> Option<Stamp> {
        self.0.get(&id)?.iter().max_by_key(|owner| owner.from).map(|owner| owner.stamp)
    }
}
