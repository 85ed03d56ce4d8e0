//! `kit_project_usage`: a line for each project and resource, `cpu` and `gres/gpu`.
//!
//! Source: KIT, HoreKa user documentation, page "Project accounting" (September 2024). `Granted` is `inf` where nothing bounds
//! the project; `-p` prints the same with `|` between the cells; `-n` leaves the head out, and is refused here.

use super::{
    columns::Columns,
    figure::{FigureError, SaidFigure},
    hours::hours,
    text::{Line, quoted},
};
use model::Amount;

pub(super) fn read(lines: &[Line<'_>]) -> Result<Vec<SaidFigure>, FigureError> {
    let mut rows = lines.iter().filter(|line| line.text.contains(char::is_alphanumeric));
    let Some(head) = rows.next() else { return Ok(Vec::new()) };
    let is_parsable = head.text.contains('|');
    let columns = Columns::of(*head, cells(head.text, is_parsable));
    let [project, resource, granted, used] = [
        columns.needed(&["project", "account"])?,
        columns.needed(&["resource"])?,
        columns.needed(&["granted"])?,
        columns.needed(&["used"])?,
    ];
    let mut figures = Vec::new();
    for line in rows {
        let cells = cells(line.text, is_parsable);
        columns.check(*line, cells.len())?;
        figures.push(SaidFigure {
            line: line.number,
            names: vec![cells[project].to_owned()],
            system: None,
            resource: Some(class(*line, cells[resource])?),
            granted: bound(*line, cells[granted])?,
            used: hours(*line, "Used", cells[used])?,
            since: None,
            as_of: None,
        });
    }
    Ok(figures)
}

/// The cells of a line. Slurm's own way of parsable output ends a line with `|`, or does not.
fn cells(text: &str, is_parsable: bool) -> Vec<&str> {
    if is_parsable {
        let text = text.trim();
        return text.strip_suffix('|').unwrap_or(text).split('|').map(str::trim).collect();
    }
    text.split_whitespace().collect()
}

fn class(line: Line<'_>, resource: &str) -> Result<String, FigureError> {
    match resource.to_ascii_lowercase().as_str() {
        "cpu" => Ok("cpu".to_owned()),
        "gres/gpu" | "gpu" => Ok("gpu".to_owned()),
        _ => {
            let what = format!("{} is neither `cpu` nor `gres/gpu`", quoted(resource));
            Err(FigureError::new(line.number, what, "leave the line out, or write the figure as CSV with its unit"))
        }
    }
}

fn bound(line: Line<'_>, granted: &str) -> Result<Option<Amount>, FigureError> {
    if granted.eq_ignore_ascii_case("inf") { Ok(None) } else { hours(line, "Granted", granted).map(Some) }
}
