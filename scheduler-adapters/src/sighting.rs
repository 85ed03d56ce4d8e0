//! What was seen of a job, when, and where.

use model::{
    AccountName, ClusterName, JobState, PartitionName, QosName, SchedulerJobId, Stamp, Timestamp, Tres, UserName,
    WallTime,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What was submitted with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JobForm {
    /// One job.
    Single,
    /// An array: one script, run as several tasks.
    Array,
    /// A heterogeneous job: several components that start together.
    Heterogeneous,
}

/// A job as it was seen at one instant: a single one, or a task of an array, or a component of a heterogeneous one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSighting {
    /// The raw id; the master's for tasks of an array that still wait.
    pub id: SchedulerJobId,
    /// The id that the submission was given: that of the array or heterogeneous job this belongs to, else its own.
    pub leader: SchedulerJobId,
    /// What it is a part of.
    pub form: JobForm,
    /// The id as people see it: `4711`, `4711_3`, `4711_[5-9%4]`, `4711+0`.
    pub shown_id: String,
    /// How many jobs this row stands for: more than one for the waiting rest of an array.
    pub tasks: u32,
    /// Where.
    pub cluster: Option<ClusterName>,
    /// Whose.
    pub user: UserName,
    /// Charged to which account.
    pub account: Option<AccountName>,
    /// Where it runs; the first of several while it waits for any of them.
    pub partition: Option<PartitionName>,
    /// Under which quality of service.
    pub qos: Option<QosName>,
    /// Its name.
    pub name: String,
    /// Our mark, where it is one of ours.
    pub stamp: Option<Stamp>,
    /// Where it stands.
    pub state: JobState,
    /// Why it waits, in the scheduler's word; empty where there is no reason.
    pub reason: String,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When it started; for a waiting job when it is expected to, where the scheduler says.
    pub started_at: Option<Timestamp>,
    /// When it ended or must end.
    pub ends_at: Option<Timestamp>,
    /// Its limit; none for no limit.
    pub time_limit: Option<WallTime>,
    /// How long it has run.
    pub elapsed: WallTime,
    /// What it was given, and while it has been given nothing, what it asked for; for each of its tasks.
    pub requested: Tres,
    /// How many nodes, for each of its tasks.
    pub nodes: u32,
    /// When this was seen.
    pub observed_at: Timestamp,
}

impl JobSighting {
    /// The id by which this one is asked for and cancelled, and no other with it: of a task of an array that of the task.
    pub fn handle(&self) -> SchedulerJobId {
        let task = || self.shown_id.parse().ok().filter(|id: &SchedulerJobId| id.task().is_some());
        if self.form == JobForm::Array { task().unwrap_or(self.id) } else { self.id }
    }

    /// Whether an id that somebody asks for means this: its own, that of what it is a part of, or that of the task it is.
    pub fn is_called(&self, id: SchedulerJobId) -> bool {
        if id.task().is_some() { self.handle() == id } else { self.id == id || self.leader == id }
    }
}

/// A job read back after it was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFacts {
    /// What was seen of it: stamp, user and form among it. Of an array or heterogeneous job the part that bears the id.
    pub sighting: JobSighting,
    /// How many tasks or components it has, as far as queue or accounting still know them; one for a single job.
    pub tasks: u32,
    /// Where it runs.
    pub work_directory: Option<PathBuf>,
    /// Where its standard output goes, its pattern filled in. None where only accounting knows the job, and where the
    /// pattern names what is not known yet: the node, or the task of an array that waits.
    pub output: Option<PathBuf>,
}

/// What to look a job up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampSearch {
    /// Its mark.
    pub stamp: Stamp,
    /// Its full name at the scheduler, stamp included.
    pub job_name: String,
    /// Who submitted it; whoever asks, where absent.
    pub user: Option<UserName>,
    /// When the intent was written. A day before it still counts: clocks differ.
    pub since: Timestamp,
}

/// Who knew a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FoundIn {
    /// The queue.
    Queue,
    /// Accounting only.
    Accounting,
}

/// A job that carries the stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundJob {
    /// Who knew it.
    pub found_in: FoundIn,
    /// What was seen of it.
    pub sighting: JobSighting,
}
