//! Reads all files and puts their scores into one matrix.

use super::{
    contents,
    find::{NOT_READ, find, remark},
    page::{Page, Told, ToldKind},
};
use crate::error::JobsError;
use model::{Pattern, Replaced, Score, ScoreMatrix, ScoreSource, Subject, Timestamp, counted};
use reach::{Reach, ReachErrorKind};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The most bytes of one file. A harness's file has some kilobytes for a task.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// The most scores of one call.
const MOST_SCORES: usize = 500_000;

/// Which scores are wanted; all where nothing is named.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Models, by name without the step: the whole, or its last part, as the table has it.
    pub models: Vec<Pattern>,
    /// Tasks.
    pub tasks: Vec<Pattern>,
    /// Metrics, by name without the filter.
    pub metrics: Vec<Pattern>,
}

impl Wanted {
    fn has(&self, score: &Score) -> bool {
        self.has_model(&score.subject)
            && is_wanted(&self.tasks, score.task.task.as_str())
            && is_wanted(&self.metrics, score.by.metric.as_str())
    }

    fn has_model(&self, subject: &Subject) -> bool {
        let name = subject.model.as_str();
        let (_, last) = name.trim_end_matches('/').rsplit_once('/').unwrap_or(("", name));
        is_wanted(&self.models, name) || is_wanted(&self.models, last.trim_end_matches('/'))
    }
}

fn is_wanted(patterns: &[Pattern], name: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Results {
    /// The scores.
    pub matrix: ScoreMatrix,
    /// Scores that stand in several sources.
    pub replaced: Vec<Replaced>,
    /// What is to be told of files, in the order of their paths.
    pub told: Vec<Told>,
    /// How many files were read.
    pub files: usize,
}

/// Reads the results of evaluations in files, and in those below folders that have such a name. Refuses where no score is
/// found; what cannot be read beside others is told.
pub async fn results(files: &dyn Reach, paths: &[PathBuf], wanted: &Wanted) -> Result<Results, JobsError> {
    let mut told = Vec::new();
    let found = find(files, paths, &mut told).await?;
    let mut gathered = Gathering { told, ..Gathering::default() };
    for (path, modified_at) in found {
        let page = page(files, &path, modified_at).await;
        gathered.take(page, wanted)?;
    }
    if gathered.scores.is_empty() {
        let Gathering { files, told, has_scores, .. } = gathered;
        return Err(if has_scores { none_wanted(files) } else { nothing(files, &told) });
    }
    gathered.finish()
}

/// The scores of many files.
#[derive(Default)]
pub(crate) struct Gathering {
    scores: Vec<Score>,
    sources: Vec<ScoreSource>,
    subjects: BTreeSet<Subject>,
    told: Vec<Told>,
    files: usize,
    has_scores: bool,
}

impl Gathering {
    /// Takes the wanted scores of a file.
    pub(crate) fn take(&mut self, page: Result<Page, Told>, wanted: &Wanted) -> Result<(), JobsError> {
        self.files += 1;
        let mut page = match page {
            Ok(page) => page,
            Err(remark) => {
                self.told.push(remark);
                return Ok(());
            }
        };
        self.has_scores |= page.count() > 0;
        // What another task was measured of lacks the wanted one.
        self.subjects.extend(page.subjects().filter(|subject| wanted.has_model(subject)).cloned());
        page.keep(|score| wanted.has(score));
        let (taken, its_sources, its_told) = page.into_parts();
        self.told.extend(its_told);
        if taken.is_empty() {
            return Ok(());
        }
        let first = self.sources.len();
        self.sources.extend(its_sources);
        self.scores.extend(taken.into_iter().map(|score| Score { source: first + score.source, ..score }));
        if self.scores.len() > MOST_SCORES {
            let why = format!("there are more than {MOST_SCORES} scores");
            return Err(JobsError::usage(NOT_READ, why, "name fewer with `--task`, `--metric` or `--model`"));
        }
        Ok(())
    }

    /// Tells something of a file or folder.
    pub(crate) fn tell(&mut self, told: impl IntoIterator<Item = Told>) {
        self.told.extend(told);
    }

    /// All scores side by side, in a matrix that may be empty.
    pub(crate) fn finish(self) -> Result<Results, JobsError> {
        let Self { scores, sources, subjects, told, files, .. } = self;
        let (matrix, replaced) = ScoreMatrix::of(&subjects, scores, sources).map_err(|error| {
            JobsError::usage(NOT_READ, error.to_string(), "name fewer with `--task`, `--metric` or `--model`")
        })?;
        Ok(Results { matrix, replaced, told, files })
    }
}

/// Reads a file.
pub(crate) async fn page(files: &dyn Reach, path: &Path, modified_at: Option<Timestamp>) -> Result<Page, Told> {
    match files.read(path, MOST_BYTES).await {
        Ok(Some(bytes)) => Ok(page_of(path, &bytes, modified_at)),
        Ok(None) => Err(remark(path, ToldKind::Unreachable, "it is not there any more".to_owned())),
        Err(error) if error.kind == ReachErrorKind::TooLong => {
            Err(remark(path, ToldKind::NoResult, format!("it has more than {MOST_BYTES} bytes")))
        }
        Err(error) => Err(remark(path, ToldKind::Unreachable, error.to_string())),
    }
}

/// Reads the bytes of a file.
pub(crate) fn page_of(path: &Path, bytes: &[u8], modified_at: Option<Timestamp>) -> Page {
    let mut page = Page::new(ScoreSource {
        file: path.display().to_string(),
        digest: blake3::hash(bytes).to_hex().to_string(),
        harness: None,
        harness_version: None,
        git_hash: None,
        at: None,
        modified_at,
    });
    contents::read(bytes, &mut page);
    page
}

fn none_wanted(files: usize) -> JobsError {
    let why = format!("no score of {} is one of the wanted", counted(files, "file"));
    JobsError::usage(NOT_READ, why, "name others with `--task`, `--metric` or `--model`, or none to see what there is")
}

/// Why there is nothing to show.
fn nothing(files: usize, told: &[Told]) -> JobsError {
    let gravest = told.iter().max_by_key(|remark| remark.kind).filter(|remark| remark.kind > ToldKind::Note);
    let why = match (gravest, files) {
        (None, 0) => "no file there has a name of results".to_owned(),
        (None, _) => format!("no score is in {}", counted(files, "file")),
        (Some(Told { file, line: Some(line), what, .. }), _) => format!("{file}:{line}: {what}"),
        (Some(Told { file, what, .. }), _) => format!("{file}: {what}"),
    };
    let next =
        "name files or folders with `results_*.json` of lm-evaluation-harness, or `*.scores.jsonl` (docs/results.md)";
    match gravest {
        Some(remark) if remark.kind == ToldKind::Unreachable => {
            JobsError::new(crate::Gravity::Unreachable, NOT_READ, why, "see whether you may read it, and try again")
        }
        _ => JobsError::usage(NOT_READ, why, next),
    }
}
