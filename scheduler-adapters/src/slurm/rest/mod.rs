//! Slurm by its REST interface: through `slurmrestd`, a server that a site or a person runs.
//!
//! Its answers become rows in the columns and words of `squeue -O` and `sacct -P`, so that one reader serves every way and a
//! raw row in the books does not tell which way it came. What it cannot do, and all of it where it does not answer, the
//! commands do; a write whose outcome is not known is looked up like any other, and never repeated.

pub(super) mod accounting;
mod description;
mod offer;
mod questions;
mod queue;
mod records;
mod server;
mod submit;
mod token;
mod value;
mod way;
mod words;

pub use server::RestConfiguration;
pub(super) use server::{Rest, SOURCE};
pub use token::TokenSource;
