//! `pakt sbatch SCRIPT`: submits a batch script as it is, with a hold, and with the claim in front of it.
//!
//! Only the scheduler can tell for sure what a script with its options asks for. So the job is submitted *held*, read
//! back, its GPU-hours are held in the ledger, and then it is released; where the ledger refuses, it is taken back.
//!
//! `line` tells the words of such a line apart, `options` reads the options of command line and script, `guard` puts the claim in front, `kept` tells what the scheduler made of it, `route` has the order.

mod guard;
mod kept;
mod line;
mod options;
mod route;

pub use line::{LineWord, line_word};
pub use route::{ScriptSubmission, submit_script};
