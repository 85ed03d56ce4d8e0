//! `pakt settle --bundle`: what accounting says goes into a file, without a ledger.

use super::{
    intake::{Intake, is_of},
    own::{NOT_WRITTEN, OwnBundle},
};
use crate::{
    directory::list,
    error::JobsError,
    house::House,
    reached::scheduled,
    settle::{Adopted, Known, Reading, Seen, Viewpoint, look, months, printable, raw, rights, start},
};
use ledger::{
    Batch, BatchCoverage,
    evidence::{Fingerprint, SignerKey},
};
use model::{RunKey, Timestamp, Window};
use scheduler_adapters::{QueueBatch, RunWindow};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const NOT_FINISHED: &str = "the bundle was not written to its end";

/// What is to be written.
#[derive(Debug)]
pub struct BundleWish<'a> {
    /// The folder that the group shares.
    pub folder: &'a Path,
    /// The key of this person.
    pub key: &'a SignerKey,
    /// Look back at least to this instant.
    pub since: Option<Timestamp>,
    /// The runs of all users that are visible, as a coordinator does, instead of one's own.
    pub all_users: bool,
}

/// What was written.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BundleReport {
    /// The file.
    pub file: PathBuf,
    /// What others compare its key by.
    pub fingerprint: Fingerprint,
    /// Whose runs were read: `user:ada`, or `all:carol` for all that carol sees.
    pub scope: String,
    /// Since when accounting was asked.
    pub since: Timestamp,
    /// Until when everything of the scope stands in it.
    pub settled_until: Timestamp,
    /// Runs that were written now: new ones, and those of which accounting says something else by now.
    pub runs: u64,
    /// The number of its last batch.
    pub batches: u64,
    /// Runs under way.
    pub running: u64,
    /// Jobs that wait.
    pub pending: u64,
    /// Rows of accounting that were not taken in, with the reason. They are read again the next time.
    pub rejected: BTreeSet<String>,
    /// Runs that accounting still calls running, long after their limit, and that the queue does not know.
    pub runaway: Vec<RunKey>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

impl BundleReport {
    /// The report of a reading that begins.
    fn begun(bundle: &mut OwnBundle<'_>, wish: &BundleWish<'_>, view: &Viewpoint, span: Window) -> Self {
        Self {
            file: bundle.path.clone(),
            fingerprint: wish.key.verifier().fingerprint(),
            scope: view.scope.to_string(),
            since: span.from,
            settled_until: span.from,
            runs: 0,
            batches: bundle.number(),
            running: 0,
            pending: 0,
            rejected: BTreeSet::new(),
            runaway: Vec::new(),
            notes: bundle.note.take().into_iter().collect(),
        }
    }

    pub(super) fn reject(&mut self, what: &str) {
        self.rejected.insert(printable(what));
    }
}

/// Writes what was not written yet. After `Err` what was written by then stands, and the next one goes on behind it.
pub async fn write(house: &House, wish: BundleWish<'_>) -> Result<BundleReport, JobsError> {
    let cluster = scheduled(house.scheduler.cluster_name().await, NOT_WRITTEN)?;
    let view = Viewpoint::of(house, cluster, wish.all_users);
    let mut bundle = OwnBundle::open(house, wish.folder, wish.key)?;
    let now = house.clock.now();
    let known = Known { settled_until: bundle.read_until(&view), since: wish.since, ..Known::default() };
    let span = Window { from: start(known, now), to: now.plus_seconds(1) };
    let mut report = BundleReport::begun(&mut bundle, &wish, &view, span);
    let adopted = Adopted::of(&list(&house.state).await?);
    let mut reading = Reading::default();
    for window in months(span) {
        let asked = RunWindow { site: house.here.clone(), window, whose: view.whose() };
        let mut intake = Intake {
            cluster: view.cluster.clone(),
            bundle: &mut bundle,
            view: &view,
            now,
            window,
            adopted: &adopted,
            reading: &mut reading,
            report: &mut report,
            fields: Vec::new(),
            waiting: BTreeMap::new(),
            failure: None,
        };
        let answered = house.scheduler.each_run(&asked, &mut intake).await;
        intake.finish(scheduled(answered, NOT_FINISHED).map(drop))?;
    }
    report.settled_until = reading.settled_until(now);
    close(house, &view, &mut bundle, &adopted, &reading, &mut report).await?;
    Ok(report)
}

/// Looks at the queue, and writes the last batch: what runs and waits, and how far was read.
async fn close(
    house: &House,
    view: &Viewpoint,
    bundle: &mut OwnBundle<'_>,
    adopted: &Adopted,
    reading: &Reading,
    report: &mut BundleReport,
) -> Result<(), JobsError> {
    let as_of = house.clock.now();
    let QueueBatch { jobs: mut queue, rejected: unread, .. } =
        scheduled(house.scheduler.queue(&view.whose()).await, NOT_FINISHED)?;
    for row in &unread {
        report.reject(&format!("in the queue: {}", raw::shown(row)));
    }
    queue.retain(|job| is_of(&view.scope, &job.user));
    for job in &mut queue {
        job.stamp = job.stamp.or_else(|| adopted.stamp(job.id, job.submitted_at));
    }
    let Seen { sight, runaway } = look(view, as_of, reading, &queue);
    (report.running, report.pending) = (sight.running.len() as u64, sight.pending.len() as u64);
    report.runaway = runaway;
    let fault = sight.fault();
    if let Some(fault) = &fault {
        report.notes.push(format!("the bundle does not tell of what runs and waits: {fault}"));
    }
    let sight = fault.is_none().then_some(sight);
    let (rights, whole_accounts) = rights(house, &view.scope, reading.shared_accounts(), &mut report.notes).await;
    let window = Window { from: report.since, to: report.settled_until };
    let coverage = (window.from < window.to).then_some(BatchCoverage { rights, whole_accounts, window });
    bundle.append(Batch {
        number: bundle.number(),
        previous: bundle.last(),
        written_at: as_of,
        cluster: view.cluster.clone(),
        scope: view.scope.clone(),
        runs: Vec::new(),
        sight,
        coverage,
    })?;
    report.batches = bundle.number();
    Ok(())
}
