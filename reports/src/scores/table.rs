//! Scores as a table for people.

use super::axes::{metric_name, model_names, short_value, task_names};
use comfy_table::{Cell as Field, CellAlignment, Table, presets};
use model::{Cell, ScoreMatrix};

/// A row for each task, model and step, a column for each metric, so that the course of training is read downwards. What is
/// missing says so; what a task is not measured by stays empty.
pub fn scores_table(matrix: &ScoreMatrix) -> String {
    let (tasks, models) = (task_names(matrix), model_names(matrix));
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let right = |text: String| Field::new(text).set_alignment(CellAlignment::Right);
    let head = ["task", "model"].map(Field::new).into_iter().chain([right("step".to_owned())]);
    table.set_header(head.chain(matrix.metrics().iter().map(|by| right(metric_name(by)))).collect::<Vec<_>>());
    for (task, task_name) in tasks.iter().enumerate() {
        for (subject, of) in matrix.subjects().iter().enumerate() {
            let step = of.step.map_or_else(|| "-".to_owned(), |step| step.to_string());
            let cells = (0..matrix.metrics().len()).map(|metric| right(cell(matrix.cell([subject, task, metric]))));
            let row = [Field::new(task_name), Field::new(models[subject]), right(step)].into_iter().chain(cells);
            table.add_row(row.collect::<Vec<_>>());
        }
    }
    table.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(&line).trim_end())).collect()
}

fn cell(cell: Cell<'_>) -> String {
    match cell {
        Cell::Told(score) => {
            let stderr = score.stderr.map(|stderr| format!(" ±{}", short_value(stderr))).unwrap_or_default();
            format!("{}{stderr}", short_value(score.value))
        }
        Cell::Missing => "missing".to_owned(),
        Cell::Unused => String::new(),
    }
}
