//! The pages in docs/reference/: each is composed from what the program says, and compared with its file.
//!
//! `UPDATE_REFERENCE=1 cargo test -p cli --test reference` writes the pages instead. Nothing in them is written by hand
//! but the sentences around the tables, which stand in the files of this folder. `json.md` is written by hand, and its
//! names are compared.

mod commands;
mod configuration;
mod exit_codes;
mod job_file;
mod json;
mod page;
mod program;
mod sites;
