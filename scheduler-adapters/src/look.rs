//! Looking where jobs stand, by answers that may be a little old.

use crate::{JobSighting, Pace};
use model::{SchedulerJobId, Timestamp};
use std::collections::BTreeMap;

/// Jobs of the person who asks that are to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedFor {
    /// The jobs, each with the instant at which its id was known: an older answer that lacks the job says nothing of it.
    pub jobs: BTreeMap<SchedulerJobId, Timestamp>,
    /// A row that was submitted a day or more before this belongs to an earlier owner of a recycled id.
    pub since: Timestamp,
}

/// Where jobs stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Where each of them stands; one that is absent is known to nobody.
    pub states: BTreeMap<SchedulerJobId, JobSighting>,
    /// When the oldest of the answers was asked for that this was put together from; none where nobody was asked.
    pub observed_at: Option<Timestamp>,
    /// Whether some of it was asked for by an earlier question, and may be older than this one.
    pub was_shared: bool,
    /// What a person should know beside it.
    pub notes: Vec<String>,
}

/// A source that did not answer, and is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceWait {
    /// Which.
    pub source: String,
    /// Until when.
    pub until: Timestamp,
    /// How many questions in a row it did not answer.
    pub failures: u32,
    /// What was said.
    pub said: String,
}

/// How the shared answers of a person stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedState {
    /// How often sources are asked.
    pub pace: Pace,
    /// When the queue was last asked for all, how many jobs it had, and by which way; none where no answer lies there.
    pub queue: Option<(Timestamp, usize)>,
    /// When accounting was last asked for jobs that the queue no longer has, and how many are remembered.
    pub accounting: Option<(Timestamp, usize)>,
    /// Sources that did not answer.
    pub waits: Vec<SourceWait>,
    /// Whether the queue can be asked for states alone; none where that was not tried.
    pub asks_states_alone: Option<bool>,
    /// What was set aside.
    pub notes: Vec<String>,
}
