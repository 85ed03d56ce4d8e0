//! What runs and waits now: seen first, then priced so far and at most, so that a balance counts it before it is settled.

use super::{
    price::{fault, is_beyond_any_site},
    reading::Reading,
};
use crate::{ceiling::will_be_allocated, house::House};
use ledger::{Observation, ObservedPending, ObservedRun, Scope, SeenPending, SeenRun, Sight};
use model::{
    Amount, AmountError, Charge, ClusterName, PartitionName, Price, Run, RunKey, SiteName, Tariff, Timestamp, Tres,
    WallTime, price,
};
use scheduler_adapters::{JobSighting, Whose};
use sites::{Site, tariff_for};
use std::collections::BTreeSet;

/// A wall time for jobs that have no limit: a week, the longest that sites grant.
const NO_LIMIT: WallTime = WallTime::from_seconds(7 * 86_400);
/// From here on a limit is the number that stands for none (`NO_VAL` of slurm.h), in seconds or in minutes.
pub(crate) const NO_NUMBER: u64 = 0xffff_fffe;
/// How long after its limit a run may still be ended by its nodes (`OverTimeLimit`, `KillWait` of slurm.conf(5)).
const GRACE_SECONDS: u64 = 3_600;

/// Which cluster is looked at, and in whose eyes.
#[derive(Clone, Debug)]
pub(crate) struct Viewpoint {
    pub(crate) site: SiteName,
    pub(crate) cluster: ClusterName,
    pub(crate) scope: Scope,
}

impl Viewpoint {
    /// What this person looks at: their own jobs, or all that they may see.
    pub(crate) fn of(house: &House, cluster: ClusterName, all_users: bool) -> Self {
        let user = house.principal.user.clone();
        let scope = if all_users { Scope::All(user) } else { Scope::User(user) };
        Self { site: house.here.clone(), cluster, scope }
    }

    /// Whose jobs those are, in the scheduler's words.
    pub(crate) const fn whose(&self) -> Whose {
        match self.scope {
            Scope::User(_) => Whose::mine(),
            Scope::All(_) | Scope::Site(_) => Whose::visible(),
        }
    }
}

/// What was seen, and what of it is not as it should be.
pub(crate) struct Seen {
    pub(crate) sight: Sight,
    /// Runs that accounting calls running and that are over in all likelihood.
    pub(crate) runaway: Vec<RunKey>,
}

/// What was seen, with its price.
pub(crate) struct Observed {
    pub(crate) observation: Observation,
    /// Jobs without a price, which no balance counts.
    pub(crate) uncounted: u64,
}

/// What is seen of a cluster: running runs from accounting, pending jobs from the queue, and from the queue what runs
/// there and accounting does not show, because it is late or hides other people's jobs.
pub(crate) fn look(view: &Viewpoint, as_of: Timestamp, reading: &Reading, queue: &[JobSighting]) -> Seen {
    let in_queue: BTreeSet<_> = queue.iter().map(|job| job.id).collect();
    let whole_accounts = whole_accounts(view, reading, queue);
    let mut sight = Sight { as_of, whole_accounts, running: Vec::new(), pending: Vec::new() };
    let mut runaway = Vec::new();
    for run in reading.running() {
        // A run whose end never reached accounting would grow for ever: it counts up to its limit.
        let is_runaway = !in_queue.contains(&run.key.scheduler_job) && goes_on_after_its_limit(run);
        if is_runaway {
            runaway.push(run.key.clone());
        }
        sight.running.push(running(run, is_runaway));
    }
    let accounted: BTreeSet<_> = reading.running().map(|run| (run.key.scheduler_job, run.key.submitted_at)).collect();
    for job in queue {
        if job.state.is_pending() {
            sight.pending.push(pending(job));
        } else if job.state.is_running() && !accounted.contains(&(job.id, job.submitted_at)) {
            sight.running.push(running_in_queue(job));
        }
    }
    Seen { sight, runaway }
}

/// Whether a run that has no end has run for longer than its nodes let it: accounting never heard of its end in all likelihood.
pub(crate) fn goes_on_after_its_limit(run: &Run) -> bool {
    run.ended_at.is_none() && run.elapsed.seconds() > limit(run.time_limit).seconds().saturating_add(GRACE_SECONDS)
}

/// The observation of a cluster: what was seen there, priced by the profile of its site.
pub(crate) fn priced(site: &Site, view: &Viewpoint, sight: &Sight) -> Observed {
    let running: Vec<_> = sight.running.iter().filter_map(|run| priced_run(site, view, run, sight.as_of)).collect();
    let pending: Vec<_> = sight.pending.iter().filter_map(|job| priced_pending(site, job, sight.as_of)).collect();
    let seen = sight.running.len() + sight.pending.len();
    let uncounted = (seen - running.len() - pending.len()) as u64;
    let Viewpoint { site, cluster, scope } = view.clone();
    let (as_of, whole_accounts) = (sight.as_of, sight.whole_accounts.clone());
    Observed { observation: Observation { site, cluster, scope, whole_accounts, as_of, running, pending }, uncounted }
}

