//! A small reference of a ledger: grants, holds, runs, openings, borders, overdrafts and refunds of one budget together.

mod applied;
mod operation;
mod sums;

pub(crate) use operation::{JOBS, Operation, has_two_ends};
pub(crate) use sums::Reference;
