//! Settles one cluster: reads, prices, and posts in one transaction with the cursor last. Safe twice, late, overlapping.

use super::{
    close::closing,
    observe::{observe, place, tariff_of},
    provisional::provisional,
    window::{Known, windows},
};
use crate::{
    directory::{IndexedJob, Origin, list},
    error::{Gravity, JobsError},
    house::House,
    reached::{booked, scheduled},
};
use ledger::{Book, Command, Cursor, Hold, Outcome, SettleOutcome, SettledRun};
use model::{Amount, AmountError, ClusterName, JobId, Run, RunKey, SchedulerJobId, Stamp, Timestamp, price};
use scheduler_adapters::{QueueBatch, RejectedRow, RunWindow, Whose};
use std::{collections::BTreeMap, sync::Arc};

/// What a settlement covers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SettleOptions {
    /// Look back to this instant.
    pub since: Option<Timestamp>,
    /// The runs of all users that are visible, as a coordinator does, instead of one's own.
    pub all_users: bool,
}

/// A run that is kept and listed, but could not be counted.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NotPriced {
    /// Which.
    pub run: RunKey,
    /// Why.
    pub reason: String,
}

/// What a settlement did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct SettleReport {
    /// Site and cluster.
    pub place: String,
    /// Since when accounting was asked.
    pub since: Option<Timestamp>,
    /// Until when everything is settled now.
    pub settled_until: Option<Timestamp>,
    /// Runs entered.
    pub new: u64,
    /// Runs entered before.
    pub same: u64,
    /// Runs whose entry was corrected.
    pub corrected: u64,
    /// Runs that no binding covers.
    pub unattributed: u64,
    /// Runs that could not be counted.
    pub not_priced: Vec<NotPriced>,
    /// Rows of accounting and of the queue that could not be read.
    pub rejected: Vec<String>,
    /// Runs under way.
    pub running: u64,
    /// Jobs that wait.
    pub pending: u64,
    /// Jobs whose hold was closed.
    pub closed: Vec<JobId>,
    /// Jobs that neither queue nor accounting knows.
    pub unknown: Vec<JobId>,
    /// What was taken by new entries, by unit, beyond any hold included.
    pub settled: BTreeMap<String, Amount>,
}

/// Settles the cluster of this site.
pub async fn settle(house: &House, options: SettleOptions) -> Result<SettleReport, JobsError> {
    let what = "nothing was settled";
    let book = house.needed_book(what).await?;
    let cluster = scheduled(house.scheduler.cluster_name().await, what)?;
    let jobs = list(&house.state).await?;
    let waiting_holds = provisional(house, &book, &jobs).await?;
    if !waiting_holds.is_empty() {
        booked(book.post(&house.principal, house.clock.now(), &waiting_holds).await, what)?;
    }
    let holds: Vec<Hold> =
        booked(book.open_holds(None).await, what)?.into_iter().filter(|hold| *hold.unit.site() == house.here).collect();
    let adopted = adopted(house, &jobs).await?;
    let (mut runs, mut rejected, since) = runs(house, &book, &cluster, &holds, options).await?;
    let QueueBatch { jobs: mut queue, rejected: unread, .. } =
        scheduled(house.scheduler.queue(&whose(options)).await, what)?;
    for run in &mut runs {
        run.stamp = run.stamp.or_else(|| adopted.get(&run.key.scheduler_job).copied());
    }
    for job in &mut queue {
        job.stamp = job.stamp.or_else(|| adopted.get(&job.id).copied());
    }
    let observed_at = house.clock.now();
    let closing = closing(house, &holds, &runs, &queue, &unread).await?;
    rejected.extend(unread);
    let site = house.site(&house.here)?;
    let (mut commands, not_priced) = settlements(site, &runs).map_err(too_large)?;
    let settled_runs = commands.len();
    let running: Vec<&Run> = runs.iter().filter(|run| run.ended_at.is_none()).collect();
    let observation = observe(site, &cluster, observed_at, &running, &queue).map_err(too_large)?;
    let mut report = SettleReport {
        place: place(&house.here, &cluster),
        since,
        settled_until: Some(observed_at),
        not_priced,
        rejected: rejected.iter().map(|row| format!("{}: {}", row.reason, row.raw)).collect(),
        running: running.len() as u64,
        pending: observation.pending.len() as u64,
        closed: closing.ended.keys().copied().collect(),
        unknown: closing.unknown,
        ..SettleReport::default()
    };
    commands.push(Command::Observe(Box::new(observation)));
    commands.extend(closing.closes.into_iter().map(Command::Close));
    let cursor = Cursor { site: house.here.clone(), cluster, settled_until: observed_at };
    commands.push(Command::Advance(cursor));
    let outcomes = booked(book.post(&house.principal, observed_at, &commands).await, what)?;
    count(&mut report, &commands[..settled_runs], &outcomes)?;
    for (job, ended) in &closing.ended {
        house.state.job(*job).put_ended(ended).await?;
    }
    Ok(report)
}

