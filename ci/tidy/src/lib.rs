//! Checks of the repository itself: what the plan of the house, the style page and the licences promise, and a compiler
//! does not see.
//!
//! One file a check under `checks/`; each is a function from the tree to the problems it found, and each has a test in
//! `tests/` with a small made-up tree that breaks it. No product code imports this crate.

mod checks;
mod hosts;
mod packages;
mod problem;
mod rules;
mod source;
mod tree;

pub use checks::check;
pub use hosts::{configured_hosts, hosts_in};
pub use problem::{Problem, TidyError};
pub use tree::Tree;
