//! The courses of scores as lines of blocks, for a terminal.

use super::{
    axes::short_value,
    course::{Course, courses},
};
use comfy_table::{Cell, CellAlignment, Table, presets};
use model::{Score, ScoreMatrix};

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// So many steps have room in a line: the last ones.
const MOST_STEPS: usize = 60;

/// A line for each task, metric and model: a block a step, between the least and the greatest value of all models; a point
/// where a model lacks a step that others have. None where no model has two checkpoints.
pub fn scores_courses(matrix: &ScoreMatrix) -> Option<String> {
    let courses = courses(matrix);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(vec![
        Cell::new("task and metric"),
        Cell::new("model"),
        Cell::new("course"),
        right("first".to_owned()),
        right("last".to_owned()),
        Cell::new("steps"),
    ]);
    for course in &courses {
        for (model, points) in &course.lines {
            let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
            table.add_row(vec![
                Cell::new(course.headline()),
                Cell::new(model),
                Cell::new(blocks(course, points)),
                right(short_value(first.1.value)),
                right(short_value(last.1.value)),
                Cell::new(steps(first.0, last.0, points.len())),
            ]);
        }
    }
    let text = table.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(&line).trim_end()));
    (!courses.is_empty()).then(|| text.collect())
}

fn steps(first: u64, last: u64, count: usize) -> String {
    let shown = if count > MOST_STEPS { format!(", of which the last {MOST_STEPS} are drawn") } else { String::new() };
    format!("{first} to {last}: {count}{shown}")
}

fn blocks(course: &Course<'_>, points: &[(u64, &Score)]) -> String {
    let values = course.lines.iter().flat_map(|(_, points)| points.iter().map(|(_, score)| score.value));
    let (least, greatest) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| (least.min(value), greatest.max(value)));
    let steps = course.steps();
    let drawn = &steps[steps.len().saturating_sub(MOST_STEPS)..];
    let block = |step: &u64| {
        let found = points.binary_search_by_key(step, |(step, _)| *step);
        found.map_or('·', |place| BLOCKS[level(points[place].1.value, least, greatest)])
    };
    drawn.iter().map(block).collect()
}

/// Which of the blocks stands for a value; the middle where all are the same.
#[expect(clippy::float_arithmetic, reason = "a place in a drawing")]
fn level(value: f64, least: f64, greatest: f64) -> usize {
    let part = (value - least) / (greatest - least);
    // Borders between the blocks: the eighths.
    let borders = (1_u8..8).filter(|border| part * 8.0 >= f64::from(*border)).count();
    if part.is_finite() { borders } else { BLOCKS.len() / 2 }
}
