//! The program as a person or a script uses it: arguments in; exit code, standard output and standard error out.
//!
//! Tests without `real_` run jobs on this machine, as anybody can; those with it use the lab's clusters.

mod backups;
mod behind_ssh;
mod budgets;
mod bundles;
mod by_hand;
mod choosing;
mod complete;
mod desk;
mod output;
mod policies;

mod ends;
mod files;
mod foreign;
mod gentle;
mod helper;
mod init;
mod json;
mod laptop;
mod ledger_place;
mod local;
mod many;
mod new_keys;
mod once;
mod openings;
mod place;
mod proofs;
mod read_only;
mod real_arrays;
mod real_choosing;
mod real_faults;
mod real_foreign;
mod real_gentle;
mod real_holds;
mod real_jupiter;
mod real_many;
mod real_once;
mod real_others;
mod real_preempted;
mod real_requests;
mod real_rest;
mod real_restarts;
mod real_ssh;
mod real_training;
mod real_why;
mod sbatch;
mod sealed;
mod settle;
mod sight;
mod site_figures;
mod sites;
mod usage;
mod why;
mod words;
