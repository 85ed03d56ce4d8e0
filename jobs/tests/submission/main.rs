//! Submission as its callers see it: a real ledger, real job directories, and a scheduler that fails where the test wants.

mod arrays;
mod chains;
mod checkpoints;
mod choosing;
mod code;
mod evaluations;
mod expected;
mod followers;
mod many;
mod meanwhile;
mod named;
mod read_back;
mod remote;
mod script;
mod several;
#[path = "../stage/mod.rs"]
#[allow(dead_code, reason = "each suite uses a part of the stage")]
mod stage;
mod sweeps;
mod together;
mod too_large;
mod unknown;
mod why;
mod wish;

use stage::{cluster, desk, handed};
