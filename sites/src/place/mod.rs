//! Places a job: chooses the partition, divides nodes, GPUs and CPUs, and finds everything that speaks against it before
//! the site is asked, several mistakes at once.

mod account;
mod container;
mod cost;
mod cpus;
mod directives;
mod extra;
mod gpu_type;
mod guesses;
mod image_name;
mod launch;
mod limits;
mod memory;
mod partition;
mod paths;
mod placed;
mod resubmission;
mod share;

pub use container::{WantedImage, wanted_image};
pub use placed::{LocalMachine, Placed, place};
