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

/// A text cell: quoted where it must be, and with an apostrophe in front of what a spreadsheet would calculate. A number is none of
/// that, also below zero, and stays one.
fn cell(text: &str) -> String {
    let starts_a_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(text);
    let text = if starts_a_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Whether it is digits, with a point among them or a minus in front, or the word for what is less than all numbers.
fn is_number(text: &str) -> bool {
    if text == "-Infinity" {
        return true;
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, part].iter().all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Amount, Charge, StatementLine, StatementLineKind, StatementPart, Timestamp, Window};

    /// A statement of one line, with this note.
    fn statement(note: &str, milli: i64) -> Statement {
        let (at, amount) = (Timestamp::from_epoch_seconds(1_793_000_000), Amount::from_milli(milli));
        let window = Window { from: at, to: at.plus_seconds(60) };
        let line = StatementLine {
            entry: 1,
            at,
            kind: StatementLineKind::Adjust,
            amount,
            run: None,
            note: note.to_owned(),
            site_charge: Some(Charge { unit: "jupiter:core".parse().expect("a unit"), amount }),
            part: Some(StatementPart { of: amount, window }),
        };
        let (project, unit) = ("atlas".parse().expect("a project"), "jupiter:gh200".parse().expect("a unit"));
        Statement { project, unit, window, opening: Amount::ZERO, lines: vec![line], closing: amount }
    }

    /// Each function that writes CSV, with this text where people's words go.
    fn written(text: &str) -> [String; 2] {
        let statement = statement(text, 5);
        [
            statements_csv([(&statement, true)].into_iter()).expect("adds up"),
            table_csv(&["person", "name"], [vec!["ada".to_owned(), text.to_owned()]].into_iter()),
        ]
    }

    /// The cells of the row behind the header, as RFC 4180 has them read.
    fn cells(csv: &str) -> Vec<String> {
        let (_, row) = csv.split_once("\r\n").expect("a header");
        let row = row.strip_suffix("\r\n").expect("a row that ends");
        let (mut cells, mut is_quoted, mut letters) = (vec![String::new()], false, row.chars().peekable());
        while let Some(letter) = letters.next() {
            let cell = cells.last_mut().expect("one at least");
            match letter {
                '"' if is_quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => cells.push(String::new()),
                _ => cell.push(letter),
            }
        }
        assert!(!is_quoted, "a quote that does not end: {row}");
        cells
    }

    #[test]
    fn no_text_becomes_a_formula_however_it_begins() {
        for first in ["=", "+", "-", "@", "\t", "\r"] {
            for rest in
                ["", "1+1", "cmd|' /C calc'!A0", "SUM(A1,A2)", "HYPERLINK(\"x\")", "A(\"x\",\"y\")", "a\r\nb", "1 2"]
            {
                let text = format!("{first}{rest}");
                for csv in written(&text) {
                    let cells = cells(&csv);
                    assert!(cells.contains(&format!("'{text}")), "{text:?}: {csv:?}");
                    assert!(!cells.iter().any(|cell| cell.starts_with(first)), "{text:?}: {csv:?}");
                }
            }
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for text in ["train-7b", "a=b", "1+1", "x\"y\"", "a,b", "two\nlines", " =spaced", "", "ü"] {
            for csv in written(text) {
                assert!(cells(&csv).contains(&text.to_owned()), "{text:?}: {csv:?}");
            }
        }
    }

    #[test]
    fn amounts_below_zero_stay_numbers() {
        let csv = statements_csv([(&statement("site", -232_200_000), true)].into_iter()).expect("adds up");
        let all = cells(&csv);
        assert_eq!([&*all[5], &*all[6], &*all[9], &*all[12]], ["-232200000", "-64.500", "-232200000", "-232200000"]);
        let numbers = ["-5", "-0.028", "0", "12", "-232200000"].map(str::to_owned).to_vec();
        assert_eq!(cells(&table_csv(&["amount"], [numbers.clone()].into_iter())), numbers);
        for text in ["-5-5", "-.5", "-5.", "-", "--5", "-5e3", "-5 ", "+5", "-1.2.3", "-٣"] {
            let row = [vec![text.to_owned()]];
            assert_eq!(cells(&table_csv(&["name"], row.into_iter())), [format!("'{text}")], "{text}");
        }
    }
}
