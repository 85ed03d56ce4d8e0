//! Why an attempt failed: by what the scheduler says, else by what its log says, else by its exit code.
//!
//! `patterns` has what a log says of them (`patterns.yaml`, data with sources), `lines` a log as lines
//! that can be matched, `traceback` what Python says before it ends, `launcher` what torchrun reports, `judge` the order in which they are believed, `attempt` reads
//! what of a log is an attempt's.

mod attempt;
mod judge;
mod launcher;
mod lines;
mod patterns;
mod traceback;

pub(crate) use attempt::of_last_attempt;
pub use judge::{Evidence, Failure, judge};
pub use lines::TAIL;
pub use patterns::of_scripts;
