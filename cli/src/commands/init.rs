//! `pakt init`

use super::{Context, job_file};
use crate::{failure::Failure, output::Answer, wiring};
use jobs::init::{PLACEHOLDERS, Preset, Spender, TemplateError, spender};
use serde_json::json;
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What to start from: train, evaluate, mpi, command
    #[arg(long, value_name = "NAME", default_value = "train")]
    pub template: String,
    /// Where to write it; `-` for stdout
    #[arg(default_value = "job.yaml")]
    pub file: PathBuf,
}

const NOT_WRITTEN: &str = "no job file was written";

/// Writes a job file; one that is there already stays as it is.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let what = NOT_WRITTEN;
    let preset: Preset = arguments.template.parse().map_err(|error: TemplateError| {
        Failure::usage(what, error.to_string(), "`pakt init --help` lists the templates")
    })?;
    let catalogue = wiring::catalogue(&context.configuration)?;
    let (here, unclear) = wiring::here_or_local(&context.general, &context.configuration, &catalogue)?;
    let note = unclear.map(|Failure { what, why, .. }| {
        format!("note: {what}: {why}; the file is for `{here}`, and `--site NAME` writes one for another site")
    });
    let site = catalogue.get(&here).ok_or_else(|| Failure::bug(what, format!("site `{here}` has no profile")))?;
    let project = context.configuration.file.project.as_ref();
    let spender = match job_file::house(context).await {
        Ok((house, _)) => spender(&house, project).await,
        // Nothing that is needed: what a house would know is left to the person.
        Err(_) => Spender { project: project.cloned(), account: None },
    };
    let text = jobs::init::job_file(preset, site, &spender)?;
    if arguments.file.as_os_str() == "-" {
        return Ok(Answer::new(text.clone(), json!({ "version": 1, "text": text })).with_notes(note));
    }
    write(&arguments.file, &text)?;
    let shown = arguments.file.display();
    let left: Vec<&str> = PLACEHOLDERS.into_iter().filter(|word| text.contains(&format!(": {word} "))).collect();
    let edit = match left.as_slice() {
        [] => "edit it".to_owned(),
        words => format!("write your own for {}", words.join(" and ")),
    };
    let text = format!("wrote {shown} for {here}\nnext: {edit}, then `pakt check {shown}` and `pakt plan {shown}`\n");
    Ok(Answer::new(text, json!({ "version": 1, "file": arguments.file, "site": here })).with_notes(note))
}

/// Writes a file that is not there yet. What could not be written whole is taken away, or the next call would be refused for it.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let why = |error| format!("`{}`: {}", path.display(), wiring::io_words(&error));
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            Failure::usage(NOT_WRITTEN, why(error), "name another file: `pakt init OTHER.yaml`")
        }
        _ => Failure::unreachable(NOT_WRITTEN, why(error), "make room there, or name a file elsewhere"),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        let left = match fs::remove_file(path) {
            Ok(()) => "",
            Err(_) => "; a part of it is there",
        };
        Failure::unreachable(NOT_WRITTEN, why(error) + left, "make room there, or name a file elsewhere")
    })
}
