//! What `pakt` and `pakt-slurm`, its helper for Slurm's own library, say to each other: over a pipe, one question at a
//! time, each message a [frame] of a bounded length.
//!
//! The helper speaks first, a [`Hello`]. Then each [`Question`] is answered by any number of [`Answer`]s of which the
//! last [ends it](Answer::is_last). Tables come in Slurm's own columns, words and units, as `squeue -O` and `sacct -P`
//! print them with times as epoch seconds: whatever the way, one reader reads them and the books keep one kind of row.
//!
//! What batch scripts ask for is read here, too ([`script`], [`amounts`]), and what a site adds to `sbatch` ([`additions`]), for all who
//! submit without it; [`lengths`] prints times as the commands do, and [`tasks`] lists those of an array that wait.
//!
//! This crate is apart from the helper so that `pakt` needs neither Slurm's headers nor its licence.

pub mod additions;
pub mod amounts;
pub mod frame;
mod hello;
pub mod lengths;
mod question;
mod reply;
pub mod script;
pub mod tasks;

pub use hello::{Hello, PROTOCOL};
pub use question::{JobsQuestion, Question, RunsQuestion, Submission};
pub use reply::{Answer, Failure, FailureKind, Value};
