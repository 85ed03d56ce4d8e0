//! Behaviour of the batch script in real bash, golden files, quoting, job files. One program, so that it links once.

mod claim;
mod common;
mod environment;
mod golden;
mod job_files;
mod launch;
mod markers;
mod quoting;
mod refusals;
mod sites;
mod stage;
