//! Submitting a batch script as `sbatch` does: its `#SBATCH` lines, the options that win over them, the environment.
//!
//! What is not understood here is not tried: [`FailureKind::NotHere`](slurm_messages::FailureKind::NotHere) says so before
//! anything is sent, and the command does it.

mod description;
mod environment;
mod lengths;
mod options;

pub(crate) use description::{Description, Job};
pub(crate) use environment::Origin;
pub(crate) use options::Options;
