//! A table that anybody may write: for sites whose command is not understood here, and for figures from a web page.
//!
//! Columns in any order, by their names in the first line: `project` (or `account`), `unit`, `used`; and where they are known
//! `granted`, `since` and `as_of`. Cells are divided by `,`, by `;` or by tabs, whichever stands in the first line. A cell with
//! its divider in it is in quotes (RFC 4180); one with a line break has no place in such a table.

use super::{
    columns::Columns,
    figure::{FigureError, SaidFigure},
    hours::hours,
    text::Line,
};

pub(super) fn read(lines: &[Line<'_>]) -> Result<Vec<SaidFigure>, FigureError> {
    let mut rows = lines.iter().filter(|line| !line.text.trim().is_empty());
    let Some(head) = rows.next() else { return Ok(Vec::new()) };
    let divider = ['\t', ';'].into_iter().find(|divider| head.text.contains(*divider)).unwrap_or(',');
    let names = cells(*head, divider)?;
    let columns = Columns::of(*head, names.iter().map(String::as_str));
    let project = columns.needed(&["project", "account"])?;
    let used = columns.needed(&["used"])?;
    let unit = columns.place(&["unit", "resource"])?;
    let [granted, since, as_of] = [&["granted"], &["since"], &["as_of"]].map(|names| columns.place(names));
    let (granted, since, as_of) = (granted?, since?, as_of?);
    let mut figures = Vec::new();
    for line in rows {
        let cells = cells(*line, divider)?;
        columns.check(*line, cells.len())?;
        let said = |place: Option<usize>| place.map(|place| cells[place].trim()).filter(|cell| !cell.is_empty());
        let unbounded = |cell: &&str| !cell.eq_ignore_ascii_case("inf");
        figures.push(SaidFigure {
            line: line.number,
            names: vec![cells[project].trim().to_owned()],
            system: None,
            resource: said(unit).map(str::to_ascii_lowercase),
            granted: said(granted).filter(unbounded).map(|cell| hours(*line, "granted", cell)).transpose()?,
            used: hours(*line, "used", cells[used].trim())?,
            since: said(since).map(str::to_owned),
            as_of: said(as_of).map(str::to_owned),
        });
    }
    Ok(figures)
}

/// The cells of a line.
fn cells(line: Line<'_>, divider: char) -> Result<Vec<String>, FigureError> {
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => is_quoted = !is_quoted,
            other if other == divider && !is_quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    if is_quoted {
        let next = "close it on the same line";
        return Err(FigureError::new(line.number, "a quote is opened and never closed", next));
    }
    cells.push(cell);
    Ok(cells)
}
