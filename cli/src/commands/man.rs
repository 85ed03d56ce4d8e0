//! `pakt man`

use crate::{arguments, failure::Failure, output::Answer, wiring};
use clap::CommandFactory as _;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write one page a command into this folder instead
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// Prints the page or writes all of them.
pub(crate) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage("the manual was not written", wiring::io_words(&error), "name a folder that you can write to")
    };
    if let Some(folder) = &arguments.folder {
        std::fs::create_dir_all(folder).map_err(failed)?;
        clap_mangen::generate_to(arguments::Arguments::command(), folder).map_err(failed)?;
        let text = format!("wrote the manual to {}\n", folder.display());
        Ok(Answer::new(text, json!({ "version": 1, "folder": folder })))
    } else {
        let mut page = Vec::new();
        clap_mangen::Man::new(arguments::Arguments::command()).render(&mut page).map_err(failed)?;
        let text = String::from_utf8_lossy(&page).into_owned();
        let json = json!({ "version": 1, "page": text });
        Ok(Answer::new(text, json).product())
    }
}
