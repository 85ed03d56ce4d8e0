//! `pakt init`

use super::{Context, job_file};
use crate::{failure::Failure, output::Answer, wiring};
use jobs::init::{PLACEHOLDERS, Preset, Spender, TemplateError, spender};
use serde_json::json;
use std::{fs::OpenOptions, io::Write as _, path::PathBuf};

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

/// Writes a job file; one that is there already stays as it is.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let what = "no job file was written";
    let preset: Preset = arguments.template.parse().map_err(|error: TemplateError| {
        Failure::usage(what, error.to_string(), "`pakt init --help` lists the templates")
    })?;
    let catalogue = wiring::catalogue(&context.configuration)?;
    let here = wiring::here_or_local(&context.general, &context.configuration, &catalogue);
    let site = catalogue.get(&here).ok_or_else(|| Failure::bug(what, format!("site `{here}` has no profile")))?;
    let project = context.configuration.file.project.as_ref();
    let spender = match job_file::house(context) {
        Ok((house, _)) => spender(&house, project).await,
        // Nothing that is needed: what a house would know is left to the person.
        Err(_) => Spender { project: project.cloned(), account: None },
    };
    let text = jobs::init::job_file(preset, site, &spender)?;
    if arguments.file.as_os_str() == "-" {
        return Ok(Answer::new(text.clone(), json!({ "version": 1, "text": text })));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&arguments.file).map_err(|error| {
        let next = "name another file: `pakt init OTHER.yaml`";
        Failure::usage(what, format!("`{}`: {}", arguments.file.display(), wiring::io_words(&error)), next)
    })?;
    file.write_all(text.as_bytes()).map_err(|error| {
        let why = format!("`{}`: {}", arguments.file.display(), wiring::io_words(&error));
        Failure::usage(what, why, "make room there")
    })?;
    let shown = arguments.file.display();
    let left: Vec<&str> = PLACEHOLDERS.into_iter().filter(|word| text.contains(&format!(": {word} "))).collect();
    let edit = match left.as_slice() {
        [] => "edit it".to_owned(),
        words => format!("write your own for {}", words.join(" and ")),
    };
    let text = format!("wrote {shown} for {here}\nnext: {edit}, then `pakt check {shown}` and `pakt plan {shown}`\n");
    Ok(Answer::new(text, json!({ "version": 1, "file": arguments.file, "site": here })))
}
