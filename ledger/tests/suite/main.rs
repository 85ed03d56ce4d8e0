//! The ledger as its callers see it: commands in, outcomes, balances and entries out, on real files and
//! on a real server.

mod amends;
mod bindings;
mod borders;
mod bundles;
mod by_hand;
mod clocks;
mod commands;
mod completeness;
mod deaths;
mod encrypted;
mod erasure;
mod evidence;
mod expectations;
mod expiries;
mod exports;
mod files;
mod first_use;
mod invariants;
mod joined;
mod log;
mod observations;
mod openings;
mod order;
mod passed_on;
mod past;
mod policies;
mod processes;
mod readings;
mod reference;
mod runs;
mod servers;
mod site_figures;
mod support;
mod upgrades;
mod usage;
