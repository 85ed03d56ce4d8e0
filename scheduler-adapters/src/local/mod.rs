//! Jobs on this host, where there is no Slurm: the same words, one process group a job, GPU and CPU slots, limits.
//!
//! A state folder is the whole scheduler: one directory a job, each fact a file that is written once (`record`,
//! `supervisor`, `start`, `end`), and a list of the jobs that have not ended. Each job has a supervisor, a
//! process of its own that outlives the command line: it waits for its turn, starts the script, keeps the limit and
//! writes the end. When a supervisor is gone without having done so, whoever looks next ends the job as `NODE_FAIL`.
//!
//! Job ids come in order of submission and jobs start in that order. The state folder belongs on a local disk: the
//! decision who starts next is taken under flock(2).

mod configuration;
mod facts;
mod jobs;
mod pending;
mod process;
mod reap;
mod schedule;
mod scheduler;
mod store;
mod submit;
mod supervise;

pub use configuration::LocalConfiguration;
pub(crate) use facts::ProcessIdentity;
pub(crate) use process::{identity, is_gone};
pub use scheduler::LocalScheduler;
pub use supervise::{SuperviseError, supervise};
