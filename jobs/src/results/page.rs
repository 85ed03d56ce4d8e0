//! What one file gives: scores, whence they come, and what is to be told of it.

use model::{Score, ScoreSource, Subject, TaskName};
use serde::Serialize;
use std::collections::BTreeMap;

/// So many scores are taken from one file.
pub(super) const MOST_SCORES: usize = 100_000;

/// So many remarks about one file are told; the others are counted.
pub(super) const MOST_TOLD: usize = 20;

/// So many letters of what a file says of its harness are kept.
const LONGEST_WORD: usize = 200;

/// So many letters of a remark are kept: it may repeat what a file says.
const LONGEST_REMARK: usize = 500;

/// How grave a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToldKind {
    /// Something about scores that were read.
    Note,
    /// A part of a file that was not read.
    Entry,
    /// A file that has no results in a form that is known.
    NoResult,
    /// A file or folder that could not be read.
    Unreachable,
}

/// A remark about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The file or folder.
    pub file: String,
    /// The line, counted from 1, of a file of lines.
    pub line: Option<usize>,
    /// How grave it is.
    pub kind: ToldKind,
    /// What is to be said.
    pub what: String,
}

/// The scores of one file.
#[derive(Debug)]
pub(crate) struct Page {
    /// What all sources of this file have in common.
    source: ScoreSource,
    scores: Vec<Score>,
    /// Each with its place in the order in which they came.
    sources: BTreeMap<ScoreSource, usize>,
    told: Vec<Told>,
    /// How many remarks were left out, and the gravest of them.
    left_out: Option<(u64, ToldKind)>,
    pub(super) line: Option<usize>,
}

impl Page {
    /// The page of a file that is known by name, digest and time.
    pub(super) fn new(source: ScoreSource) -> Self {
        Self { source, scores: Vec::new(), sources: BTreeMap::new(), told: Vec::new(), left_out: None, line: None }
    }

    pub(super) fn file(&self) -> &str {
        &self.source.file
    }

    /// The place of a source, which is made from what the file has of its own.
    pub(super) fn source(&mut self, fill: impl FnOnce(&mut ScoreSource)) -> usize {
        let mut source = self.source.clone();
        fill(&mut source);
        for said in [&mut source.harness, &mut source.harness_version, &mut source.git_hash] {
            *said = said.take().map(|text| brief(&text, LONGEST_WORD)).filter(|text| !text.is_empty());
        }
        let next = self.sources.len();
        *self.sources.entry(source).or_insert(next)
    }

    /// Takes a score.
    pub(super) fn take(&mut self, score: Score) {
        if self.scores.len() == MOST_SCORES {
            self.tell(ToldKind::Entry, format!("behind its first {MOST_SCORES} scores nothing is read"));
            return;
        }
        self.scores.push(score);
    }

    /// Tells something about the line that is read, or the whole file.
    pub(super) fn tell(&mut self, kind: ToldKind, what: impl Into<String>) {
        if self.told.len() < MOST_TOLD {
            let what = brief(&what.into(), LONGEST_REMARK);
            self.told.push(Told { file: self.source.file.clone(), line: self.line, kind, what });
            return;
        }
        let (count, gravest) = self.left_out.unwrap_or((0, kind));
        self.left_out = Some((count + 1, gravest.max(kind)));
    }

    /// Keeps the scores that are wanted, and tells which of them are no numbers.
    pub(super) fn keep(&mut self, is_wanted: impl Fn(&Score) -> bool) {
        self.scores.retain(is_wanted);
        let odd = self.scores.iter().filter(|score| !score.value.is_finite());
        let odd = odd.map(|score| format!("`{}` of `{}` is {}", score.by.metric, score.task.task, said(score.value)));
        for what in odd.collect::<Vec<_>>() {
            self.tell(ToldKind::Note, what);
        }
    }

    /// Says that all scores are of this model: whoever had them made knows better than the file.
    pub(crate) fn attribute(&mut self, subject: &Subject) {
        self.scores.iter_mut().for_each(|score| score.subject = subject.clone());
    }

    /// The tasks that have a score.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &TaskName> {
        self.scores.iter().map(|score| &score.task.task)
    }

    /// What its scores are of.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.scores.iter().map(|score| &score.subject)
    }

    /// How many scores there are so far.
    pub(super) fn count(&self) -> usize {
        self.scores.len()
    }

    /// The scores, whose sources are places in the second list, and all that is to be told of the file.
    pub(super) fn into_parts(mut self) -> (Vec<Score>, Vec<ScoreSource>, Vec<Told>) {
        if let Some((count, kind)) = self.left_out {
            let what = format!("and {}", model::counted(count, "more such remark"));
            self.told.push(Told { file: self.source.file, line: None, kind, what });
        }
        let mut sources: Vec<(ScoreSource, usize)> = self.sources.into_iter().collect();
        sources.sort_unstable_by_key(|(_, place)| *place);
        (self.scores, sources.into_iter().map(|(source, _)| source).collect(), self.told)
    }
}

/// The beginning of what a file says, without what a terminal would obey.
fn brief(text: &str, longest: usize) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).take(longest).collect()
}

/// A value that is no finite number, as Python's json writes it.
fn said(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}
