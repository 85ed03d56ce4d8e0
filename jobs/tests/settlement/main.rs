//! Settlement as its callers see it: a house with a real ledger, real job directories, and a cluster that the test plays.

mod balance;
mod books;
mod chunks;
mod clocks;
mod cluster;
mod desk;
mod directories;
mod failing_book;
mod listing;
mod logs;
mod missing;
mod people;
mod sealing;
mod usage;
mod views;
