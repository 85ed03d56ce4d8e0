//! The program as a person or a script uses it: arguments in; exit code, standard output and standard error out.
//!
//! Tests without `real_` run jobs on this machine, as anybody can; those with it use the lab's clusters.

mod desk;
mod output;

mod faults;
mod files;
mod local;
mod once;
mod settle;
