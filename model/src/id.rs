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

/// The scheduler's id of a job, the raw number that an array task has too (`JobIDRaw` of sacct(1)).
///
/// It wraps at `MaxJobId` and is reused: alone it identifies nothing. Beside submit time and cluster it does ([`RunKey`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchedulerJobId(u64);

/// Why a text is no scheduler job id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scheduler job id: a number such as `4711`")]
pub struct SchedulerJobIdError(pub String);

impl SchedulerJobId {
    /// The id of this number.
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The number.
    pub const fn raw(self) -> u64 {
        self.0
    }
}

impl FromStr for SchedulerJobId {
    type Err = SchedulerJobIdError;

    fn from_str(text: &str) -> Result<Self, SchedulerJobIdError> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().ok().map(Self)).flatten().ok_or_else(|| SchedulerJobIdError(text.to_owned()))
    }
}

impl fmt::Display for SchedulerJobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
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
}
