//! `pakt check FILE`

use super::{Context, job_file, view};
use crate::{failure::Failure, output::Answer};
use serde_json::json;
use std::{collections::BTreeSet, path::PathBuf};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job file
    pub file: PathBuf,
}

/// Reads and places the job at every site it names.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let file = job_file::read(&arguments.file, context).await?;
    let (house, unread) = job_file::house(context).await?;
    let checked = jobs::check::check(&house, &file).await?;
    let doubts = unread.into_iter().chain(checked.iter().flat_map(|checked| view::doubts(&checked.doubts)));
    // What the file alone says is said once, however many sites it names.
    let mut told = BTreeSet::new();
    let notes: Vec<String> = doubts.filter(|doubt| told.insert(doubt.clone())).collect();
    let lines: String = checked
        .iter()
        .map(|checked| format!("{}: ok: {}\n", arguments.file.display(), view::placement_line(&checked.placement)))
        .collect();
    let json = json!({ "version": 1, "sites": checked.iter().map(|checked| json!({
        "site": checked.site,
        "placement": view::placement_json(&checked.placement),
        "doubts": checked.doubts,
    })).collect::<Vec<_>>() });
    // What is doubtful at one site may be so at all.
    let mut told = BTreeSet::new();
    let notes: Vec<String> = notes.into_iter().filter(|note| told.insert(note.clone())).collect();
    Ok(Answer::new(lines, json).with_notes(notes))
}
