//! Ids: ours, made before anything else, and the scheduler's, which may be recycled.

use crate::{ClusterName, SiteName, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use ulid::Ulid;

/// Our id of a job: a ULID, so that ids sort by the time they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(Ulid);

/// Why a text is no job id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a job id: 26 characters such as `01kb2v6m3ynf0q5w8r7d4c9xzt`")]
pub struct JobIdError(pub String);

impl JobId {
    /// The id made at `now` from 80 random bits; the higher bits of `random` are ignored.
    pub fn from_parts(now: Timestamp, random: u128) -> Self {
        let milli = u64::try_from(now.epoch_seconds()).unwrap_or(0).saturating_mul(1000);
        Self(Ulid::from_parts(milli, random))
    }

    /// The id so many places behind this one, as the tasks of an array have theirs.
    #[must_use]
    pub const fn nth(self, place: u32) -> Self {
        Self(Ulid(self.0.0.wrapping_add(place as u128)))
    }

    /// How many places behind another id this one is; none where it is before it, or further than any array goes.
    pub fn places_behind(self, first: Self) -> Option<u32> {
        self.0.0.checked_sub(first.0.0).and_then(|places| u32::try_from(places).ok())
    }

    /// When it was made, to the second.
    pub fn made_at(self) -> Timestamp {
        Timestamp::from_epoch_seconds(i64::try_from(self.0.timestamp_ms() / 1000).unwrap_or(i64::MAX))
    }
}

impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<Self, JobIdError> {
        let id = Ulid::from_string(text).map_err(|_| JobIdError(text.to_owned()))?;
        let same = id.to_string().eq_ignore_ascii_case(text);
        same.then_some(Self(id)).ok_or_else(|| JobIdError(text.to_owned()))
    }
}

impl TryFrom<String> for JobId {
    type Error = JobIdError;

    fn try_from(text: String) -> Result<Self, JobIdError> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0.to_string().to_ascii_lowercase())
    }
}

/// The place of a scheduler job in its chain, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkNumber(u32);

impl LinkNumber {
    /// The first link; a job that is no chain has only this one.
    pub const FIRST: Self = Self(1);

    /// The link at this place; none for 0.
    pub fn new(place: u32) -> Option<Self> {
        (place > 0).then_some(Self(place))
    }

    /// The place, from 1.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for LinkNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The scheduler's id of a job: a number or, of a task of an array, the number of the array and the task's index. `4711_3` is
/// how people see such a task, and the only name that it has from its submission to its end: a number of its own, which runs
/// are known by (`JobIDRaw` of sacct(1)), it gets when it starts, and its last task gets that of the array.
///
/// The number wraps at `MaxJobId` and is reused: alone it identifies nothing. Beside submit time and cluster it does
/// ([`RunKey`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct SchedulerJobId {
    number: u64,
    task: Option<u32>,
}

/// An id in a record: a number, or the text `4711_3`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Task(TaskText),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct TaskText(SchedulerJobId);

impl TryFrom<String> for TaskText {
    type Error = SchedulerJobIdError;

    fn try_from(text: String) -> Result<Self, SchedulerJobIdError> {
        text.parse().map(Self)
    }
}

impl From<TaskText> for String {
    fn from(task: TaskText) -> Self {
        task.0.to_string()
    }
}

impl From<Written> for SchedulerJobId {
    fn from(written: Written) -> Self {
        match written {
            Written::Number(number) => Self::new(number),
            Written::Task(TaskText(id)) => id,
        }
    }
}

impl From<SchedulerJobId> for Written {
    fn from(id: SchedulerJobId) -> Self {
        if id.task.is_some() { Self::Task(TaskText(id)) } else { Self::Number(id.number) }
    }
}

/// Why a text is no scheduler job id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scheduler job id: a number such as `4711`, or `4711_3` for a task of an array")]
pub struct SchedulerJobIdError(pub String);

impl SchedulerJobId {
    /// The id of this number.
    pub const fn new(raw: u64) -> Self {
        Self { number: raw, task: None }
    }

    /// The task with this index, where this is an array.
    #[must_use]
    pub const fn with_task(self, index: u32) -> Self {
        Self { task: Some(index), ..self }
    }

    /// The number: of a task that of its array.
    pub const fn raw(self) -> u64 {
        self.number
    }

    /// Which task of an array it is, where it is one.
    pub const fn task(self) -> Option<u32> {
        self.task
    }

    /// What was submitted: of a task the array.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self { task: None, ..self }
    }
}

impl FromStr for SchedulerJobId {
    type Err = SchedulerJobIdError;

    fn from_str(text: &str) -> Result<Self, SchedulerJobIdError> {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let read = || {
            let (number, task) = match text.split_once('_') {
                Some((number, task)) if is_number(task) => (number, Some(task.parse().ok()?)),
                Some(_) => return None,
                None => (text, None),
            };
            is_number(number).then(|| number.parse().ok()).flatten().map(|number| Self { number, task })
        };
        read().ok_or_else(|| SchedulerJobIdError(text.to_owned()))
    }
}

impl fmt::Display for SchedulerJobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.task {
            None => self.number.fmt(formatter),
            Some(task) => formatter.pad(&format!("{}_{task}", self.number)),
        }
    }
}

/// What makes a run one and the same, whoever reads it and how often.
///
/// Job ids are recycled and a requeue keeps the id but resets the submit time, so both belong to the key
/// (Slurm 25.11, sacct(1): `-D`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunKey {
    /// Where.
    pub site: SiteName,
    /// Slurm's name of the cluster.
    pub cluster: ClusterName,
    /// The raw number.
    pub scheduler_job: SchedulerJobId,
    /// When this attempt was submitted.
    pub submitted_at: Timestamp,
}

impl fmt::Display for RunKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, cluster, scheduler_job, submitted_at } = self;
        write!(formatter, "{site}/{cluster}/{scheduler_job}@{}", submitted_at.epoch_seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_keeps_its_second_and_reads_back() {
        let now = Timestamp::from_epoch_seconds(1_793_000_000);
        let id = JobId::from_parts(now, 0x1234_5678_9abc_def0_1234);
        assert_eq!(id.made_at(), now);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_ascii_uppercase().parse(), Ok(id));
        for text in ["", "01kb2v6m3ynf0q5w8r7d4c9xz", "01kb2v6m3ynf0q5w8r7d4c9xzu!", "zzzzzzzzzzzzzzzzzzzzzzzzzz"] {
            assert!(text.parse::<JobId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_task_of_an_array_is_told_from_a_job_in_text_and_in_records() {
        let task = SchedulerJobId::new(4711).with_task(3);
        assert_eq!((task.to_string(), "4711_3".parse()), ("4711_3".to_owned(), Ok(task)));
        for (id, record) in [(task, "\"4711_3\""), (task.whole(), "4711")] {
            assert_eq!(serde_json::to_string(&id).expect("written"), record);
            assert_eq!(serde_json::from_str::<SchedulerJobId>(record).expect("read"), id);
        }
        for text in ["", "_", "4711_", "_3", "4711_3_1", "4711_[3]", "4711+1", "-1", "4711_4294967296"] {
            assert!(text.parse::<SchedulerJobId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_of_tasks_lie_side_by_side() {
        let first = JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), u128::MAX);
        for place in [0, 1, 999] {
            assert_eq!(first.nth(place).places_behind(first), Some(place));
        }
        assert_eq!((first.places_behind(first.nth(1)), first.nth(31).to_string().len()), (None, 26));
    }
}