/// The accounts of which all jobs were seen: those with a job of somebody else. Where jobs are hidden, nobody but the
/// account's coordinator sees such a one (`PrivateData` of slurmdbd.conf(5)).
fn whole_accounts(view: &Viewpoint, reading: &Reading, queue: &[JobSighting]) -> Vec<Option<model::AccountName>> {
    let Scope::All(reader) = &view.scope else { return Vec::new() };
    let of_others = queue.iter().filter(|job| job.user != *reader).map(|job| job.account.clone());
    let accounts: BTreeSet<_> = of_others.chain(reading.shared_accounts().iter().cloned()).collect();
    accounts.into_iter().collect()
}

fn running(run: &Run, is_runaway: bool) -> SeenRun {
    SeenRun {
        scheduler_job: run.key.scheduler_job,
        submitted_at: run.key.submitted_at,
        stamp: run.stamp,
        user: run.user.clone(),
        account: run.account.clone(),
        partition: run.partition.clone(),
        allocated: run.allocated.clone(),
        started_at: Some(run.started_at),
        elapsed: if is_runaway { run.elapsed.min(limit(run.time_limit)) } else { run.elapsed },
        time_limit: run.time_limit,
    }
}

fn running_in_queue(job: &JobSighting) -> SeenRun {
    SeenRun {
        scheduler_job: job.id,
        submitted_at: job.submitted_at,
        stamp: job.stamp,
        user: job.user.clone(),
        account: job.account.clone(),
        partition: job.partition.clone(),
        allocated: job.requested.clone(),
        started_at: None,
        elapsed: job.elapsed,
        time_limit: job.time_limit,
    }
}

fn pending(job: &JobSighting) -> SeenPending {
    SeenPending {
        scheduler_job: job.id,
        stamp: job.stamp,
        user: job.user.clone(),
        account: job.account.clone(),
        partition: job.partition.clone(),
        requested: job.requested.clone(),
        time_limit: job.time_limit,
        tasks: job.tasks,
    }
}

fn priced_run(site: &Site, view: &Viewpoint, run: &SeenRun, as_of: Timestamp) -> Option<ObservedRun> {
    let started_at = as_of.plus_seconds(i64::try_from(run.elapsed.seconds()).ok()?.checked_neg()?);
    let tariff = tariff(site, run.partition.as_ref(), &run.allocated, started_at)?;
    let ceiling = limit(run.time_limit).max(run.elapsed);
    Some(ObservedRun {
        key: RunKey {
            site: view.site.clone(),
            cluster: view.cluster.clone(),
            scheduler_job: run.scheduler_job,
            submitted_at: run.submitted_at,
        },
        stamp: run.stamp,
        user: run.user.clone(),
        account: run.account.clone(),
        partition: run.partition.clone(),
        started_at: Some(run.started_at.unwrap_or(started_at)),
        price_so_far: countable(price(&run.allocated, run.elapsed, &tariff))?,
        ceiling: countable(price(&run.allocated, ceiling, &tariff))?,
    })
}

fn priced_pending(site: &Site, job: &SeenPending, as_of: Timestamp) -> Option<ObservedPending> {
    let tariff = tariff(site, job.partition.as_ref(), &job.requested, as_of)?;
    let of_one = price(&will_be_allocated(&job.requested, &tariff), limit(job.time_limit), &tariff).ok()?;
    Some(ObservedPending {
        scheduler_job: job.scheduler_job,
        stamp: job.stamp,
        user: job.user.clone(),
        account: job.account.clone(),
        partition: job.partition.clone(),
        ceiling: countable(times(of_one, job.tasks))?,
    })
}

fn tariff(site: &Site, partition: Option<&PartitionName>, tres: &Tres, at: Timestamp) -> Option<Tariff> {
    tariff_for(site, partition, tres, at).filter(|_| fault(tres).is_none())
}

/// A price that a balance can add to others.
fn countable(price: Result<Price, AmountError>) -> Option<Price> {
    price.ok().filter(|price| !is_beyond_any_site(price))
}

fn limit(limit: Option<WallTime>) -> WallTime {
    said_limit(limit).unwrap_or(NO_LIMIT)
}

/// The limit, where a row has one.
pub(crate) fn said_limit(limit: Option<WallTime>) -> Option<WallTime> {
    limit.filter(|limit| limit.seconds() < NO_NUMBER)
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
