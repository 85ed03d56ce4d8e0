//! The entries of a matrix's axes, and values, in words.

use model::{ScoreMatrix, ScoredBy, ScoredTask};
use std::collections::BTreeSet;

/// A value as people and programs read it: as short as it can be to be the same number again; `NaN`, `Infinity` and `-Infinity`
/// as Python's json has them.
pub fn value_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        format!("{value}")
    }
}

/// A value with four digits behind the point, where it is no number of many digits anyway.
pub(super) fn short_value(value: f64) -> String {
    let is_small = value != 0.0 && value.abs() < 0.0005;
    if value.is_finite() && !is_small && value.abs() < 1e9 {
        format!("{value:.4}")
    } else if value.is_finite() {
        format!("{value:.3e}")
    } else {
        value_text(value)
    }
}

/// A metric with its filter and unit: `exact_match,strict-match (%)`.
pub(super) fn metric_name(by: &ScoredBy) -> String {
    let filter = by.filter.as_ref().map(|filter| format!(",{filter}")).unwrap_or_default();
    let unit = by.unit.as_ref().map(|unit| format!(" ({unit})")).unwrap_or_default();
    format!("{}{filter}{unit}", by.metric)
}

/// The names of tasks, with the number of examples where a task stands there with several.
pub(super) fn task_names(matrix: &ScoreMatrix) -> Vec<String> {
    let tasks = matrix.tasks();
    let is_twice = |task: &ScoredTask| tasks.iter().filter(|other| other.task == task.task).count() > 1;
    let named = tasks.iter().map(|task| match task.n_shot {
        Some(count) if is_twice(task) => format!("{} ({count}-shot)", task.task),
        _ => task.task.to_string(),
    });
    named.collect()
}

/// The names of models, by place of their subject: the last part of a path, where that is enough to tell all apart.
pub(super) fn model_names(matrix: &ScoreMatrix) -> Vec<&str> {
    short_names(matrix.subjects().iter().map(|subject| subject.model.as_str()).collect())
}

/// These names of models as they are shown: the last part of each path, where that is enough to tell all apart.
pub fn short_names(full: Vec<&str>) -> Vec<&str> {
    let last = |name: &'_ str| name.trim_end_matches('/').rsplit_once('/').map_or(0, |(folders, _)| folders.len() + 1);
    let short: Vec<&str> = full.iter().map(|name| &name[last(name)..]).collect();
    let distinct = |names: &[&str]| names.iter().copied().collect::<BTreeSet<_>>().len();
    if distinct(&short) == distinct(&full) { short } else { full }
}