/// The stamps of jobs that were taken over and are not over: the scheduler does not carry them.
async fn adopted(house: &House, jobs: &[IndexedJob]) -> Result<BTreeMap<SchedulerJobId, Stamp>, JobsError> {
    let mut stamps = BTreeMap::new();
    let open = jobs.iter().filter(|job| job.ended.is_none() && job.intent.origin == Some(Origin::Adopted));
    for job in open {
        if let Some(note) = house.state.job(job.intent.id).submitted().await? {
            stamps.insert(note.scheduler_job, job.intent.stamp());
        }
    }
    Ok(stamps)
}

const fn whose(options: SettleOptions) -> Whose {
    if options.all_users { Whose::visible() } else { Whose::mine() }
}

async fn runs(
    house: &House,
    book: &Arc<dyn Book>,
    cluster: &ClusterName,
    holds: &[Hold],
    options: SettleOptions,
) -> Result<(Vec<Run>, Vec<RejectedRow>, Option<Timestamp>), JobsError> {
    let what = "nothing was settled";
    let cursor = booked(book.cursor(&house.here, cluster).await, what)?;
    let grants = booked(book.grants(None).await, what)?;
    let here = grants.iter().filter(|grant| *grant.terms.unit.site() == house.here);
    let known = Known {
        settled_until: cursor.map(|cursor| cursor.settled_until),
        // A hold may have been entered long after its job was made.
        oldest_hold: holds.iter().map(|hold| hold.opened_at.min(hold.id.0.made_at())).min(),
        first_grant: here.map(|grant| grant.terms.window.from).min(),
        since: options.since,
    };
    let (mut runs, mut rejected): (BTreeMap<RunKey, Run>, Vec<RejectedRow>) = Default::default();
    let windows = windows(known, house.clock.now());
    let since = windows.first().map(|window| window.from);
    for window in windows {
        let asked = RunWindow { site: house.here.clone(), window, whose: whose(options) };
        let batch = scheduled(house.scheduler.runs(&asked).await, what)?;
        // A run that reaches over a border is in both windows; the later reading counts.
        runs.extend(batch.runs.into_iter().map(|run| (run.key.clone(), run)));
        rejected.extend(batch.rejected);
    }
    Ok((runs.into_values().collect(), rejected, since))
}

/// One command for each run that is over, and the runs whose partition no profile knows.
fn settlements(site: &sites::Site, runs: &[Run]) -> Result<(Vec<Command>, Vec<NotPriced>), AmountError> {
    let (mut commands, mut not_priced) = (Vec::new(), Vec::new());
    // A run that ended in a requeue has an end and a state that is no final one: the end counts.
    for run in runs.iter().filter(|run| run.ended_at.is_some()) {
        let Some(tariff) = tariff_of(site, run.partition.as_ref(), &run.allocated) else {
            let partition =
                run.partition.as_ref().map_or("no partition".to_owned(), |name| format!("partition `{name}`"));
            let reason = format!("the profile of `{}` has no tariff for {partition}", site.name());
            not_priced.push(NotPriced { run: run.key.clone(), reason });
            continue;
        };
        let price = price(&run.allocated, run.elapsed, &tariff)?;
        commands.push(Command::Settle(Box::new(SettledRun { run: run.clone(), price })));
    }
    Ok((commands, not_priced))
}

fn count(report: &mut SettleReport, commands: &[Command], outcomes: &[Outcome]) -> Result<(), JobsError> {
    for (command, outcome) in commands.iter().zip(outcomes) {
        let (Command::Settle(settled), Outcome::Settled(outcome)) = (command, outcome) else { continue };
        let run = settled.run.key.clone();
        match outcome {
            SettleOutcome::New { drawn, overrun, project } => {
                report.new += 1;
                let total = report.settled.entry(format!("{project} at {}", run.site)).or_default();
                *total = total.plus(*drawn).and_then(|sum| sum.plus(*overrun)).map_err(too_large)?;
            }
            SettleOutcome::Same | SettleOutcome::Stale => report.same += 1,
            SettleOutcome::Corrected { .. } => report.corrected += 1,
            SettleOutcome::Unattributed => report.unattributed += 1,
            SettleOutcome::NotPriced => {
                let reason = "the price has no part in the unit of its budget".to_owned();
                report.not_priced.push(NotPriced { run, reason });
            }
            SettleOutcome::Rejected { reason } => report.not_priced.push(NotPriced { run, reason: reason.clone() }),
        }
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value)] // The shape that `map_err` wants.
fn too_large(error: AmountError) -> JobsError {
    JobsError::new(
        Gravity::Bug,
        "nothing was settled",
        error.to_string(),
        "please report it with the rows of accounting",
    )
}
