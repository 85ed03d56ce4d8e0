//! Mistakes on the command line.

use crate::failure::Failure;
use clap::error::ErrorKind;
use std::process::ExitCode;

/// Prints what clap has to say: help and version are answers, all else is a mistake with exit code 2.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (error.kind(), printed) {
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, Ok(())) => ExitCode::SUCCESS,
        (_, Ok(())) => ExitCode::from(2),
        (_, Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        (_, Err(_)) => Failure::bug("", "").exit_code(),
    }
}
