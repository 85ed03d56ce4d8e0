//! Results of evaluations: files of the harness itself, the simple form, and bytes of any kind.

mod arbitrary;
mod desk;
mod finding;
mod harness;
mod simple;
