//! Speaking to one scheduler: the [`Scheduler`] contract and those who keep it.
//!
//! [`SlurmCommands`] uses Slurm's own commands through a [`reach::Reach`]; [`LocalScheduler`] runs jobs on this host
//! where there is no Slurm. Both pass one conformance suite (`tests/conformance.rs`). Nothing here prices a run,
//! repeats a write by itself or prints; a question that could not be asked is an error, never an empty answer.

mod cluster;
mod error;
pub mod local;
mod look;
mod pending;
mod rights;
mod run_taker;
mod scheduler;
mod shared;
mod sighting;
mod slurm;
mod submission;
mod window;

/// How far the clocks of a site and of this host may differ: times that they write are compared with so much leeway.
pub(crate) const CLOCK_TOLERANCE_SECONDS: i64 = 86_400;

pub use cluster::{AccountingFacts, Association, ClusterFacts, NodeGroup, PartitionFacts, QosFacts};
pub use error::{AdapterError, AdapterErrorKind};
pub use local::LocalScheduler;
pub use look::{Look, LookedFor, SharedState, SourceWait};
pub use pending::{Limit, LimitHolder, PendingJob, QueuePlace, Reservation, RunningJobs};
pub use reach::Retry;
pub use rights::Rights;
pub(crate) use run_taker::KeptRuns;
pub use run_taker::RunTaker;
pub use scheduler::{Capabilities, Scheduler, UnusedWay, Way};
pub use shared::{Cost, Freshness, Pace, Sharing};
pub use sighting::{FoundIn, FoundJob, JobFacts, JobForm, JobSighting, StampSearch};
pub use slurm::{
    AccountingText, NotStarted, RestConfiguration, SlurmCommands, TextError, TextFacts, TextRow, TokenSource,
};
pub use submission::{
    ArrayTasks, Estimate, Interactive, LocalResources, SUBMISSION_PATIENCE, ScriptSource, Submission, Submitted,
};
pub use window::{Coverage, QueueBatch, RejectedRow, RunAnswer, RunBatch, RunWindow, Users, Whose};
