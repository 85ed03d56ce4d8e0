//! `pakt completions SHELL`

use crate::{arguments, output::Answer};
use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The shell
    pub shell: Shell,
}

/// Prints the script.
pub(crate) fn run(arguments: &Arguments) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut arguments::Arguments::command(), "pakt", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    let json = json!({ "version": 1, "script": text });
    Answer::new(text, json)
}
