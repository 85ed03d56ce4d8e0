//! The jobs that the cluster of the test is handed, and the faults on the way of them.

use super::cluster::waiting;
use jobs::{Step, Steps};
use model::{SchedulerJobId, Timestamp, UserName};
use scheduler_adapters::{JobForm, JobSighting, Submission};
use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
};

/// What happens while the scheduler is being called.
type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What becomes of the jobs that are handed in. The calls are `submit`, `find`, `read back`, `cancel` and `release`.
#[derive(Default)]
pub(crate) struct Handed {
    /// All that was handed in, in order; the first becomes job 101.
    pub(crate) sent: Vec<Submission>,
    /// The jobs that were cancelled, each time.
    pub(crate) cancelled: Vec<SchedulerJobId>,
    /// The jobs that were let go, each time.
    pub(crate) released: Vec<SchedulerJobId>,
    /// What the site's submit filter makes of a job of one GPU for an hour.
    pub(crate) filter: Option<fn(&mut JobSighting)>,
    /// What happens while the next job is handed in.
    pub(crate) meanwhile: Option<Meanwhile>,
    /// Whether the next job is taken and the answer lost.
    pub(crate) loses_answer: bool,
    /// How many jobs it takes in all, tasks of arrays among them; it refuses what comes after that.
    pub(crate) room: Option<usize>,
    /// The call behind which whoever calls is killed.
    pub(crate) dies_in: Option<&'static str>,
}

impl Handed {
    /// Whether it takes as much as this.
    pub(super) fn has_room_for(&self, submission: &Submission) -> bool {
        let count = |submission: &Submission| submission.array.as_ref().map_or(1, |array| array.indexes.len());
        let taken: usize = self.sent.iter().map(count).sum();
        self.room.is_none_or(|room| taken + count(submission) <= room)
    }

    /// Takes a job in, or each task of an array.
    pub(super) fn take_in(&mut self, submission: &Submission, user: &UserName, now: Timestamp) -> Vec<JobSighting> {
        let id = 101 + u64::try_from(self.sent.len()).expect("few");
        self.sent.push(submission.clone());
        let mut job = waiting(id, user.as_str(), now.epoch_seconds());
        (job.stamp, job.name) = (Some(submission.stamp), submission.job_name.clone());
        if let Some(filter) = self.filter {
            filter(&mut job);
        }
        let Some(array) = &submission.array else { return vec![job] };
        let task = |index: &u32| JobSighting {
            form: JobForm::Array,
            shown_id: format!("{id}_{index}"),
            stamp: Some(array.stamp.task(*index)),
            ..job.clone()
        };
        array.indexes.iter().map(task).collect()
    }
}

/// The end of a process that was killed.
pub(crate) struct Killed;

impl Killed {
    /// Ends the task that calls, as `kill -9` ends a process: nothing of it is tidied up on disk, and nothing is printed.
    pub(crate) fn now() {
        std::panic::resume_unwind(Box::new(Self));
    }
}

/// Kills whoever walks the route behind a step.
pub(crate) struct KilledAfter(pub(crate) Step);

impl Steps for KilledAfter {
    fn done(&self, step: Step) {
        if step == self.0 {
            Killed::now();
        }
    }
}

/// Kills whoever walks the route of many jobs behind the n-th time that a step is done.
pub(crate) struct KilledBehind {
    step: Step,
    times_left: AtomicUsize,
}

impl KilledBehind {
    /// Behind the `time`-th time, from 1.
    pub(crate) const fn new(step: Step, time: usize) -> Self {
        Self { step, times_left: AtomicUsize::new(time) }
    }
}

impl Steps for KilledBehind {
    fn done(&self, step: Step) {
        if step == self.step && self.times_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            Killed::now();
        }
    }
}
