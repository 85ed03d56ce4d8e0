//! Looking a stamp up: was it submitted after all?

use crate::{
    AdapterError, AdapterErrorKind, CLOCK_TOLERANCE_SECONDS, FoundIn, FoundJob, JobSighting, RejectedRow, StampSearch,
    slurm::{
        SlurmCommands,
        call::Tool,
        selection::{RowSelection, Selection},
    },
};
use model::{BaseState, SchedulerJobId, Stamp, Timestamp, UserName};
use std::collections::{BTreeMap, BTreeSet};

impl SlurmCommands {
    /// Asks queue, then accounting, for all jobs of the user since the first intent, and picks those with each stamp.
    ///
    /// Not by name: a submit filter may have changed it, and the stamp may have survived in the comment only. The queue
    /// comes first, so that a job on its way from one to the other is in at least one answer.
    pub(super) async fn find_stamps(&self, searches: &[StampSearch]) -> Result<Vec<Vec<FoundJob>>, AdapterError> {
        let Some(since) = searches.iter().map(|search| search.since).min() else { return Ok(Vec::new()) };
        let person = match &searches[0].user {
            Some(user) => user.clone(),
            None => self.user().await?.clone(),
        };
        let by_user = Selection::of_user(person.clone());
        if searches.iter().any(|search| search.user.as_ref().is_some_and(|user| *user != person)) {
            let doing = "looking up jobs of several people at once";
            return Err(AdapterError::new(AdapterErrorKind::Unsupported, doing));
        }
        let earliest = since.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
        let wanted: BTreeSet<Stamp> = searches.iter().map(|search| search.stamp).collect();
        let mut stamped: BTreeMap<Stamp, Vec<(FoundIn, JobSighting)>> = BTreeMap::new();
        let mut keep = |found_in: FoundIn, row: JobSighting| {
            if let Some(stamp) = row.stamp.filter(|stamp| wanted.contains(stamp)) {
                stamped.entry(stamp).or_default().push((found_in, row));
            }
        };
        let asked = self.ask_queue(&by_user, &mut |row| keep(FoundIn::Queue, row.sighting)).await?;
        readable(&asked.rejected, &wanted, Tool::Squeue)?;
        let selection = RowSelection { of: by_user, from: Some(self.past(earliest)), until: None };
        let observed_at = self.clock.now();
        let mut take = |row: crate::slurm::accounting_row::AccountingRow| {
            if row.is_stamped() {
                row.sightings(observed_at).into_iter().for_each(|row| keep(FoundIn::Accounting, row));
            }
        };
        let asked = self.ask_accounting(&selection, &mut take).await?;
        readable(&asked.rejected, &wanted, Tool::Sacct)?;
        let found = |search: &StampSearch| {
            let earliest = search.since.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
            pick(stamped.get(&search.stamp).cloned().unwrap_or_default(), &person, earliest)
        };
        Ok(searches.iter().map(found).collect())
    }
}

/// An error where a row that cannot be read may be the job that is looked for. All rows are the user's own.
fn readable(rejected: &[RejectedRow], wanted: &BTreeSet<Stamp>, tool: Tool) -> Result<(), AdapterError> {
    let Some(row) = rejected.iter().find(|row| wanted.iter().any(|stamp| row.may_carry(*stamp))) else { return Ok(()) };
    Err(AdapterError::new(AdapterErrorKind::Unreadable, tool.doing())
        .with("unreadable rows", rejected.len())
        .with("row", &row.raw)
        .with("cause", &row.reason))
}

/// The jobs with the stamp, each once: as the queue knows it if it does, and an array or heterogeneous job by the part
/// that bears the id of the whole.
fn pick(stamped: Vec<(FoundIn, JobSighting)>, user: &UserName, earliest: Timestamp) -> Vec<FoundJob> {
    let mut found: BTreeMap<SchedulerJobId, FoundJob> = BTreeMap::new();
    for (found_in, sighting) in stamped {
        let is_it = sighting.user == *user && sighting.submitted_at >= earliest && !was_refused(&sighting);
        // A requeue gives one job several rows in accounting, with one id; the first one found stays.
        let is_better = found
            .get(&sighting.leader)
            .is_none_or(|job| job.sighting.id != job.sighting.leader && sighting.id == sighting.leader);
        if is_it && is_better {
            found.insert(sighting.leader, FoundJob { found_in, sighting });
        }
    }
    found.into_values().collect()
}

/// Whether the row is what a refused submission leaves behind: 22.05 keeps a job that asked for what no node has as
/// `FAILED` in queue (reason `BadConstraints`) and accounting (no nodes), though `sbatch` said no and gave no id.
fn was_refused(sighting: &JobSighting) -> bool {
    let never_started = sighting.reason == "BadConstraints" || sighting.started_at.is_none();
    sighting.state.base == BaseState::Failed && never_started && sighting.elapsed.seconds() == 0
}
