//! The course of a score over the steps of training.

use super::axes::{metric_name, model_names, task_names};
use model::{Cell, Score, ScoreMatrix};
use std::collections::BTreeMap;

/// The scores of all models at one task by one metric, over steps.
pub(super) struct Course<'matrix> {
    /// `sums acc`.
    pub(super) title: String,
    pub(super) higher_is_better: Option<bool>,
    /// The scores of each model that has a step, in the order of the steps.
    pub(super) lines: Vec<(&'matrix str, Vec<(u64, &'matrix Score)>)>,
}

/// All courses of at least two checkpoints of a model, in the order of the axes; what has no step, is no number or
/// is beyond all that can be drawn is left out.
pub(super) fn courses(matrix: &ScoreMatrix) -> Vec<Course<'_>> {
    let (tasks, models) = (task_names(matrix), model_names(matrix));
    let mut courses = Vec::new();
    for (task, task_name) in tasks.iter().enumerate() {
        for (metric, by) in matrix.metrics().iter().enumerate() {
            let mut lines: BTreeMap<&str, Vec<(u64, &Score)>> = BTreeMap::new();
            for (place, subject) in matrix.subjects().iter().enumerate() {
                let (Some(step), Cell::Told(score)) = (subject.step, matrix.cell([place, task, metric])) else {
                    continue;
                };
                if is_drawable(score.value) {
                    lines.entry(models[place]).or_default().push((step, score));
                }
            }
            if lines.values().any(|points| points.len() > 1) {
                let title = format!("{task_name} {}", metric_name(by));
                let higher_is_better = matrix.higher_is_better(metric);
                courses.push(Course { title, higher_is_better, lines: lines.into_iter().collect() });
            }
        }
    }
    courses
}

/// Whether sums of two such numbers are numbers.
pub(super) fn is_drawable(value: f64) -> bool {
    value.abs() <= 1e300
}

impl Course<'_> {
    /// All steps, each once, in order.
    pub(super) fn steps(&self) -> Vec<u64> {
        let mut steps: Vec<u64> =
            self.lines.iter().flat_map(|(_, points)| points.iter().map(|(step, _)| *step)).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// The title with an arrow to where it is better.
    pub(super) fn headline(&self) -> String {
        let arrow = self.higher_is_better.map_or("", |higher| if higher { " ↑" } else { " ↓" });
        format!("{}{arrow}", self.title)
    }
}
