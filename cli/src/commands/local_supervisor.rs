//! The hidden program that runs one job of this machine and outlives the `submit` that started it.

use crate::{failure::Failure, output::Answer, wiring};
use std::path::PathBuf;

/// Arguments of the supervisor.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job's folder
    pub directory: PathBuf,
}

/// Runs the job to its end.
pub(crate) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    wiring::supervise(&arguments.directory).map_err(|error| Failure::bug("the job was not run", error.to_string()))?;
    Ok(Answer::new("", serde_json::Value::Null))
}
