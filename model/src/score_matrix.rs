//! Scores side by side: model x task x metric, with the cells that are missing.

use crate::{Score, ScoreSource, ScoredBy, ScoredTask, Subject};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The most cells of a matrix, those without a score among them.
pub const MOST_CELLS: usize = 2_000_000;

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'matrix> {
    /// It has a score.
    Told(&'matrix Score),
    /// Others have one at this task by this metric.
    Missing,
    /// Nobody has one: the task is not measured by this metric.
    Unused,
}

/// Scores that a later source has told again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// The source that counts.
    pub kept: usize,
    /// The source whose scores do not.
    pub dropped: usize,
    /// How many scores.
    pub scores: u64,
    /// How many of them have another value than the one that counts.
    pub differing: u64,
}

/// Why there is no matrix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{models} models x {tasks} tasks x {metrics} metrics are more than {MOST_CELLS} cells")]
pub struct TooManyCells {
    /// Models and their checkpoints.
    pub models: usize,
    /// Tasks.
    pub tasks: usize,
    /// Metrics.
    pub metrics: usize,
}

/// The matrix. Its axes are sorted and have each entry once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreMatrix {
    subjects: Vec<Subject>,
    tasks: Vec<ScoredTask>,
    metrics: Vec<ScoredBy>,
    scores: BTreeMap<[usize; 3], Score>,
    sources: Vec<ScoreSource>,
    used: BTreeSet<[usize; 2]>,
}

impl ScoreMatrix {
    /// Puts scores into their cells; `subjects` are on the first axis, too, whether they have a score or not. Of several for one cell the one of the latest source counts; of sources of the same
    /// time, or of an unknown one, the one that comes last.
    pub fn of(
        subjects: &BTreeSet<Subject>,
        scores: Vec<Score>,
        sources: Vec<ScoreSource>,
    ) -> Result<(Self, Vec<Replaced>), TooManyCells> {
        let subjects = axis(scores.iter().map(|score| &score.subject).chain(subjects));
        let tasks = axis(scores.iter().map(|score| &score.task));
        let metrics = axis(scores.iter().map(|score| &score.by));
        let cells = subjects.len().checked_mul(tasks.len()).and_then(|cells| cells.checked_mul(metrics.len()));
        if cells.is_none_or(|cells| cells > MOST_CELLS) {
            return Err(TooManyCells { models: subjects.len(), tasks: tasks.len(), metrics: metrics.len() });
        }
        let mut matrix = Self { subjects, tasks, metrics, sources, ..Self::default() };
        let mut replaced = BTreeMap::new();
        for score in scores {
            matrix.enter(score, &mut replaced);
        }
        matrix.used = matrix.scores.keys().map(|[_, task, metric]| [*task, *metric]).collect();
        let replaced = replaced.into_iter();
        let replaced =
            replaced.map(|([kept, dropped], [scores, differing])| Replaced { kept, dropped, scores, differing });
        Ok((matrix, replaced.collect()))
    }

    fn enter(&mut self, score: Score, replaced: &mut BTreeMap<[usize; 2], [u64; 2]>) {
        let Some(at) = self.place(&score) else { return };
        let Some(standing) = self.scores.get(&at) else {
            self.scores.insert(at, score);
            return;
        };
        let told_at = |score: &Score| self.sources.get(score.source).and_then(ScoreSource::told_at);
        let is_later = told_at(&score) >= told_at(standing);
        let (kept, dropped) = if is_later { (&score, standing) } else { (standing, &score) };
        let counts = replaced.entry([kept.source, dropped.source]).or_default();
        counts[0] += 1;
        counts[1] += u64::from(kept.value.to_bits() != dropped.value.to_bits());
        if is_later {
            self.scores.insert(at, score);
        }
    }

    fn place(&self, score: &Score) -> Option<[usize; 3]> {
        let subject = self.subjects.binary_search(&score.subject).ok()?;
        Some([subject, self.tasks.binary_search(&score.task).ok()?, self.metrics.binary_search(&score.by).ok()?])
    }

    /// What is evaluated: the first axis.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// At what: the second axis.
    pub fn tasks(&self) -> &[ScoredTask] {
        &self.tasks
    }

    /// By what: the third axis.
    pub fn metrics(&self) -> &[ScoredBy] {
        &self.metrics
    }

    /// Whence the scores come; [`Score::source`] is a place in it.
    pub fn sources(&self) -> &[ScoreSource] {
        &self.sources
    }

    /// All scores, in the order of the axes.
    pub fn scores(&self) -> impl Iterator<Item = ([usize; 3], &Score)> {
        self.scores.iter().map(|(at, score)| (*at, score))
    }

    /// A cell, by its places on the axes.
    pub fn cell(&self, at: [usize; 3]) -> Cell<'_> {
        match self.scores.get(&at) {
            Some(score) => Cell::Told(score),
            None if self.is_used(at[1], at[2]) => Cell::Missing,
            None => Cell::Unused,
        }
    }

    /// Whether anybody has a score at this task by this metric.
    pub fn is_used(&self, task: usize, metric: usize) -> bool {
        self.used.contains(&[task, metric])
    }

    /// The cells that others have a score in, in the order of the axes.
    pub fn missing(&self) -> impl Iterator<Item = [usize; 3]> {
        let subjects = 0..self.subjects.len();
        let cells = subjects.flat_map(|subject| self.used.iter().map(move |[task, metric]| [subject, *task, *metric]));
        cells.filter(|at| !self.scores.contains_key(at))
    }

    /// Whether more is better by a metric; none where nobody says so, or not all the same.
    pub fn higher_is_better(&self, metric: usize) -> Option<bool> {
        let mut said = self.scores().filter(|(at, _)| at[2] == metric).filter_map(|(_, score)| score.higher_is_better);
        let first = said.next()?;
        said.all(|other| other == first).then_some(first)
    }

    /// Tasks of which scores of several versions stand side by side, with the versions.
    pub fn mixed_versions(&self) -> Vec<(&ScoredTask, Vec<&str>)> {
        let mut versions: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for ([_, task, _], score) in self.scores() {
            versions.entry(task).or_default().extend(score.task_version.as_deref());
        }
        let mixed = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
        mixed.map(|(task, versions)| (&self.tasks[task], versions.into_iter().collect())).collect()
    }
}

