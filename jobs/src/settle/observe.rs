//! What runs and waits now: priced so far and at most, so that a balance counts it before it is settled.

use super::{desk::Desk, price::uncountable, reading::Reading};
use crate::ceiling::will_be_allocated;
use ledger::{Observation, ObservedPending, ObservedRun, Scope};
use model::{Amount, AmountError, Charge, PartitionName, Price, Run, RunKey, Tariff, Timestamp, Tres, WallTime, price};
use scheduler_adapters::JobSighting;
use sites::tariff_for;
use std::collections::BTreeSet;

/// A wall time for jobs that have no limit: a week, the longest that sites grant.
const NO_LIMIT: WallTime = WallTime::from_seconds(7 * 86_400);
/// From here on a limit is the number that stands for none (`NO_VAL` of slurm.h), in seconds or in minutes.
const NO_NUMBER: u64 = 0xffff_fffe;
/// How long after its limit a run may still be ended by its nodes (`OverTimeLimit`, `KillWait` of slurm.conf(5)).
const GRACE_SECONDS: u64 = 3_600;

/// What was seen, and what of it is not as it should be.
pub(super) struct Observed {
    pub(super) observation: Observation,
    /// Jobs without a price, which no balance counts.
    pub(super) uncounted: u64,
    /// Runs that accounting calls running and that are over in all likelihood.
    pub(super) runaway: Vec<RunKey>,
}

/// The observation of a cluster: running runs from accounting, pending jobs from the queue, and from the queue what runs
/// there and accounting does not show, because it is late or hides other people's jobs.
pub(super) fn observe(desk: &Desk<'_>, as_of: Timestamp, reading: &Reading, queue: &[JobSighting]) -> Observed {
    let in_queue: BTreeSet<_> = queue.iter().map(|job| job.id).collect();
    let mut observed = Observed {
        observation: Observation {
            site: desk.house.here.clone(),
            cluster: desk.cluster.clone(),
            scope: desk.scope.clone(),
            whole_accounts: whole_accounts(desk, reading, queue),
            as_of,
            running: Vec::new(),
            pending: Vec::new(),
        },
        uncounted: 0,
        runaway: Vec::new(),
    };
    for run in reading.running() {
        // A run whose end never reached accounting would grow for ever: it counts up to its limit.
        let is_runaway = !in_queue.contains(&run.key.scheduler_job)
            && run.elapsed.seconds() > limit(run.time_limit).seconds().saturating_add(GRACE_SECONDS);
        if is_runaway {
            observed.runaway.push(run.key.clone());
        }
        match running(desk, run, is_runaway) {
            Some(run) => observed.observation.running.push(run),
            None => observed.uncounted += 1,
        }
    }
    add_queue(desk, reading, queue, &mut observed);
    observed
}

fn add_queue(desk: &Desk<'_>, reading: &Reading, queue: &[JobSighting], observed: &mut Observed) {
    let accounted: BTreeSet<_> = reading.running().map(|run| (run.key.scheduler_job, run.key.submitted_at)).collect();
    for job in queue {
        if job.state.is_pending() {
            match pending(desk, job) {
                Some(job) => observed.observation.pending.push(job),
                None => observed.uncounted += 1,
            }
        } else if job.state.is_running() && !accounted.contains(&(job.id, job.submitted_at)) {
            match running_in_queue(desk, job) {
                Some(run) => observed.observation.running.push(run),
                None => observed.uncounted += 1,
            }
        }
    }
}

/// The accounts of which all jobs were seen: those with a job of somebody else. Where jobs are hidden, nobody but the
/// account's coordinator sees such a one (`PrivateData` of slurmdbd.conf(5)).
fn whole_accounts(desk: &Desk<'_>, reading: &Reading, queue: &[JobSighting]) -> Vec<Option<model::AccountName>> {
    let Scope::All(reader) = &desk.scope else { return Vec::new() };
    let of_others = queue.iter().filter(|job| job.user != *reader).map(|job| job.account.clone());
    let accounts: BTreeSet<_> = of_others.chain(reading.shared_accounts().iter().cloned()).collect();
    accounts.into_iter().collect()
}

fn running(desk: &Desk<'_>, run: &Run, is_runaway: bool) -> Option<ObservedRun> {
    let tariff = tariff(desk, run.partition.as_ref(), &run.allocated)?;
    let limit = limit(run.time_limit);
    let elapsed = if is_runaway { run.elapsed.min(limit) } else { run.elapsed };
    Some(ObservedRun {
        key: run.key.clone(),
        stamp: run.stamp,
        user: run.user.clone(),
        account: run.account.clone(),
        partition: run.partition.clone(),
        price_so_far: price(&run.allocated, elapsed, &tariff).ok()?,
        ceiling: price(&run.allocated, limit.max(elapsed), &tariff).ok()?,
    })
}

fn running_in_queue(desk: &Desk<'_>, job: &JobSighting) -> Option<ObservedRun> {
    let tariff = tariff(desk, job.partition.as_ref(), &job.requested)?;
    let (site, cluster) = (desk.house.here.clone(), desk.cluster.clone());
    Some(ObservedRun {
        key: RunKey { site, cluster, scheduler_job: job.id, submitted_at: job.submitted_at },
        stamp: job.stamp,
        user: job.user.clone(),
        account: job.account.clone(),
        partition: job.partition.clone(),
        price_so_far: price(&job.requested, job.elapsed, &tariff).ok()?,
        ceiling: price(&job.requested, limit(job.time_limit).max(job.elapsed), &tariff).ok()?,
    })
}

fn pending(desk: &Desk<'_>, job: &JobSighting) -> Option<ObservedPending> {
    let tariff = tariff(desk, job.partition.as_ref(), &job.requested)?;
    let of_one = price(&will_be_allocated(&job.requested, &tariff), limit(job.time_limit), &tariff).ok()?;
    Some(ObservedPending {
        scheduler_job: job.id,
        stamp: job.stamp,
        user: job.user.clone(),
        account: job.account.clone(),
        partition: job.partition.clone(),
        ceiling: times(of_one, job.tasks).ok()?,
    })
}

fn tariff(desk: &Desk<'_>, partition: Option<&PartitionName>, tres: &Tres) -> Option<Tariff> {
    tariff_for(desk.site, partition, tres).filter(|_| uncountable(tres).is_none())
}

fn limit(limit: Option<WallTime>) -> WallTime {
    limit.filter(|limit| limit.seconds() < NO_NUMBER).unwrap_or(NO_LIMIT)
}

/// The price of so many tasks of an array: one row of the queue stands for all that wait.
fn times(price: Price, tasks: u32) -> Result<Price, AmountError> {
    let times = |charge: Option<Charge>| {
        let charge = charge.map(|Charge { unit, amount }| {
            let product = amount.milli().checked_mul(i64::from(tasks)).map(Amount::from_milli);
            product.map(|amount| Charge { unit, amount }).ok_or(AmountError::Overflow)
        });
        charge.transpose()
    };
    let Price { tariff, gpu, node, site, is_estimated } = price;
    Ok(Price { tariff, gpu: times(gpu)?, node: times(node)?, site: times(site)?, is_estimated })
}
