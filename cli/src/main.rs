//! `pakt`: describes a training or evaluation job once, submits it exactly once, and accounts for its GPU-hours.
//!
//! This crate alone prints, ends the process, reads the command line and resolves configuration. `commands` has one file
//! a command, `wiring` one file a leaf of the house, `output` all that a person or a program reads.

mod arguments;
mod commands;
mod configuration;
mod failure;
mod output;
mod wiring;

use clap::Parser as _;
use std::process::ExitCode;

/// An import makes rows on one thread and gives them back on another, for which the C library's own is slow.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    let screen = output::Screen::of_words(&words);
    let words = match commands::sbatch::as_options(words) {
        Ok(words) => words,
        Err(failure) => return screen.failure(&failure),
    };
    match arguments::Arguments::try_parse_from(&words) {
        Ok(arguments) => commands::run(arguments),
        Err(error) => output::usage(&error, &words),
    }
}
