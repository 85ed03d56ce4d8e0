//! `pakt-slurm`: Slurm's own library, spoken to over a pipe.
//!
//! `pakt` starts it, asks it many things and closes the pipe, which ends it. It is a program of its own because the
//! library's structures change at every release, because the library may end the process that calls it, and because it
//! is GPL. What it says is described in the crate `slurm-messages`; messages of the library go to standard error.
//!
//! All `unsafe` is in two files: [`calls`] calls the library, [`records`] reads what it gave.

mod accounting;
mod calls;
mod limits;
mod logged;
mod queue;
mod records;
mod resources;
mod serve;
mod submit;
mod table;
mod words;

use std::{io::Write as _, process::ExitCode};

fn main() -> ExitCode {
    match serve::serve(calls::versions(), &mut std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(end) => {
            // Whoever started it keeps what is said here for the person who looks.
            let _ = writeln!(std::io::stderr(), "pakt-slurm: {end}");
            ExitCode::FAILURE
        }
    }
}
