//! Places a job: chooses the partition, divides nodes, GPUs and CPUs, and finds everything that speaks against it before
//! the site is asked, several mistakes at once.

mod account;
mod cost;
mod directives;
mod extra;
mod launch;
mod limits;
mod partition;
mod paths;
mod placed;
mod share;

pub use placed::{LocalMachine, Placed, place};
