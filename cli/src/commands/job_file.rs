//! Reads the job file that a person names.

use super::Context;
use crate::{configuration::read_text, failure::Failure, wiring};
use jobs::{
    JobsError,
    job_file::{JobFile, Mistake, SourceFile},
};
use std::path::{Path, PathBuf};

/// Reads a job file; every mistake in it at once, those that only its site knows included.
pub(super) async fn read(path: &Path, context: &Context) -> Result<JobFile, Failure> {
    let source = source(path)?;
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
    Err(JobsError::mistakes(format!("`{}` is no job that can run", path.display()), mistakes).into())
}

/// The house of commands that only read; it needs no detection, and no place that is known.
pub(super) async fn house(context: &Context) -> Result<(jobs::House, Option<String>), Failure> {
    let catalogue = wiring::catalogue(&context.configuration)?;
    let here = wiring::here_or_local(&context.general, &context.configuration, &catalogue);
    wiring::house_to_read(&context.configuration, catalogue, here).await
}

fn source(path: &Path) -> Result<SourceFile, Failure> {
    let what = || format!("`{}` was not read", path.display());
    let text = read_text(path)?.ok_or_else(|| {
        Failure::usage(what(), "there is no such file", "name a job file; `pakt init` writes one to start from")
    })?;
    let absolute = std::path::absolute(path)
        .map_err(|error| Failure::usage(what(), wiring::io_words(&error), "go to a directory that exists"))?;
    let directory = absolute.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    Ok(SourceFile { path: path.to_path_buf(), directory, text })
}
