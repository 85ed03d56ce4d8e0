//! A mistake: a finding with its place in a file.

use super::{
    Place, SourceFile,
    secret::{shown_line, without_secret},
};
use model::{Finding, Severity};
use serde::Serialize;
use std::path::PathBuf;

/// One mistake or doubt, with the file, the line, the caret and the next step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file as the person named it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Characters to underline.
    pub length: usize,
    /// The text of that line, without secrets.
    pub source: String,
    /// Which field, how much it matters, what is wrong, what to do.
    #[serde(flatten)]
    pub finding: Finding,
}

impl Mistake {
    /// A finding at a place of the text of `file`, told by its place in the whole file.
    pub(super) fn new(file: &SourceFile, place: Place, finding: Finding) -> Self {
        let source = shown_line(&file.text, place.line);
        let finding = Finding { what: without_secret(&finding.what), next: without_secret(&finding.next), ..finding };
        let rest = source.chars().count().saturating_sub(place.column - 1).max(1);
        let (line, length) = (file.lines_before + place.line, place.length.min(rest));
        Self { file: file.path.clone(), line, column: place.column, length, source, finding }
    }

    /// Whether it stops the job.
    pub fn is_error(&self) -> bool {
        self.finding.severity == Severity::Error
    }
}
