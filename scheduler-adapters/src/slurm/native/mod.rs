//! Slurm by its own library: through `pakt-slurm`, a helper program that a site builds (`scheduler-adapters/pakt-slurm`).
//!
//! The helper's absence is a normal state, and so is a helper that does not fit: then the commands do what is asked, and a
//! note says why. A read that the helper did not answer is put to the commands; a write whose outcome is not known is
//! looked up like any other, and never repeated.

mod awake;
mod helper;
mod questions;

pub(super) use helper::Helper;
