//! `sacct`: what was given to whom, for how long.

use crate::{
    AdapterError, AdapterErrorKind, CLOCK_TOLERANCE_SECONDS, Coverage, JobFacts, RejectedRow, RunAnswer, RunTaker,
    RunWindow,
    slurm::{
        SlurmCommands,
        accounting_row::{self, AccountingRow},
        accounting_taker::{Each, RowTaker, Rows, Runs},
        call::{self, Tool, UNKNOWN_COLUMN},
        columns::{AccountingFields, Column},
        queue::{Asked, cut},
        rows::{Delimiter, Found, TableReader},
        selection::{RowSelection, Selection},
        standing::Standing,
        tasks, values,
    },
};
use model::{SchedulerJobId, Timestamp};
use std::collections::BTreeSet;

impl SlurmCommands {
    /// The instant, or a day ago if that is earlier: a start in the future of the site's clock is an error to `sacct`.
    pub(super) fn past(&self, instant: Timestamp) -> Timestamp {
        instant.min(self.clock.now().plus_seconds(-CLOCK_TOLERANCE_SECONDS))
    }

    /// Asks once, for rows of which few are kept.
    pub(super) async fn ask_accounting(
        &self,
        selection: &RowSelection,
        take: &mut (dyn FnMut(AccountingRow) + Send),
    ) -> Result<Asked, AdapterError> {
        let mut each = Each { take, rejected: Vec::new() };
        let observed_at = self.hand_on_accounting(selection, &mut each).await?;
        Ok(Asked { rejected: each.rejected, observed_at })
    }

    /// Asks once; when it was asked. Where the columns are not those of this release any more, they are learned anew and
    /// the question is put again: no row was handed on then.
    async fn hand_on_accounting(
        &self,
        selection: &RowSelection,
        taker: &mut dyn RowTaker,
    ) -> Result<Timestamp, AdapterError> {
        if let Some(answered) = self.rest_accounting(selection, taker).await {
            return answered;
        }
        if let Some(answered) = self.native_accounting(selection, taker).await {
            return answered;
        }
        let fields = self.fields().await?;
        match self.ask_for(&fields, selection, taker).await {
            Err(error) if is_unknown_column(&error) => {
                self.ask_for(&*self.renewed_fields().await?, selection, taker).await
            }
            answered => answered,
        }
    }

    /// Whole jobs (`-X`), each of their starts (`-D`), units unrounded.
    async fn ask_for(
        &self,
        fields: &AccountingFields,
        selection: &RowSelection,
        taker: &mut dyn RowTaker,
    ) -> Result<Timestamp, AdapterError> {
        let delimiter = Delimiter::fresh();
        let command = call::read(Tool::Sacct)
            .arguments(["-X", "-D", "--parsable", "--noconvert"])
            .argument(format!("--delimiter={}", delimiter.as_str()))
            .argument(format!("--format={}", fields.titles.join(",")))
            .arguments(selection.from.map(|from| format!("--starttime={}", bound(from))))
            .arguments(selection.until.map(|until| format!("--endtime={}", bound(until))))
            .arguments(selection.of.for_accounting())
            // As for the queue (sacct(1), SLURM_BITSTR_LEN).
            .variable("SLURM_BITSTR_LEN", "0");
        let observed_at = self.clock.now();
        let mut rows =
            Rows::new(TableReader::new(&delimiter, fields.titles.len(), Column::JobIdRaw.title()), fields, taker);
        self.ask_through(Tool::Sacct, command, &mut rows).await?;
        rows.finish().await?;
        Ok(observed_at)
    }

    /// Where jobs stand that the queue no longer knows: of several rows for an id the one submitted last.
    pub(super) async fn finished_standing(
        &self,
        ids: BTreeSet<SchedulerJobId>,
        earliest: Timestamp,
    ) -> Result<Standing, AdapterError> {
        let selection = RowSelection { of: self.naming(&ids).await?, from: Some(self.past(earliest)), until: None };
        let mut standing = Standing::of(ids, earliest);
        let observed_at = self.clock.now();
        let asked = self
            .ask_accounting(&selection, &mut |row| {
                row.sightings(observed_at).into_iter().for_each(|row| standing.take(row));
            })
            .await?;
        standing.take_rejected(asked.rejected);
        Ok(standing)
    }

