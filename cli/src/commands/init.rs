//! `pakt init`

use super::{Context, job_file};
use crate::{
    failure::Failure,
    output::{Answer, Table},
    wiring,
};
use jobs::init::{CHECKPOINTS_PROGRAM, PLACEHOLDERS, Preset, Spender, TemplateRow, spender, templates};
use model::SiteName;
use serde_json::json;
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What to start from: a name of `--list`
    #[arg(long, value_name = "NAME", default_value = "train")]
    pub template: String,
    /// Show the templates, and which of them can run at this site
    #[arg(long, conflicts_with_all = ["template", "file"])]
    pub list: bool,
    /// Where to write it; `-` for stdout
    #[arg(default_value = "job.yaml")]
    pub file: PathBuf,
}

const NOT_WRITTEN: &str = "no job file was written";

/// Writes a job file; one that is there already stays as it is.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let what = if arguments.list { "no templates were listed" } else { NOT_WRITTEN };
    let catalogue = wiring::catalogue(&context.configuration)?;
    let (here, unclear) = wiring::here_or_local(&context.general, &context.configuration, &catalogue)?;
    let note = unclear.map(|Failure { what, why, .. }| {
        format!("note: {what}: {why}; this is for `{here}`, and `--site NAME` is for another site")
    });
    let site = catalogue.get(&here).ok_or_else(|| Failure::bug(what, format!("site `{here}` has no profile")))?;
    if arguments.list {
        return Ok(listed(&here, &templates(site)).with_notes(note));
    }
    let preset = Preset::named(&arguments.template)
        .map_err(|error| Failure::usage(what, error.to_string(), "`pakt init --list` lists the templates"))?;
    let project = context.configuration.file.project.as_ref();
    let spender = match job_file::house(context).await {
        Ok((house, _)) => spender(&house, project).await,
        // Nothing that is needed: what a house would know is left to the person.
        Err(_) => Spender { project: project.cloned(), account: None },
    };
    let text = jobs::init::job_file(preset, site, &catalogue, &spender)?;
    if arguments.file.as_os_str() == "-" {
        return Ok(Answer::new(text.clone(), json!({ "version": 1, "text": text })).with_notes(note));
    }
    Ok(written(preset, &here, &arguments.file, &text)?.with_notes(note))
}

/// The templates, with what is in the way of each at the site below the table.
fn listed(here: &SiteName, rows: &[TemplateRow]) -> Answer {
    let mut table = Table::new(&["template", "what it is", "launch", "GPUs", here.as_str()]);
    for row in rows {
        let gpus = if row.gpus == 0 { "-".to_owned() } else { row.gpus.to_string() };
        let can = if row.is_for_site { "yes" } else { "no" };
        table.row([row.name, row.about, row.launch].map(str::to_owned).into_iter().chain([gpus, can.to_owned()]));
    }
    let why = |row: &TemplateRow| row.why_not.as_ref().map(|why| format!("{}: {why}\n", row.name));
    let reasons: String = rows.iter().filter_map(why).collect();
    let text = table.right(&[3]).text() + &reasons;
    Answer::new(text, json!({ "version": 1, "site": here, "templates": rows }))
}

/// Writes the job file, and beside it the program that it starts where it starts one of Pakt's own.
fn written(preset: &Preset, here: &SiteName, file: &Path, text: &str) -> Result<Answer, Failure> {
    write(file, text)?;
    let shown = file.display();
    // Without the one the other is no use, and would be in the way of the next call.
    let beside = if preset.reports { Some(beside(file).inspect_err(|_| drop(fs::remove_file(file)))?) } else { None };
    let (also, left_alone) = match &beside {
        Some((path, true)) => (format!(" and {}", path.display()), String::new()),
        Some((path, false)) => (String::new(), format!("; {} was there and is as it was", path.display())),
        None => (String::new(), String::new()),
    };
    let beside = beside.map(|(path, _)| path);
    // What a comment names may be left as it is.
    let stands = |word: &str| text.lines().any(|line| !line.starts_with('#') && line.contains(&format!(": {word} ")));
    let left: Vec<&str> = PLACEHOLDERS.into_iter().filter(|word| stands(word)).collect();
    let edit = match left.as_slice() {
        [] => "edit it".to_owned(),
        words => format!("write your own for {}", words.join(" and ")),
    };
    let text = format!(
        "wrote {shown}{also} for {here}{left_alone}\nnext: {edit}, then `pakt check {shown}` and `pakt plan {shown}`\n"
    );
    Ok(Answer::new(text, json!({ "version": 1, "file": file, "beside": beside, "site": here })))
}

/// Writes the program that tells of checkpoints beside the job file; one that is there already stays as it is.
/// Whether it was written now.
fn beside(file: &Path) -> Result<(PathBuf, bool), Failure> {
    let (name, text) = CHECKPOINTS_PROGRAM;
    let path = file.with_file_name(name);
    let is_new = !path.exists();
    if is_new {
        write(&path, text)?;
    }
    Ok((path, is_new))
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
