//! The list of jobs. Jobs that are over stand in an index of one line each, so that ten thousand of them are one read;
//! the others are opened. The index can be thrown away: it is rebuilt from the directories.

use super::{Ended, Intent, Origin, State};
use crate::{error::JobsError, reached::reached};
use model::{JobId, SchedulerJobId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest index that is read, in bytes: a million jobs.
const LONGEST_INDEX: usize = 1024 * 1024 * 1024;

/// One job as the list shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexedJob {
    /// Its intent, without the spec.
    pub intent: Intent,
    /// The scheduler's id, once it has one.
    pub scheduler_job: Option<SchedulerJobId>,
    /// When it was submitted by the scheduler's clock, where that is known.
    #[serde(default)]
    pub submitted_at: Option<Timestamp>,
    /// How it ended; none while it is open.
    pub ended: Option<Ended>,
    /// Whether it was submitted while the ledger did not answer, so that its hold is to be entered later.
    #[serde(default)]
    pub hold_is_due: bool,
}

/// How far the scheduler's clock may differ from ours, in seconds.
const CLOCK_DIFFERENCE_SECONDS: i64 = 86_400;

impl IndexedJob {
    /// The instant before which what the scheduler has under the job's id belongs to an earlier owner of that id. A job
    /// that was taken over had been submitted before it had an id of ours.
    pub fn submitted_since(&self) -> Timestamp {
        self.submitted_at.unwrap_or_else(|| self.intent.made_at.plus_seconds(-CLOCK_DIFFERENCE_SECONDS))
    }
}

/// All jobs, oldest first, and afterwards an index that knows every ended one.
pub async fn list(state: &State) -> Result<Vec<IndexedJob>, JobsError> {
    let mut known = read_index(state).await?;
    let mut fresh = Vec::new();
    let mut jobs = Vec::new();
    for id in state.ids().await? {
        if let Some(job) = known.remove(&id) {
            jobs.push(job);
            continue;
        }
        let directory = state.job(id);
        let Some(mut intent) = directory.intent().await? else { continue };
        if intent.origin != Some(Origin::Adopted) {
            intent.origin = None;
        }
        intent.placement = None;
        let submitted = directory.submitted().await?;
        let hold_is_due = directory.unheld().await?.is_some_and(|unheld| unheld.is_provisional);
        let job = IndexedJob {
            intent,
            scheduler_job: submitted.as_ref().map(|note| note.scheduler_job),
            submitted_at: submitted.and_then(|note| note.submitted_at),
            ended: directory.ended().await?,
            hold_is_due,
        };
        if job.ended.is_some() {
            fresh.push(job.clone());
        }
        jobs.push(job);
    }
    // A full or read-only disk keeps nobody from looking: the index only saves the next call some reading.
    let _unwritten = append(state, &fresh).await;
    Ok(jobs)
}

/// Reads the index; a line that cannot be read is as good as absent, because its job directory is still there.
async fn read_index(state: &State) -> Result<BTreeMap<JobId, IndexedJob>, JobsError> {
    let path = state.root().join("ended.index");
    let bytes = reached(state.files().read(&path, LONGEST_INDEX).await, "the index of jobs was not read")?;
    let bytes = bytes.unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let jobs = lines.filter_map(|line| serde_json::from_slice::<IndexedJob>(line).ok());
    Ok(jobs.map(|job| (job.intent.id, job)).collect())
}

async fn append(state: &State, jobs: &[IndexedJob]) -> Result<(), JobsError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut lines = Vec::new();
    for job in jobs {
        lines.push(b'\n');
        serde_json::to_writer(&mut lines, job).unwrap_or_default();
        lines.push(b'\n');
    }
    let path = state.root().join("ended.index");
    reached(state.files().append(&path, &lines).await, "the index of jobs was not written")
}