fn axis<'score, Entry: Clone + Ord + 'score>(entries: impl Iterator<Item = &'score Entry>) -> Vec<Entry> {
    entries.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn source(file: &str, at: Option<i64>) -> ScoreSource {
        let at = at.map(Timestamp::from_epoch_seconds);
        let (file, digest) = (file.to_owned(), String::new());
        ScoreSource { file, digest, harness: None, harness_version: None, git_hash: None, at, modified_at: None }
    }

    fn score(step: u64, task: &str, metric: &str, value: f64, source: usize) -> Score {
        Score {
            subject: Subject { model: "tiny".parse().expect("a model"), step: Some(step) },
            task: ScoredTask { task: task.parse().expect("a task"), n_shot: Some(0) },
            by: ScoredBy { metric: metric.parse().expect("a metric"), filter: None, unit: None },
            value,
            stderr: None,
            higher_is_better: None,
            samples: None,
            task_version: None,
            is_group: false,
            source,
        }
    }

    #[test]
    fn a_cell_is_missing_where_others_have_a_score_and_unused_where_nobody_has() {
        let scores = vec![
            score(200, "sums", "acc", 0.5, 0),
            score(100, "sums", "acc", 0.25, 0),
            score(100, "words", "f1", 0.1, 0),
        ];
        let (matrix, replaced) = ScoreMatrix::of(&BTreeSet::new(), scores, vec![source("a", None)]).expect("small");
        assert!(replaced.is_empty());
        let steps: Vec<_> = matrix.subjects().iter().map(|subject| subject.step).collect();
        assert_eq!(steps, [Some(100), Some(200)]);
        assert!(matches!(matrix.cell([0, 0, 0]), Cell::Told(score) if score.value.to_bits() == 0.25_f64.to_bits()));
        assert_eq!(matrix.cell([1, 1, 1]), Cell::Missing);
        assert_eq!([matrix.cell([0, 0, 1]), matrix.cell([1, 1, 0])], [Cell::Unused, Cell::Unused]);
        assert_eq!(matrix.missing().collect::<Vec<_>>(), [[1, 1, 1]]);
    }

    #[test]
    fn of_several_scores_of_a_cell_the_latest_counts_in_whatever_order_they_come() {
        let sources = || vec![source("old", Some(10)), source("new", Some(20)), source("undated", None)];
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for order in orders {
            let values = [0.1, 0.2, f64::NAN];
            let scores = order.map(|from: usize| score(1, "sums", "acc", values[from], from)).to_vec();
            let (matrix, replaced) = ScoreMatrix::of(&BTreeSet::new(), scores, sources()).expect("small");
            assert!(matches!(matrix.cell([0, 0, 0]), Cell::Told(score) if score.source == 1), "{order:?}");
            assert_eq!(replaced.iter().map(|of| of.differing).sum::<u64>(), 2, "{order:?}: {replaced:?}");
        }
        // The same value told twice is no difference, no number included.
        let twice = vec![score(1, "sums", "acc", f64::NAN, 0), score(1, "sums", "acc", f64::NAN, 1)];
        let (_, replaced) = ScoreMatrix::of(&BTreeSet::new(), twice, sources()).expect("small");
        assert_eq!(replaced, [Replaced { kept: 1, dropped: 0, scores: 1, differing: 0 }]);
    }

    #[test]
    fn a_subject_without_a_score_lacks_what_others_have() {
        let other = Subject { model: "other".parse().expect("a model"), step: None };
        let scores = vec![score(100, "sums", "acc", 0.25, 0)];
        let (matrix, _) = ScoreMatrix::of(&BTreeSet::from([other]), scores, vec![source("a", None)]).expect("small");
        assert_eq!((matrix.cell([0, 0, 0]), matrix.subjects().len()), (Cell::Missing, 2));
    }

    #[test]
    fn a_matrix_has_a_bound() {
        let scores: Vec<_> = (0..1_500).map(|n| score(n, &format!("t{n}"), "acc", 0.0, 0)).collect();
        let error = ScoreMatrix::of(&BTreeSet::new(), scores, vec![source("a", None)]).expect_err("2.25 million cells");
        assert_eq!(error, TooManyCells { models: 1_500, tasks: 1_500, metrics: 1 });
    }

    #[test]
    fn what_all_agree_on_is_said_of_a_metric_and_versions_that_differ_are_told() {
        let with = |direction, version: &str, step| Score {
            higher_is_better: direction,
            task_version: Some(version.to_owned()),
            ..score(step, "sums", "acc", 0.5, 0)
        };
        let said = |directions: [Option<bool>; 2]| {
            let scores = vec![with(directions[0], "1.0", 1), with(directions[1], "2.0", 2)];
            let (matrix, _) = ScoreMatrix::of(&BTreeSet::new(), scores, vec![source("a", None)]).expect("small");
            assert_eq!(matrix.mixed_versions()[0].1, ["1.0", "2.0"]);
            matrix.higher_is_better(0)
        };
        assert_eq!(said([Some(true), None]), Some(true));
        assert_eq!(said([Some(true), Some(false)]), None);
        assert_eq!(said([None, None]), None);
    }
}
