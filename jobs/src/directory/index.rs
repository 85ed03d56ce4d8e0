//! The list of jobs. Jobs that are over stand in an index of one line each, their id and their record, so that ten thousand
//! of them are one read and only those that are shown are understood; the others are opened. The index can be thrown away:
//! it is rebuilt from the directories.

use super::{Ended, Intent, Origin, SentLink, State};
use crate::{error::JobsError, reached::reached};
use model::{JobId, LinkNumber, SchedulerJobId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range, path::PathBuf};

/// The longest index that is read, in bytes: a million jobs.
const LONGEST_INDEX: usize = 1024 * 1024 * 1024;
/// The letters of an id.
const ID_LENGTH: usize = 26;

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
    /// The links of a chain or a sweep that were sent; empty for another job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<SentLink>,
    /// Whether it is a chain or a sweep.
    #[serde(default, alias = "is_chain", skip_serializing_if = "std::ops::Not::not")]
    pub has_links: bool,
    /// How it ended; none while it is open.
    pub ended: Option<Ended>,
    /// Whether it was submitted while the ledger did not answer, so that its hold is to be entered later.
    #[serde(default)]
    pub hold_is_due: bool,
    /// Whether its directory is known to be sealed, with nothing left to do there.
    #[serde(default)]
    pub is_sealed: bool,
}

/// How far the scheduler's clock may differ from ours, in seconds.
const CLOCK_DIFFERENCE_SECONDS: i64 = 86_400;

impl IndexedJob {
    /// The instant before which what the scheduler has under the job's id belongs to an earlier owner of that id. A job
    /// that was taken over had been submitted before it had an id of ours.
    pub fn submitted_since(&self) -> Timestamp {
        self.submitted_at.unwrap_or_else(|| self.intent.made_at.plus_seconds(-CLOCK_DIFFERENCE_SECONDS))
    }

    /// Whether the scheduler knows it, or a link of it, by this id.
    pub(crate) fn is_called(&self, id: SchedulerJobId) -> bool {
        self.scheduler_job == Some(id) || self.links.iter().any(|link| link.scheduler_job == id)
    }

    /// By which links it may be at work now: of a chain the one that is, and those behind it, of a sweep all.
    pub(crate) fn at_work(&self) -> Vec<SentLink> {
        let Some(scheduler_job) = self.scheduler_job else { return Vec::new() };
        match self.links.iter().position(|link| link.scheduler_job == scheduler_job) {
            Some(place) => self.links[place..].to_vec(),
            None => vec![SentLink { link: LinkNumber::FIRST, scheduler_job }],
        }
    }
}

/// The jobs of a state folder: the ids of all, and of those that are over a line each, read only where it is asked for.
pub struct JobIndex {
    state: State,
    ids: Vec<JobId>,
    text: Vec<u8>,
    /// Where in the text the record of a job stands.
    lines: BTreeMap<JobId, Range<usize>>,
    /// Jobs that are over and stand in no line yet.
    fresh: Vec<IndexedJob>,
}

impl JobIndex {
    /// Looks which jobs there are.
    pub async fn of(state: &State) -> Result<Self, JobsError> {
        let read = state.files().read(&path(state), LONGEST_INDEX).await;
        let text = reached(read, "the index of jobs was not read")?.unwrap_or_default();
        let (mut lines, mut start) = (BTreeMap::new(), 0);
        for line in text.split(|byte| *byte == b'\n') {
            // A line that cannot be read is as good as absent, because its job directory is still there.
            if let Some(id) = line.get(..ID_LENGTH).and_then(|id| std::str::from_utf8(id).ok()?.parse().ok()) {
                lines.insert(id, start + ID_LENGTH..start + line.len());
            }
            start += line.len() + 1;
        }
        Ok(Self { state: state.clone(), ids: state.ids().await?, text, lines, fresh: Vec::new() })
    }

    /// The ids of all jobs, oldest first.
    pub fn ids(&self) -> Vec<JobId> {
        self.ids.clone()
    }

    /// Whether a job is known to be over, without a look at it.
    pub fn is_over(&self, id: JobId) -> bool {
        self.lines.contains_key(&id)
    }

    /// Whether a job's record may hold this text: only a look at it tells.
    pub fn may_hold(&self, id: JobId, text: &str) -> bool {
        let Some(line) = self.lines.get(&id) else { return true };
        text.is_empty() || self.text[line.clone()].windows(text.len()).any(|part| part == text.as_bytes())
    }

    /// The job, from its line or from its directory; none where there is only an id that was claimed.
    pub async fn job(&mut self, id: JobId) -> Result<Option<IndexedJob>, JobsError> {
        let line = self.lines.get(&id).and_then(|line| serde_json::from_slice(&self.text[line.clone()]).ok());
        if line.is_some() {
            return Ok(line);
        }
        let job = opened(&self.state, id).await?;
        if let Some(job) = job.as_ref().filter(|job| job.ended.is_some()) {
            self.fresh.push(job.clone());
        }
        Ok(job)
    }

    /// Notes that a job's directory is sealed; of several lines of one job the last one counts.
    pub fn note_sealed(&mut self, job: IndexedJob) {
        self.fresh.push(IndexedJob { is_sealed: true, ..job });
    }

    /// Writes the lines that were missing. A full or read-only disk keeps nobody from looking: the index only saves the
    /// next call some reading.
    pub async fn keep(self) {
        let mut text = Vec::new();
        for job in &self.fresh {
            text.extend_from_slice(format!("\n{} ", job.intent.id).as_bytes());
            // A record that was read can be written; half a line is no line.
            let _whole = serde_json::to_writer(&mut text, job);
            text.push(b'\n');
        }
        if !text.is_empty() {
            let _unwritten = self.state.files().append(&path(&self.state), &text).await;
        }
    }
}

fn path(state: &State) -> PathBuf {
    state.root().join("ended.index")
}

/// Reads a job from its directory.
async fn opened(state: &State, id: JobId) -> Result<Option<IndexedJob>, JobsError> {
    let directory = state.job(id);
    let Some(mut intent) = directory.intent().await? else { return Ok(None) };
    let has_links = intent.has_links();
    let links = if has_links { directory.sent_links().await? } else { Vec::new() };
    let current = match links.first().filter(|_| intent.sweep().is_some()) {
        Some(first) => directory.of_link(first.link),
        None => directory.of_current(links.len()).await?,
    };
    if intent.origin != Some(Origin::Adopted) {
        intent.origin = None;
    }
    intent.placement = None;
    let submitted = current.submitted().await?;
    Ok(Some(IndexedJob {
        intent,
        scheduler_job: submitted.as_ref().map(|note| note.scheduler_job),
        submitted_at: submitted.and_then(|note| note.submitted_at),
        links,
        has_links,
        ended: directory.ended().await?,
        hold_is_due: directory.unheld().await?.is_some_and(|unheld| unheld.is_provisional),
        // Looked at again by whoever seals: an earlier one may have been stopped half way.
        is_sealed: false,
    }))
}

/// All jobs, oldest first, and afterwards an index that knows every ended one.
pub async fn list(state: &State) -> Result<Vec<IndexedJob>, JobsError> {
    let mut index = JobIndex::of(state).await?;
    let mut jobs = Vec::new();
    for id in index.ids() {
        jobs.extend(index.job(id).await?);
    }
    index.keep().await;
    Ok(jobs)
}
