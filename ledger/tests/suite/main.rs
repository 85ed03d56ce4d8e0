//! The ledger as its callers see it: commands in, outcomes, balances and entries out, on real files.

mod bindings;
mod clocks;
mod commands;
mod evidence;
mod files;
mod observations;
mod order;
mod processes;
mod runs;
mod support;
