//! `pakt export JOB --ro-crate FOLDER`

use super::Context;
use crate::{
    failure::Failure,
    output::Answer,
    wiring::{io_words, publish_folder, research_object_json},
};
use jobs::provenance::{ExportedCrate, export_crate};
use serde_json::json;
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

const NOT_WRITTEN: &str = "the job was not exported";
const METADATA: &str = "ro-crate-metadata.json";

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job: its id or the start of it, the scheduler's id, or a name
    pub job: String,
    /// Write an RO-Crate 1.1 by the profile Process Run Crate into this folder, which must not be there yet
    #[arg(long, value_name = "FOLDER", required = true)]
    pub ro_crate: PathBuf,
    /// The address of the licence under which you give it away, such as `https://spdx.org/licenses/CC-BY-4.0`
    #[arg(long, value_name = "ADDRESS")]
    pub license: Option<String>,
}

/// Writes the object.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let Arguments { job, ro_crate: folder, license } = arguments;
    if let Some(license) = license.as_ref().filter(|license| !is_address(license)) {
        let why = format!("`{license}` is no address of a licence");
        let next = "such as https://spdx.org/licenses/CC-BY-4.0, which says what people may do with it";
        return Err(Failure::usage(NOT_WRITTEN, why, next));
    }
    if folder.symlink_metadata().is_ok() {
        return Err(not_written(folder, &ErrorKind::AlreadyExists.into()));
    }
    let house = context.house_to_look().await?;
    let ExportedCrate { object, mut files, notes } = Box::pin(export_crate(&house, job, license.clone())).await?;
    files.insert(METADATA.to_owned(), research_object_json(&object).into_bytes());
    publish_folder(folder, &files).map_err(|error| not_written(folder, &error))?;
    let names: Vec<&String> = files.keys().collect();
    let text = format!("wrote job {} to {} ({} files)\n", object.job, folder.display(), names.len());
    let json = json!({ "version": 1, "id": object.job, "folder": folder, "files": names, "left_out": notes });
    Ok(Answer::new(text, json).with_notes(notes.iter().map(|note| format!("note: {note}"))))
}

/// Whether it is one that a reader can follow (RFC 3986, a scheme and an authority), and nothing else.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = |letter: char| letter.is_ascii_graphic() && !"<>\"{}|\\^`".contains(letter);
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_plain))
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let why = |words: &str| format!("`{}`: {words}", path.display());
    match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty => {
            Failure::usage(NOT_WRITTEN, why("it is there already"), "name another folder")
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            Failure::usage(NOT_WRITTEN, why(&io_words(error)), "name another folder")
        }
        _ => Failure::unreachable(NOT_WRITTEN, why(&io_words(error)), "make room there, or name a folder elsewhere"),
    }
}
