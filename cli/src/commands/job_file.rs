//! Reads the job file that a person names.

use crate::{configuration::read_text, failure::Failure};
use jobs::{
    JobsError,
    job_file::{JobFile, SourceFile},
};
use std::path::{Path, PathBuf};

/// Reads a job file; every mistake in it at once.
pub(super) fn read(path: &Path) -> Result<JobFile, Failure> {
    let what = || format!("`{}` was not read", path.display());
    let text = read_text(path)?.ok_or_else(|| {
        Failure::usage(what(), "there is no such file", "name a job file; `pakt init` writes one to start from")
    })?;
    let absolute = std::path::absolute(path)
        .map_err(|error| Failure::usage(what(), error.to_string(), "go to a directory that exists"))?;
    let directory = absolute.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let source = SourceFile { path: path.to_path_buf(), directory, text };
    JobFile::read(source).map_err(|mistakes| {
        JobsError::mistakes(format!("`{}` is no job that can run", path.display()), mistakes).into()
    })
}
