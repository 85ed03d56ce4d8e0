//! Reads accounting month by month and takes each month's runs into the books, in one transaction each.

use super::{
    adopted::Adopted,
    desk::{Desk, NOT_FINISHED, too_large},
    price::price_of,
    raw,
    reading::Reading,
    report::SettleReport,
    window::months,
};
use crate::{error::JobsError, reached::scheduled};
use ledger::{Command, SettledRun};
use model::{JobId, Run, SchedulerJobId, Stamp, Timestamp, Window};
use scheduler_adapters::{RejectedRow, RunBatch, RunWindow};
use std::{collections::BTreeMap, sync::Arc};

/// Reads a span of time. After `Ok` every row of it is in the books, or noted as missing.
pub(super) async fn read(
    desk: &Desk<'_>,
    span: Window,
    adopted: &Adopted,
    reading: &mut Reading,
    report: &mut SettleReport,
) -> Result<(), JobsError> {
    for window in months(span) {
        let asked = RunWindow { site: desk.house.here.clone(), window, whose: desk.whose() };
        let batch = scheduled(desk.house.scheduler.runs(&asked).await, NOT_FINISHED)?;
        take_in(desk, window, batch, adopted, reading, report).await?;
    }
    Ok(())
}

async fn take_in(
    desk: &Desk<'_>,
    window: Window,
    batch: RunBatch,
    adopted: &Adopted,
    reading: &mut Reading,
    report: &mut SettleReport,
) -> Result<(), JobsError> {
    let RunBatch { runs, rejected, fields, .. } = batch;
    for row in &rejected {
        report.reject(&raw::shown(row));
        reading.miss(job_of(row, adopted), raw::ended_at(row, &fields).unwrap_or(window.from));
    }
    // Of two rows with one key the later one counts, as it does in the books.
    let mut commands = BTreeMap::<(SchedulerJobId, Timestamp), Command>::new();
    for run in runs {
        let stamp = run.stamp.or_else(|| adopted.stamp(run.key.scheduler_job, run.key.submitted_at));
        let run = Run { stamp, ..run };
        reading.see(&run, &desk.house.principal.user);
        // A run that ended in a requeue has an end and a state that is no final one: the end counts.
        if run.ended_at.is_some() {
            commands.insert((run.key.scheduler_job, run.key.submitted_at), settlement(desk, run, &fields));
        }
    }
    let commands: Vec<Command> = commands.into_values().collect();
    if commands.is_empty() {
        return Ok(());
    }
    let outcomes = desk.post(&commands).await?;
    reading.miss_rejected(&commands, &outcomes);
    report.count(&commands, &outcomes).map_err(too_large)
}

fn settlement(desk: &Desk<'_>, run: Run, fields: &[String]) -> Command {
    let price = price_of(desk.site, &run);
    let raw = raw::kept(&run.raw, fields);
    Command::Settle(Arc::new(SettledRun { run: Run { raw, ..run }, price }))
}

/// The job of an unreadable row: by its stamp, wherever it stands, else by the id of a job that was taken over.
fn job_of(row: &RejectedRow, adopted: &Adopted) -> Option<JobId> {
    let by_id = || raw::job_of(row).and_then(|id| adopted.any_stamp(id));
    Stamp::find_in(&row.raw).or_else(by_id).map(|stamp| stamp.job)
}
