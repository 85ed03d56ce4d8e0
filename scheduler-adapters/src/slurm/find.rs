//! Looking a stamp up: was it submitted after all?

use crate::{
    AdapterError, AdapterErrorKind, FoundIn, FoundJob, JobSighting, StampSearch,
    slurm::{
        SlurmCommands,
        accounting::{CLOCK_TOLERANCE_SECONDS, bound},
        call::Tool,
        queue::all_readable,
    },
};
use model::{BaseState, Timestamp, UserName};

impl SlurmCommands {
    /// Asks queue, then accounting, for all jobs of the user since the intent, and picks those with the stamp.
    ///
    /// Not by name: a submit filter may have changed it, and the stamp may have survived in the comment only. The queue
    /// comes first, so that a job on its way from one to the other is in at least one answer.
    pub(super) async fn find_stamp(&self, search: &StampSearch) -> Result<Vec<FoundJob>, AdapterError> {
        let user = match &search.user {
            Some(user) => user.clone(),
            None => self.user().await?.clone(),
        };
        let earliest = search.since.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
        let queued = all_readable(self.ask_queue(&[format!("--user={user}")]).await?)?;
        let selection = [format!("--user={user}"), format!("--starttime={}", bound(self.past(earliest)))];
        let answer = self.ask_accounting(&selection).await?;
        if let Some(rejected) = answer.rejected.first() {
            return Err(AdapterError::new(AdapterErrorKind::Unreadable, Tool::Sacct.doing())
                .with("unreadable rows", answer.rejected.len())
                .with("the first", &rejected.reason));
        }
        let observed_at = self.clock.now();
        let queued = queued.into_iter().map(|row| (FoundIn::Queue, row.sighting));
        let accounted = answer.rows.into_iter().map(|row| (FoundIn::Accounting, row.sighting(observed_at)));
        Ok(pick(queued.chain(accounted), search, &user, earliest))
    }
}

/// The jobs with the stamp, each once, as the queue knows it if it does.
fn pick(
    sightings: impl Iterator<Item = (FoundIn, JobSighting)>,
    search: &StampSearch,
    user: &UserName,
    earliest: Timestamp,
) -> Vec<FoundJob> {
    let mut found: Vec<FoundJob> = Vec::new();
    for (found_in, sighting) in sightings {
        let is_ours = sighting.stamp == Some(search.stamp) && sighting.user == *user;
        let is_it = is_ours && sighting.submitted_at >= earliest && !was_refused(&sighting);
        // A requeue gives one job several rows in accounting, with one id.
        let is_listed = found.iter().any(|job| job.sighting.id == sighting.id);
        if is_it && !is_listed {
            found.push(FoundJob { found_in, sighting });
        }
    }
    found
}

/// Whether the row is what a refused submission leaves behind: 22.05 keeps a job that asked for what no node has as
/// `FAILED` in queue (reason `BadConstraints`) and accounting (no nodes), though `sbatch` said no and gave no id.
fn was_refused(sighting: &JobSighting) -> bool {
    let never_started = sighting.reason == "BadConstraints" || sighting.started_at.is_none();
    sighting.state.base == BaseState::Failed && never_started && sighting.elapsed.seconds() == 0
}
