//! Behaviour of the batch script in real bash, quoting, job files. One program, so that it links once. The scripts of the
//! real sites, with their golden files, are tested where the profiles are known too: in jobs/tests.

mod array;
mod chain;
mod checkpoints_program;
mod claim;
mod code;
mod common;
mod containers;
mod environment;
mod failures;
mod follow;
mod guard;
mod job_files;
mod launch;
mod markers;
mod quoting;
mod refusals;
mod serve;
mod sites;
mod stage;
mod sweep;
