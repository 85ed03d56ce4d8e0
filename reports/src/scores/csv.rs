//! Scores as CSV: one a row, those that are missing among them.

use super::axes::value_text;
use crate::{table_csv, yes_or_no};
use model::{Cell, ScoreMatrix, ScoreSource};

const COLUMNS: [&str; 20] = [
    "model",
    "step",
    "task",
    "n_shot",
    "metric",
    "filter",
    "unit",
    "value",
    "stderr",
    "higher_is_better",
    "samples",
    "task_version",
    "is_group",
    "is_missing",
    "harness",
    "harness_version",
    "git_hash",
    "at",
    "file",
    "digest",
];

/// The cells that have a score or lack one, in the order of the axes; what is not known is empty.
pub fn scores_csv(matrix: &ScoreMatrix) -> String {
    let mut rows = Vec::new();
    for subject in 0..matrix.subjects().len() {
        for task in 0..matrix.tasks().len() {
            for metric in (0..matrix.metrics().len()).filter(|metric| matrix.is_used(task, *metric)) {
                rows.push(row(matrix, [subject, task, metric]));
            }
        }
    }
    table_csv(&COLUMNS, rows.into_iter())
}

fn row(matrix: &ScoreMatrix, at: [usize; 3]) -> Vec<String> {
    let (subject, task, by) = (&matrix.subjects()[at[0]], &matrix.tasks()[at[1]], &matrix.metrics()[at[2]]);
    let score = if let Cell::Told(score) = matrix.cell(at) { Some(score) } else { None };
    let source = score.and_then(|score| matrix.sources().get(score.source));
    let of_source = |text: fn(&ScoreSource) -> Option<String>| source.and_then(text).unwrap_or_default();
    let stderr = score.and_then(|score| score.stderr);
    vec![
        subject.model.to_string(),
        or_empty(subject.step),
        task.task.to_string(),
        or_empty(task.n_shot),
        by.metric.to_string(),
        or_empty(by.filter.as_ref()),
        or_empty(by.unit.as_ref()),
        score.map(|score| value_text(score.value)).unwrap_or_default(),
        stderr.map(value_text).unwrap_or_default(),
        score.and_then(|score| score.higher_is_better).map(|is| yes_or_no(is).to_owned()).unwrap_or_default(),
        or_empty(score.and_then(|score| score.samples)),
        score.and_then(|score| score.task_version.clone()).unwrap_or_default(),
        score.map(|score| yes_or_no(score.is_group).to_owned()).unwrap_or_default(),
        yes_or_no(score.is_none()).to_owned(),
        of_source(|source| source.harness.clone()),
        of_source(|source| source.harness_version.clone()),
        of_source(|source| source.git_hash.clone()),
        of_source(|source| source.at.map(|at| at.to_string())),
        of_source(|source| Some(source.file.clone())),
        of_source(|source| Some(source.digest.clone())),
    ]
}

fn or_empty<Value: ToString>(value: Option<Value>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
