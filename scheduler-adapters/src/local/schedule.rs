//! Whose turn it is: jobs start in the order of their ids, as long as slots are free.

use crate::local::{
    facts::{JobView, Record, Start},
    reap,
    store::{END, RECORD, START, Store, write_fact},
};
use model::{SchedulerJobId, Timestamp};
use reach::ReachError;
use std::collections::BTreeSet;

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

/// What the jobs that have not ended hold, and which of them waits first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    first_waiting: Option<SchedulerJobId>,
    cpus: u32,
    gpus: BTreeSet<u32>,
}

impl Slots {
    /// What these jobs hold.
    pub(super) fn taken_by(jobs: &[JobView]) -> Self {
        let mut slots = Self::default();
        for job in jobs.iter().filter(|job| job.end.is_none()) {
            if let Some(start) = &job.start {
                slots.cpus = slots.cpus.saturating_add(job.record.cpus);
                slots.gpus.extend(&start.gpus);
            } else {
                let first = slots.first_waiting.map_or(job.record.id, |first| first.min(job.record.id));
                slots.first_waiting = Some(first);
            }
        }
        slots
    }

    /// Decides for one job that has not started.
    pub(super) fn turn(&self, job: &Record) -> Turn {
        if self.first_waiting.is_some_and(|first| first < job.id) {
            return Turn::Priority;
        }
        let free_gpus = (0..job.host_gpus).filter(|gpu| !self.gpus.contains(gpu));
        let granted: Vec<u32> = free_gpus.take(usize::try_from(job.gpus).unwrap_or(usize::MAX)).collect();
        let has_gpus = u32::try_from(granted.len()) == Ok(job.gpus);
        let fits = self.cpus.saturating_add(job.cpus) <= job.host_cpus;
        if has_gpus && fits { Turn::Now(granted) } else { Turn::Resources }
    }
}

/// What is known of the jobs that have not ended; those that cannot be read are passed over.
pub(super) fn active(store: &Store) -> Result<Vec<JobView>, ReachError> {
    let ids = store.active_ids()?;
    let views = ids.into_iter().filter_map(|id| store.view(id).ok().flatten());
    Ok(views.filter(|view| view.end.is_none()).collect())
}

/// A waiting job's look at the others.
///
/// As long as the job before it waits, only that one is looked at; the first in line alone looks at those that run. So a
/// look costs about the same however many wait.
pub(super) struct Lookout {
    own: SchedulerJobId,
    before: Option<SchedulerJobId>,
}

impl Lookout {
    pub(super) const fn of(own: SchedulerJobId) -> Self {
        Self { own, before: None }
    }

    /// Starts the job if it is its turn: the decision and the mark are one, under the lock. Jobs that lost their
    /// supervisor and stand in its way are ended.
    pub(super) fn look(&mut self, store: &Store, record: &Record, now: Timestamp) -> Result<Option<Start>, ReachError> {
        // An earlier look may have written it and failed behind that.
        if let Some(start) = store.fact(self.own, START)? {
            return Ok(Some(start));
        }
        if let Some(before) = self.before
            && waits(store, before, now)?
        {
            return Ok(None);
        }
        self.before = self.last_waiting(store, now)?;
        if self.before.is_some() {
            return Ok(None);
        }
        reap::reap_all_of(store, &started(store)?, now)?;
        self.try_start(store, record, now)
    }

    /// Of those that wait and came before, the last.
    fn last_waiting(&self, store: &Store, now: Timestamp) -> Result<Option<SchedulerJobId>, ReachError> {
        for id in store.active_ids()?.into_iter().rev().filter(|id| *id < self.own) {
            if waits(store, id, now)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn try_start(&self, store: &Store, record: &Record, now: Timestamp) -> Result<Option<Start>, ReachError> {
        let _turns = store.lock()?;
        // Someone before it may have been submitted, but not have been there, when it was looked for.
        if self.last_waiting(store, now)?.is_some() {
            return Ok(None);
        }
        let running = started(store)?.into_iter().map(|id| store.view(id)).collect::<Result<Vec<_>, _>>()?;
        let running: Vec<JobView> = running.into_iter().flatten().collect();
        match Slots::taken_by(&running).turn(record) {
            Turn::Now(gpus) => {
                let start = Start { started_at: now, gpus };
                write_fact(&store.job(self.own).join(START), &start)?;
                Ok(Some(start))
            }
            Turn::Priority | Turn::Resources => Ok(None),
        }
    }
}

/// Whether a job waits, and is not lost.
fn waits(store: &Store, id: SchedulerJobId, now: Timestamp) -> Result<bool, ReachError> {
    let waits = store.has(id, RECORD)? && !store.has(id, START)? && !store.has(id, END)?;
    Ok(waits && !reap::reap_if_lost(store, id, now)?)
}

/// The jobs that were started and are not off the list.
fn started(store: &Store) -> Result<Vec<SchedulerJobId>, ReachError> {
    let mut started = Vec::new();
    for id in store.active_ids()? {
        if store.has(id, START)? {
            started.push(id);
        }
    }
    Ok(started)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
