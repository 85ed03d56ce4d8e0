//! The batch scripts and job files of the real sites: from the profiles through the placement to the text. One program, so
//! that it links once.

mod checkpoints;
mod failures;
mod golden;
mod init;
mod jupiter;
mod paths;
mod support;
mod tricks;