    /// The last owner of an id, as accounting knows it.
    pub(super) async fn finished_facts(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError> {
        let mut rows: Vec<AccountingRow> = Vec::new();
        let asked = self.ask_accounting(&of_all_time(id), &mut |row| rows.push(row)).await?;
        rows.retain(|row| row.id() == id || row.leader() == id.whole());
        if id.task().is_some() {
            return task_facts(id, rows, asked);
        }
        let last = rows.iter().max_by_key(|row| (row.id() == id, row.submitted_at()));
        let Some(last) = last.cloned() else {
            let doing = Tool::Sacct.doing();
            return Err(match asked.rejected.into_iter().find(|row| row.may_be_one_of(|other| other == id)) {
                Some(row) => AdapterError::new(AdapterErrorKind::Unreadable, doing)
                    .with("row", row.raw)
                    .with("cause", row.reason),
                None => AdapterError::new(AdapterErrorKind::NotFound, doing).with("job", id),
            });
        };
        // A task has a row for each of its starts, and an earlier owner of the id had tasks of its own.
        let tasks: BTreeSet<SchedulerJobId> =
            rows.iter().filter(|row| row.is_of_the_same_submission(&last)).map(AccountingRow::id).collect();
        let work_directory = last.work_directory.clone();
        let sighting = last.sighting(asked.observed_at);
        let tasks = u32::try_from(tasks.len()).unwrap_or(u32::MAX).max(sighting.tasks);
        Ok(JobFacts { sighting, tasks, work_directory, output: None })
    }

    /// The runs of a window, handed on as they are read.
    pub(super) async fn runs_of(
        &self,
        window: &RunWindow,
        taker: &mut dyn RunTaker,
    ) -> Result<RunAnswer, AdapterError> {
        let reader = self.user().await?.clone();
        let selection = RowSelection {
            of: self.selected(&window.whose).await?,
            from: Some(window.window.from),
            // Accounting's end belongs to the window, ours does not.
            until: Some(window.window.to.plus_seconds(-1)),
        };
        let observed_at = self.clock.now();
        let mut runs = Runs { site: &window.site, reader: &reader, observed_at, taker, cluster: None };
        self.hand_on_accounting(&selection, &mut runs).await?;
        let cluster = match runs.cluster {
            Some(cluster) => cluster,
            None => self.cluster().await?.clone(),
        };
        let coverage =
            Coverage { cluster: cluster.clone(), window: window.window, whose: window.whose.clone(), asked_by: reader };
        Ok(RunAnswer { cluster, coverage, observed_at })
    }
}

/// What accounting knows of one task of an array of ours.
fn task_facts(id: SchedulerJobId, rows: Vec<AccountingRow>, asked: Asked) -> Result<JobFacts, AdapterError> {
    let of_row = |row: AccountingRow| {
        let work_directory = row.work_directory.clone();
        row.sightings(asked.observed_at).into_iter().map(move |sighting| (sighting, work_directory.clone()))
    };
    let own = rows.into_iter().flat_map(of_row).filter(|(sighting, _)| sighting.is_called(id));
    if let Some((sighting, work_directory)) = own.max_by_key(|(sighting, _)| sighting.submitted_at) {
        return Ok(JobFacts { sighting, tasks: 1, work_directory, output: None });
    }
    let doing = Tool::Sacct.doing();
    // The row of a task has a number of its own, so that any that cannot be read may be the one.
    Err(match asked.rejected.into_iter().next() {
        Some(row) => {
            AdapterError::new(AdapterErrorKind::Unreadable, doing).with("row", row.raw).with("cause", row.reason)
        }
        None => AdapterError::new(AdapterErrorKind::NotFound, doing).with("job", id),
    })
}

fn of_all_time(id: SchedulerJobId) -> RowSelection {
    RowSelection { of: Selection::of_job(id), from: None, until: None }
}

/// A bound of a window as `sacct -S` and `-E` take it. The call runs in UTC, so that local time is UTC.
fn bound(instant: Timestamp) -> String {
    // RFC 3339 less the zone letter; instants outside the calendar (`epoch N s`) are held at its ends.
    let held = instant.epoch_seconds().clamp(0, 253_370_764_800);
    Timestamp::from_epoch_seconds(held).to_string().trim_end_matches('Z').to_owned()
}

fn is_unknown_column(error: &AdapterError) -> bool {
    let says = |text: &str| UNKNOWN_COLUMN.iter().any(|words| text.contains(words));
    error.kind == AdapterErrorKind::Unreadable && error.facts.iter().any(|(name, said)| name == "said" && says(said))
}

/// A row, or what could not be read as one.
pub(super) fn read(found: &Found<'_>, fields: &AccountingFields) -> Result<AccountingRow, RejectedRow> {
    let values = match found {
        Found::Cut(raw) => return Err(cut(raw.clone())),
        Found::Row(values) => *values,
    };
    let field = |column: Column| fields.value(values, column);
    accounting_row::read(field, values::instant, values::tres, || values::raw(values)).map_err(|reason| {
        let (comment, submit_line, name) = (field(Column::Comment), field(Column::SubmitLine), field(Column::JobName));
        let stamp = tasks::stamp_of_unread(comment, submit_line, name, field(Column::JobId));
        RejectedRow { raw: values::raw(values), reason, stamp, is_cut: false }
    })
}

#[cfg(test)]
#[path = "accounting_tests.rs"]
mod tests;
