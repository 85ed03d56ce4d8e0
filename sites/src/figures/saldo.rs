//! `saldo -b`: a line for each account, with its dates and what was consumed of its total.
//!
//! Source: `saldo -b` on Leonardo, printed on 2026-09-18 and kept in a public decision log. The head has two lines, and two
//! columns have the same name: `totConsumed` in local hours, and in percent, which only the second line tells apart, by the
//! place of its `%`. Jobs that have ended and are not billed yet are not in it.

use super::{
    figure::{FigureError, SaidFigure},
    hours::hours,
    text::Line,
};

pub(super) fn read(lines: &[Line<'_>]) -> Result<Vec<SaidFigure>, FigureError> {
    let mut rows = lines.iter().filter(|line| line.text.contains(char::is_alphanumeric)).peekable();
    let Some(head) = rows.next() else { return Ok(Vec::new()) };
    let below = rows.next_if(|line| line.text.contains('%') && line.text.contains("(local h)"));
    let columns = words(head.text);
    let percent = below.and_then(|line| line.text.find('%'));
    let [account, start, total] = ["account", "start", "total"].map(|name| place(head, &columns, name, None));
    let (account, start, total, used) = (account?, start?, total?, place(head, &columns, "totConsumed", percent)?);
    let mut figures = Vec::new();
    for line in rows {
        let cells: Vec<&str> = line.text.split_whitespace().collect();
        if cells.len() != columns.len() {
            let what =
                format!("the line has {} cells, and line {} names {} columns", cells.len(), head.number, columns.len());
            return Err(FigureError::new(line.number, what, "give the text of `saldo -b` alone, as it was printed"));
        }
        figures.push(SaidFigure {
            line: line.number,
            names: vec![cells[account].to_owned()],
            system: None,
            resource: None,
            granted: Some(hours(*line, "total", cells[total])?),
            used: hours(*line, "totConsumed", cells[used])?,
            since: Some(cells[start].to_owned()),
            as_of: None,
        });
    }
    Ok(figures)
}

/// The words of a line, each with the place where it begins.
fn words(text: &str) -> Vec<(usize, &str)> {
    let place = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    text.split_whitespace().map(|word| (place(word), word)).collect()
}

/// The column of this name that is not in percent.
fn place(head: &Line<'_>, columns: &[(usize, &str)], name: &str, percent: Option<usize>) -> Result<usize, FigureError> {
    let is_percent =
        |(start, word): &(usize, &str)| percent.is_some_and(|at| (*start..start + word.len()).contains(&at));
    let mut found = (0..).zip(columns).filter(|(_, column)| column.1.eq_ignore_ascii_case(name) && !is_percent(column));
    let (first, second) = (found.next(), found.next());
    match (first, second) {
        (Some((place, _)), None) => Ok(place),
        (None, _) => {
            let what = format!("there is no column `{name}` in local hours");
            Err(FigureError::new(head.number, what, "give the text of `saldo -b` with both lines of its head"))
        }
        (Some(_), Some(_)) => {
            let what = format!("two columns are called `{name}`, and nothing says which one is in percent");
            Err(FigureError::new(head.number, what, "give the text of `saldo -b` with both lines of its head"))
        }
    }
}
