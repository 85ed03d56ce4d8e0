//! What is written about a job, one file a fact.

use model::{BaseState, ExitCode, SchedulerJobId, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `record.json`: the job as it was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: SchedulerJobId,
    pub(super) user: String,
    pub(super) name: String,
    /// The stamp's text.
    pub(super) stamp: String,
    pub(super) submitted_at: Timestamp,
    pub(super) arguments: Vec<String>,
    pub(super) directory: PathBuf,
    pub(super) output: PathBuf,
    pub(super) cpus: u32,
    pub(super) gpus: u32,
    pub(super) time_limit_seconds: u64,
    /// The slots of the host when it was submitted.
    pub(super) host_cpus: u32,
    pub(super) host_gpus: u32,
}

/// `supervisor.json`: a process, so that another one with the same id is not taken for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessIdentity {
    pub(crate) id: i32,
    /// Clock ticks from boot to its start (proc(5), `stat`, field 22).
    pub(crate) start_ticks: u64,
    /// Which boot (`/proc/sys/kernel/random/boot_id`).
    pub(crate) boot: String,
}

/// `start.json`: the job's turn came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) started_at: Timestamp,
    /// The GPU slots it holds.
    pub(super) gpus: Vec<u32>,
}

/// `end.json`: the job is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) ended_at: Timestamp,
    pub(super) state: BaseState,
    pub(super) code: u32,
    pub(super) signal: u32,
    /// How long it ran, by a clock that nobody sets; none where its supervisor was lost.
    #[serde(default)]
    pub(super) elapsed_seconds: Option<u64>,
}

impl End {
    /// The end of a job at an instant, without more to say of it.
    pub(super) const fn at(ended_at: Timestamp, state: BaseState) -> Self {
        Self { ended_at, state, code: 0, signal: 0, elapsed_seconds: None }
    }

    pub(super) const fn exit(&self) -> ExitCode {
        ExitCode { code: self.code, signal: self.signal }
    }
}

/// All that is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobView {
    pub(super) record: Record,
    pub(super) start: Option<Start>,
    pub(super) end: Option<End>,
}
