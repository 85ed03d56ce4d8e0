//! What the batch script wrote: attempts, heartbeat, progress. A missing or stale marker means unknown, never finished.

use super::{
    JobDirectory, OverReason,
    record::{Ended, SubmittedNote},
    store::own,
};
use crate::{error::JobsError, reached::reached};
use model::{BaseState, JobState, LinkNumber, SchedulerJobId, Timestamp, WallTime};
use std::collections::BTreeMap;

/// How many attempts of a link are looked at.
const MOST_ATTEMPTS: usize = 1_000;
/// The longest marker, in bytes.
const LONGEST_MARKER: usize = 64 * 1024;
/// The longest journal, in bytes: about fifty thousand starts.
const LONGEST_JOURNAL: usize = 8 * 1024 * 1024;
/// The record of a claim that was taken in nobody's name.
const NOBODYS: &str = "scheduler_job=forgotten\n";
/// How much of the progress file's end is read, in bytes.
const PROGRESS_TAIL: u32 = 64 * 1024;

/// One start of the link, as its markers tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which scheduler job.
    pub scheduler_job: SchedulerJobId,
    /// Its restart count.
    pub restart: u32,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// The exit code, once it has ended.
    pub exit_code: Option<u32>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended, where it is of a chain: `checkpointed`, `told`, `failed`, ... (docs/checkpoints.md).
    pub class: Option<String>,
    /// By what it had been told to save, where it is of a chain and was.
    pub told: Option<String>,
    /// Why its program failed, as its script found it, where it is of a chain and did.
    pub failure: Option<String>,
    /// How many bytes the log had when it began; none where its script did not tell.
    pub log_begins_at: Option<u64>,
}

impl Attempt {
    /// How long it ran, once it has ended.
    pub fn elapsed(&self) -> Option<WallTime> {
        let seconds = self.ended_at?.seconds_since(self.started_at?);
        u64::try_from(seconds).ok().map(WallTime::from_seconds)
    }
}

/// How far the program says it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub total: u64,
    /// What else it says: `loss=2.31`.
    pub note: String,
}

impl Progress {
    /// Reads the last whole line of the form `step total note...`.
    pub fn read(text: &str) -> Option<Self> {
        text.lines().rev().find_map(|line| {
            let mut words = line.split_whitespace();
            let (step, total) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            Some(Self { step, total, note: words.collect::<Vec<_>>().join(" ") })
        })
    }
}

impl JobDirectory {
    /// The attempts of this link, in the order of their starts.
    pub async fn attempts(&self) -> Result<Vec<Attempt>, JobsError> {
        Ok(self.attempts_of(&[self.link()]).await?.pop().unwrap_or_default())
    }

    /// The attempts of each of these links, in the order of their starts.
    pub(super) async fn attempts_of(&self, links: &[LinkNumber]) -> Result<Vec<Vec<Attempt>>, JobsError> {
        let folders: Vec<String> = links.iter().map(|link| self.of_link(*link).in_link("attempts")).collect();
        let mut known: Vec<(usize, SchedulerJobId, u32)> = Vec::new();
        let mut markers = Vec::new();
        for (place, (names, folder)) in self.each_names(&folders).await?.into_iter().zip(&folders).enumerate() {
            for name in names.into_iter().take(MOST_ATTEMPTS) {
                let Some((id, restart)) = name.split_once('-') else { continue };
                let (Ok(scheduler_job), Ok(restart)) = (id.parse(), restart.parse()) else { continue };
                known.push((place, scheduler_job, restart));
                markers.extend(["started", "ended"].map(|marker| format!("{folder}/{name}/{marker}")));
            }
        }
        let read = self.each_file(&markers, LONGEST_MARKER).await?;
        let mut attempts: Vec<Vec<Attempt>> = links.iter().map(|_| Vec::new()).collect();
        for ((place, scheduler_job, restart), read) in known.into_iter().zip(read.chunks_exact(2)) {
            let pairs = |place: usize| read.get(place).and_then(Option::as_deref).map(pairs).unwrap_or_default();
            let (started, ended) = (pairs(0), pairs(1));
            attempts[place].push(Attempt {
                scheduler_job,
                restart,
                started_at: started.get("epoch_seconds").and_then(|text| instant(text)),
                exit_code: ended.get("exit_code").and_then(|text| text.parse().ok()),
                ended_at: ended.get("epoch_seconds").and_then(|text| instant(text)),
                class: ended.get("class").cloned(),
                told: ended.get("told").filter(|told| *told != "none").cloned(),
                failure: ended.get("failure").filter(|failure| *failure != "-").cloned(),
                log_begins_at: started.get("log_bytes").and_then(|text| text.parse().ok()),
            });
        }
        for attempts in &mut attempts {
            attempts.sort_by_key(|attempt| (attempt.started_at, attempt.restart));
        }
        Ok(attempts)
    }

