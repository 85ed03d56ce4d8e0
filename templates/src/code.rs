//! The code that a job brings with it, packed when it was submitted.

use crate::{context::job_directory, quote};
use serde::Serialize;

/// Code that was packed: the script unpacks it into the job directory and starts the program there.
#[derive(Clone, Copy, Debug)]
pub struct PackedCode<'a> {
    /// The archive as compute nodes see it: as [`BatchScript::job_directory`](crate::BatchScript).
    pub archive: &'a str,
    /// Its SHA-256, 64 digits; the script unpacks nothing else.
    pub sha256: &'a str,
    /// The folder in it in which the program starts; empty for its top.
    pub folder: &'a str,
}

/// The values of `scripts/code.sh.j2`, as words.
#[derive(Debug, Serialize)]
pub(crate) struct CodeWords {
    archive: String,
    sha256: String,
    /// Behind the top of the unpacked code.
    folder: String,
}

impl CodeWords {
    pub(crate) fn of(code: &PackedCode<'_>) -> Self {
        Self {
            archive: job_directory(code.archive),
            sha256: quote::word(code.sha256),
            folder: if code.folder.is_empty() { String::new() } else { quote::literal(&format!("/{}", code.folder)) },
        }
    }
}
