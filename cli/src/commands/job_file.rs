//! Reads the job file that a person names.

use super::Context;
use crate::{
    configuration::{bounded_text, read_text},
    failure::Failure,
    wiring,
};
use jobs::{
    JobsError,
    job_file::{JobFile, Mistake, SourceFile, documents},
};
use std::path::{Path, PathBuf};

/// The longest file of several jobs, in bytes.
const LONGEST_MANY: u64 = 64 * 1024 * 1024;

/// Reads a job file; every mistake in it at once, those that only its site knows included.
pub(super) async fn read(path: &Path, context: &Context) -> Result<JobFile, Failure> {
    let read = read_source(source(path)?, context).await;
    read.map_err(|mistakes| {
        JobsError::mistakes(format!("`{}` is no job that can run", path.display()), mistakes).into()
    })
}

/// Reads the jobs of many files, of which each may hold several; every mistake in all of them at once. `-` is standard
/// input.
pub(super) async fn read_all(paths: &[PathBuf], context: &Context) -> Result<Vec<JobFile>, Failure> {
    let (mut files, mut mistakes, mut wrong) = (Vec::new(), Vec::new(), 0);
    for path in paths {
        for source in documents(source_of_many(path)?) {
            match read_source(source, context).await {
                Ok(file) => files.push(file),
                Err(found) => {
                    wrong += 1;
                    mistakes.extend(found);
                }
            }
        }
    }
    if wrong == 0 {
        return Ok(files);
    }
    let what = match (paths, files.len() + wrong) {
        ([path], 1) => format!("`{}` is no job that can run", path.display()),
        (_, all) => format!("{wrong} of {all} are no jobs that can run"),
    };
    Err(JobsError::mistakes(what, mistakes).into())
}

async fn read_source(source: SourceFile, context: &Context) -> Result<JobFile, Vec<Mistake>> {
    let (file, mut mistakes) = JobFile::read_partial(source);
    let is_good = !mistakes.iter().any(Mistake::is_error);
    match file {
        Some(file) if is_good => return Ok(file),
        // A house that cannot be wired is told when the file is good; the file's own mistakes come first.
        Some(file) => {
            if let Ok((house, _)) = house(context).await {
                mistakes = jobs::check::mistakes(&house, &file, mistakes).await;
            }
        }
        None => {}
    }
    Err(mistakes)
}

/// The house of commands that only read; it needs no detection, and no place that is known.
pub(super) async fn house(context: &Context) -> Result<(jobs::House, Option<String>), Failure> {
    let catalogue = wiring::catalogue(&context.configuration)?;
    let (here, _) = wiring::here_or_local(&context.general, &context.configuration, &catalogue)?;
    wiring::house_to_read(&context.configuration, catalogue, here).await
}

fn source(path: &Path) -> Result<SourceFile, Failure> {
    let text = read_text(path)?.ok_or_else(|| missing(path))?;
    let absolute = absolute(path, path)?;
    let directory = absolute.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    Ok(SourceFile { path: path.to_path_buf(), directory, text, lines_before: 0 })
}

/// A file of one or several jobs. Relative paths of what comes through a pipe start from where the person stands.
fn source_of_many(path: &Path) -> Result<SourceFile, Failure> {
    let is_piped = path.as_os_str() == "-";
    if !is_piped && !path.exists() {
        return Err(missing(path));
    }
    let input = wiring::input(path, &unread(path))?;
    let text = bounded_text(input, path, LONGEST_MANY)?;
    let absolute = absolute(if is_piped { Path::new(".") } else { path }, path)?;
    let parent = absolute.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let directory = if is_piped { absolute } else { parent };
    Ok(SourceFile { path: path.to_path_buf(), directory, text, lines_before: 0 })
}

fn unread(path: &Path) -> String {
    format!("`{}` was not read", path.display())
}

fn missing(path: &Path) -> Failure {
    Failure::usage(unread(path), "there is no such file", "name a job file; `pakt init` writes one to start from")
}

fn absolute(path: &Path, named: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::usage(unread(named), wiring::io_words(&error), "go to a directory that exists"))
}