    /// The scheduler jobs that claimed these links, by the links; one that none has started is not among them.
    pub(super) async fn claims_of(
        &self,
        links: &[LinkNumber],
    ) -> Result<BTreeMap<LinkNumber, SchedulerJobId>, JobsError> {
        let names: Vec<String> = links.iter().map(|link| self.of_link(*link).in_link("claim/owner")).collect();
        let read = self.each_file(&names, LONGEST_MARKER).await?;
        let claim = |(link, bytes): (&LinkNumber, Option<Vec<u8>>)| {
            Some((*link, pairs(&bytes?).get("scheduler_job").and_then(|text| text.parse().ok())?))
        };
        Ok(links.iter().zip(read).filter_map(claim).collect())
    }

    /// The scheduler job that claimed this link; none where none has started.
    pub async fn claimed_by(&self) -> Result<Option<SchedulerJobId>, JobsError> {
        let owner = self.marker(&self.in_link("claim/owner")).await?;
        Ok(owner.get("scheduler_job").and_then(|text| text.parse().ok()))
    }

    /// Takes the claim of this link in nobody's name, unless it is taken: whoever comes later ends at it without work. After
    /// `Ok(true)` nobody works for the link, and nobody will.
    pub(crate) async fn fence(&self) -> Result<bool, JobsError> {
        const WHAT: &str = "the claim of a forgotten link was not taken";
        // A claim is renamed onto this folder as long as it is empty; its record is what counts.
        let claim = self.path().join(self.in_link("claim"));
        reached(self.files().create_directories(&claim, own(self.mode())).await, WHAT)?;
        let written = self.files().write_once(&claim.join("owner"), NOBODYS.as_bytes()).await;
        reached(written, WHAT)?;
        self.is_fenced().await
    }

    /// Whether the claim of this link was taken in nobody's name.
    pub(crate) async fn is_fenced(&self) -> Result<bool, JobsError> {
        let bytes = self.file(&self.in_link("claim/owner"), LONGEST_MARKER).await?;
        Ok(bytes.as_deref() == Some(NOBODYS.as_bytes()))
    }

    /// Which scheduler job works for this link: the one that was noted, or another where that has claimed the link. The noted
    /// one has ended at the claim then, or will, and its end is not the job's.
    pub async fn submitted(&self) -> Result<Option<SubmittedNote>, JobsError> {
        match self.noted().await? {
            Some(noted) => self.worked_by(noted).await.map(Some),
            None => Ok(None),
        }
    }

    /// What was noted of this link, or who claimed it instead.
    pub(super) async fn worked_by(&self, noted: SubmittedNote) -> Result<SubmittedNote, JobsError> {
        Ok(match self.claimed_by().await? {
            Some(claimed) if claimed != noted.scheduler_job => {
                SubmittedNote { scheduler_job: claimed, was_found: true, submitted_at: None, ..noted }
            }
            _ => noted,
        })
    }

