//! Reads accounting month by month, and takes the runs into the books while they are read: so many are in memory and in one
//! transaction, however many a month has.

use super::{
    adopted::Adopted,
    desk::{Desk, NOT_FINISHED, too_large},
    price::Pricer,
    raw,
    reading::Reading,
    report::SettleReport,
    window::months,
};
use crate::{error::JobsError, foreign_stamps::ForeignStamps, reached::scheduled};
use async_trait::async_trait;
use ledger::Command;
use model::{JobId, Run, SchedulerJobId, Stamp, Timestamp, Window};
use scheduler_adapters::{RejectedRow, RunTaker, RunWindow};
use std::collections::BTreeMap;

/// So many runs are posted at once.
const CHUNK: usize = 2_000;

/// What the rows that are read go into.
pub(super) struct Findings<'a> {
    pub(super) reading: &'a mut Reading,
    pub(super) report: &'a mut SettleReport,
    pub(super) foreign: &'a mut ForeignStamps,
}

/// Reads a span of time. After `Ok` every row of it is in the books, or noted as missing. After `Err` those that were
/// posted by then stand, and nothing says how far that is: the cursor is where it was, and all is read again.
pub(super) async fn read(
    desk: &Desk<'_>,
    span: Window,
    adopted: &Adopted,
    mut findings: Findings<'_>,
) -> Result<(), JobsError> {
    for window in months(span) {
        let asked = RunWindow { site: desk.house.here.clone(), window, whose: desk.whose() };
        let Findings { reading, report, foreign } = &mut findings;
        let mut intake = Intake {
            desk,
            window,
            adopted,
            findings: Findings { reading, report, foreign },
            pricer: Pricer::at(desk.site),
            fields: Vec::new(),
            waiting: BTreeMap::new(),
            last: None,
            failure: None,
        };
        let answered = desk.house.scheduler.each_run(&asked, &mut intake).await;
        intake.finish(scheduled(answered, NOT_FINISHED).map(drop)).await?;
    }
    Ok(())
}

/// Takes the rows of one answer, and posts those that have ended whenever a chunk of them is there.
struct Intake<'a> {
    desk: &'a Desk<'a>,
    window: Window,
    adopted: &'a Adopted,
    findings: Findings<'a>,
    pricer: Pricer<'a>,
    fields: Vec<String>,
    /// Of two rows with one key the later one counts, as it does in the books.
    waiting: BTreeMap<(SchedulerJobId, Timestamp), Command>,
    /// Whose row came last.
    last: Option<SchedulerJobId>,
    /// Why the books took no more: what comes after it is passed over.
    failure: Option<JobsError>,
}

#[async_trait]
impl RunTaker for Intake<'_> {
    fn learn_fields(&mut self, fields: &[String]) {
        self.fields = fields.to_vec();
    }

    async fn take(&mut self, run: Run) {
        if self.failure.is_none()
            && self.is_full(run.key.scheduler_job)
            && let Err(error) = self.post().await
        {
            self.failure = Some(error);
        }
        if self.failure.is_none() {
            self.keep(run);
        }
    }

    fn reject(&mut self, row: RejectedRow) {
        self.findings.report.reject(&raw::shown(&row));
        let ended_at = raw::ended_at(&row, &self.fields).unwrap_or(self.window.from);
        self.findings.reading.miss(job_of(&row, self.adopted), ended_at);
    }
}

impl Intake<'_> {
    /// Whether the chunk is to be posted before a row of this job is taken. Rows of one job come one after the other
    /// (slurmdbd orders them by job id) and stay together, so that two with one key meet here; up to a bound.
    fn is_full(&self, next: SchedulerJobId) -> bool {
        let count = self.waiting.len();
        count >= CHUNK && (self.last != Some(next) || count >= 2 * CHUNK)
    }

    fn keep(&mut self, run: Run) {
        let stamp = run.stamp.or_else(|| self.adopted.stamp(run.key.scheduler_job, run.key.submitted_at));
        let run = Run { stamp, ..run };
        self.findings.reading.see(&run, &self.desk.house.principal.user);
        self.last = Some(run.key.scheduler_job);
        // A run that ended in a requeue has an end and a state that is no final one: the end counts.
        if run.ended_at.is_some() {
            let key = (run.key.scheduler_job, run.key.submitted_at);
            let raw = raw::kept(&run.raw, &self.fields);
            self.waiting.insert(key, self.pricer.settlement(Run { raw, ..run }));
        }
    }

    /// Posts what waits, in one transaction.
    async fn post(&mut self) -> Result<(), JobsError> {
        let commands: Vec<Command> = std::mem::take(&mut self.waiting).into_values().collect();
        if commands.is_empty() {
            return Ok(());
        }
        let outcomes = self.desk.post(&commands).await?;
        self.findings.reading.miss_rejected(&commands, &outcomes);
        self.findings.foreign.see(self.desk.book.as_ref(), &commands, &outcomes).await?;
        self.findings.report.count(&commands, &outcomes).map_err(too_large)
    }

    /// Posts the last chunk, where the answer was one and the books took the others.
    async fn finish(mut self, answered: Result<(), JobsError>) -> Result<(), JobsError> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        answered?;
        self.post().await
    }
}

/// The job of an unreadable row: by its stamp, wherever it stands, else by the id of a job that was taken over.
fn job_of(row: &RejectedRow, adopted: &Adopted) -> Option<JobId> {
    let by_id = || raw::job_of(row).and_then(|id| adopted.any_stamp(id));
    row.stamp.or_else(|| Stamp::find_in(&row.raw)).or_else(by_id).map(|stamp| stamp.job)
}
