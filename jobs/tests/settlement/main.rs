//! Settlement as its callers see it: a house with a real ledger, real job directories, and a cluster that the test plays.

mod amending;
mod arrays;
mod balance;
mod books;
mod bundles;
mod chunks;
mod clocks;
mod directories;
mod failing_book;
mod gaps;
mod import_live;
mod import_names;
mod import_readers;
mod import_rules;
mod import_traps;
mod importing;
mod listing;
mod logs;
mod lost;
mod missing;
mod people;
mod sealing;
#[path = "../stage/mod.rs"]
#[allow(dead_code, reason = "each suite uses a part of the stage")]
mod stage;
mod stamps;
mod usage;
mod views;

use stage::{cluster, desk};
