//! Statements and tables as CSV (RFC 4180), safe to open in a spreadsheet.

use crate::text::{ReportError, kind_word};
use model::Statement;

/// The lines of statements, one a row, amounts in exact milli-seconds and in hours, behind one header row. Beside each
/// statement stands whether all that belongs into it was read; the last column says so. A run that a border of the statement
/// splits has the whole charge and the time of its part in columns of their own; so has what the site charges for a run
/// by its own formula.
pub fn statements_csv<'a>(statements: impl Iterator<Item = (&'a Statement, bool)>) -> Result<String, ReportError> {
    let mut csv = String::from(
        "entry,at,kind,project,unit,amount_milliseconds,amount_hours,scheduler_job,note,\
         part_of_milliseconds,part_from,part_until,site_charge_milliseconds,site_charge_unit,complete\r\n",
    );
    for (statement, is_complete) in statements {
        csv.push_str(&rows(statement, is_complete)?);
    }
    Ok(csv)
}

/// A table, with one header row.
pub fn table_csv(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut csv = format!("{}\r\n", header.join(","));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        csv.push_str(&cells.join(","));
        csv.push_str("\r\n");
    }
    csv
}

fn rows(statement: &Statement, is_complete: bool) -> Result<String, ReportError> {
    if !statement.adds_up()? {
        let (project, unit) = (statement.project.to_string(), statement.unit.to_string());
        return Err(ReportError::DoesNotAddUp { project, unit });
    }
    let mut csv = String::new();
    for line in &statement.lines {
        let cells = [
            line.entry.to_string(),
            line.at.to_string(),
            kind_word(line.kind).to_owned(),
            cell(statement.project.as_str()),
            cell(&statement.unit.to_string()),
            line.amount.milli().to_string(),
            line.amount.hours(),
            line.run.as_ref().map(|run| run.scheduler_job.to_string()).unwrap_or_default(),
            cell(&line.note),
            line.part.map(|part| part.of.milli().to_string()).unwrap_or_default(),
            line.part.map(|part| part.window.from.to_string()).unwrap_or_default(),
            line.part.map(|part| part.window.to.to_string()).unwrap_or_default(),
            line.site_charge.as_ref().map(|charge| charge.amount.milli().to_string()).unwrap_or_default(),
            line.site_charge.as_ref().map(|charge| cell(&charge.unit.to_string())).unwrap_or_default(),
            yes_or_no(is_complete).to_owned(),
        ];
        csv.push_str(&cells.join(","));
        csv.push_str("\r\n");
    }
    Ok(csv)
}

/// As a column says whether all was read.
pub const fn yes_or_no(is_complete: bool) -> &'static str {
    if is_complete { "yes" } else { "no" }
}

/// A text cell: quoted where it must be, and with an apostrophe in front of what a spreadsheet would calculate.
fn cell(text: &str) -> String {
    let starts_a_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if starts_a_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