    /// The journal of a chain; empty where there is none.
    pub(crate) async fn journal(&self) -> Result<String, JobsError> {
        let bytes = self.file("chain", LONGEST_JOURNAL).await?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How far the program of the last attempt says it is; none where it says nothing.
    pub async fn progress(&self) -> Result<Option<Progress>, JobsError> {
        let Some(last) = self.attempts().await?.pop() else { return Ok(None) };
        let name = self.in_link(&format!("attempts/{}-{}/progress", last.scheduler_job, last.restart));
        let path = self.path().join(&name);
        let read = self.files().read_part(&path, -i64::from(PROGRESS_TAIL), PROGRESS_TAIL as usize).await;
        if let Some(part) = reached(read, "the job's progress was not read")? {
            return Ok(Progress::read(&String::from_utf8_lossy(&part.bytes)));
        }
        let archive = self.archive().await?;
        let bytes = archive.as_ref().and_then(|archive| archive.file(&name));
        Ok(bytes.and_then(|bytes| Progress::read(&String::from_utf8_lossy(bytes))))
    }

    /// An end together with what only the job's own files tell of it: that it was cancelled before it had begun, its progress,
    /// and how long it ran where the scheduler has not said. Files that cannot be read tell nothing, and are in nobody's way.
    pub(crate) async fn with_markers(&self, ended: Ended) -> Ended {
        let ended = self.of_chain(ended).await;
        let here = self.current_link().await.unwrap_or_else(|_| self.clone());
        let state = here.meant(ended.state).await;
        let elapsed = match ended.elapsed {
            Some(elapsed) => Some(elapsed),
            None => here.attempts().await.ok().and_then(|attempts| attempts.last().and_then(Attempt::elapsed)),
        };
        let progress = match ended.progress {
            Some(progress) => Some(progress),
            None => here.progress().await.ok().flatten(),
        };
        Ended { state, elapsed, progress, ..ended }
    }

    /// The end of a chain or a sweep, by why it is over: how its last link ended says nothing of its work. That of another job is as it was.
    async fn of_chain(&self, ended: Ended) -> Ended {
        let has_links = self.intent().await.is_ok_and(|intent| intent.is_some_and(|intent| intent.has_links()));
        let over = self.over().await.ok().flatten().filter(|_| has_links);
        let was_cancelled = has_links && matches!(self.cancel().await, Ok(Some(_)));
        let state = JobState::of;
        match over.map(|over| over.why) {
            Some(OverReason::Done) => Ended { state: state(BaseState::Completed), ..ended },
            Some(_) | None if was_cancelled => Ended { state: state(BaseState::Cancelled), ..ended },
            // Its last link had its own end, which tells more.
            Some(why @ OverReason::Links) if ended.state.base != BaseState::Completed => {
                Ended { note: Some(why.to_string()), ..ended }
            }
            Some(why) => Ended { state: state(BaseState::Failed), note: Some(why.to_string()), ..ended },
            None => ended,
        }
    }

    /// What the scheduler's state means for the job: a start that sees at its claim that the job was cancelled ends in peace,
    /// which the scheduler calls completed, and leaves its claim among those of duplicates. A job without a claim of its own
    /// has none there, and may have come to its end before it was cancelled. Files that cannot be read tell nothing.
    pub(crate) async fn meant(&self, state: JobState) -> JobState {
        let ended_at_its_claim = state.base == BaseState::Completed
            && matches!(self.cancel().await, Ok(Some(_)))
            && matches!(self.claimed_by().await, Ok(None))
            && matches!(self.names(&self.in_link("duplicates")).await, Ok(names) if !names.is_empty());
        if ended_at_its_claim { JobState::of(BaseState::Cancelled) } else { state }
    }

    pub(super) async fn marker(&self, name: &str) -> Result<BTreeMap<String, String>, JobsError> {
        Ok(pairs(&self.file(name, LONGEST_MARKER).await?.unwrap_or_default()))
    }
}

/// The pairs of a marker, a line `KEY=VALUE` each.
fn pairs(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_epoch_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_whole_line_of_the_progress_counts() {
        let progress = Progress::read("10 200 loss=3.1\n20 200 loss=2.9 lr=1\ngarbage\n").expect("a line");
        assert_eq!((progress.step, progress.total, progress.note.as_str()), (20, 200, "loss=2.9 lr=1"));
        assert_eq!(Progress::read("-1 5\nx y\n"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "([0-9]{1,25} |.|\n){0,60}") {
            let _ = Progress::read(&text);
        }
    }
}
