//! A statement as text.

use comfy_table::{Cell, CellAlignment, Table, presets};
use model::{Amount, AmountError, Statement, StatementLine, StatementLineKind as Kind, StatementPart};

/// Why no report was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A sum does not fit in 64 bits.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// Opening and lines do not give closing: a defect of the ledger, and nothing is reported on top of it.
    #[error("statement of `{project}` in {unit}: opening and lines do not give closing")]
    DoesNotAddUp {
        /// Whose.
        project: String,
        /// In which unit.
        unit: String,
    },
}

/// The statement as a table with its sums, ready to print. Refuses to report what does not add up.
pub fn statement_text(statement: &Statement) -> Result<String, ReportError> {
    if !statement.adds_up()? {
        let (project, unit) = (statement.project.to_string(), statement.unit.to_string());
        return Err(ReportError::DoesNotAddUp { project, unit });
    }
    let word = statement.unit.hour_word();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let right = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(vec![right("entry"), Cell::new("at"), Cell::new("kind"), right(word), Cell::new("what")]);
    for line in &statement.lines {
        table.add_row(vec![
            Cell::new(line.entry).set_alignment(CellAlignment::Right),
            Cell::new(line.at),
            Cell::new(kind_word(line.kind)),
            Cell::new(line.amount.hours()).set_alignment(CellAlignment::Right),
            Cell::new(what(line)),
        ]);
    }
    let head = format!(
        "Statement of {} in {} ({word}), {} to {}",
        statement.project, statement.unit, statement.window.from, statement.window.to
    );
    let rows: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let rows = if statement.lines.is_empty() { "no entries\n".to_owned() } else { rows };
    Ok(format!("{head}\n\n{rows}\n{}\n", sums(statement)?))
}

/// What a line is about: the run's id with the job's name, or the note alone; and of which charge it is a part.
fn what(line: &StatementLine) -> String {
    let what =
        line.run.as_ref().map_or_else(|| line.note.clone(), |run| format!("{} {}", run.scheduler_job, line.note));
    let Some(StatementPart { of, window }) = line.part else { return what };
    format!("{what} (its part from {} to {} of {})", window.from, window.to, of.hours())
}

/// The word of a line's kind.
pub(crate) const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Opening => "opening",
        Kind::Grant => "grant",
        Kind::Withdraw => "withdraw",
        Kind::Delegate => "delegate",
        Kind::Settle => "settle",
        Kind::Overrun => "overrun",
        Kind::Refund => "refund",
        Kind::Adjust => "adjust",
        Kind::Correct => "correct",
        Kind::Reattribute => "reattribute",
        Kind::Expire => "expire",
        Kind::Forgive => "forgive",
    }
}

fn sums(statement: &Statement) -> Result<String, AmountError> {
    let part = |kinds: &[Kind]| statement.sum_of(kinds).map(Amount::hours);
    let has_forgiven = statement.lines.iter().any(|line| line.kind == Kind::Forgive);
    let forgiven = has_forgiven.then(|| part(&[Kind::Forgive])).transpose()?;
    let forgiven = forgiven.map(|hours| format!(" + forgiven {hours}")).unwrap_or_default();
    Ok(format!(
        "opening {} + granted {} + used {} + expired {}{forgiven} + corrections {} = closing {} {}",
        statement.opening.hours(),
        part(&[Kind::Grant, Kind::Withdraw, Kind::Delegate])?,
        part(&[Kind::Opening, Kind::Settle, Kind::Overrun])?,
        part(&[Kind::Expire])?,
        part(&[Kind::Refund, Kind::Correct, Kind::Reattribute, Kind::Adjust])?,
        statement.closing.hours(),
        statement.unit.hour_word(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Charge, RunKey, SchedulerJobId, Timestamp, Window};

    fn statement() -> Statement {
        let at = Timestamp::from_epoch_seconds;
        let run = RunKey {
            site: "jupiter".parse().expect("a site"),
            cluster: "jupiter".parse().expect("a cluster"),
            scheduler_job: SchedulerJobId::new(4711),
            submitted_at: at(1_793_000_000),
        };
        let line = |entry, kind, hours: &str, run, note: &str| StatementLine {
            entry,
            at: at(1_793_000_000),
            kind,
            amount: Amount::from_hours(hours).expect("hours"),
            run,
            note: note.to_owned(),
            site_charge: None,
            part: None,
        };
        Statement {
            project: "atlas".parse().expect("a project"),
            unit: "jupiter:gh200".parse().expect("a unit"),
            window: Window { from: at(1_792_000_000), to: at(1_794_000_000) },
            opening: Amount::ZERO,
            lines: vec![
                line(1, Kind::Grant, "1000", None, "GCS 2026"),
                line(2, Kind::Settle, "-64.5", Some(run), "=train,\"7b\""),
            ],
            closing: Amount::from_hours("935.5").expect("hours"),
        }
    }

    #[test]
    fn a_statement_shows_every_line_and_meets_its_sum() {
        insta::assert_snapshot!(statement_text(&statement()).expect("adds up"), @r#"
        Statement of atlas in jupiter:gh200 (GPU-h), 2026-10-14T17:46:40Z to 2026-11-06T21:20:00Z

         entry  at                    kind       GPU-h  what
             1  2026-10-26T07:33:20Z  grant   1000.000  GCS 2026
             2  2026-10-26T07:33:20Z  settle   -64.500  4711 =train,"7b"

        opening 0.000 + granted 1000.000 + used -64.500 + expired 0.000 + corrections 0.000 = closing 935.500 GPU-h
        "#);
    }

    #[test]
    fn the_parts_of_the_sum_hold_every_kind_of_line_once() {
        let kinds = [
            Kind::Opening,
            Kind::Grant,
            Kind::Withdraw,
            Kind::Delegate,
            Kind::Settle,
            Kind::Overrun,
            Kind::Refund,
            Kind::Adjust,
            Kind::Correct,
            Kind::Reattribute,
            Kind::Expire,
            Kind::Forgive,
        ];
        let mut all = statement();
        let line = all.lines[0].clone();
        let of_kind = |(place, kind): (u32, Kind)| StatementLine {
            kind,
            amount: Amount::from_milli(3_600_000 << place),
            ..line.clone()
        };
        all.lines = (0..).zip(kinds).map(of_kind).collect();
        all.closing = Amount::sum(all.lines.iter().map(|line| line.amount)).expect("fits");
        // Hours are powers of two: 2 + 4 + 8; 1 + 16 + 32; 1024; 2048; 64 + 128 + 256 + 512.
        let text = statement_text(&all).expect("adds up");
        let sums = "opening 0.000 + granted 14.000 + used 49.000 + expired 1024.000 + forgiven 2048.000 \
                    + corrections 960.000 = closing 4095.000";
        assert!(text.contains(sums), "{text}");
    }

    #[test]
    fn a_part_of_a_run_says_of_what_and_when() {
        let mut split = statement();
        let window = Window { from: Timestamp::from_epoch_seconds(1_793_000_000), to: split.window.to };
        split.lines[1].part = Some(StatementPart { of: Amount::from_hours("-100").expect("hours"), window });
        let text = statement_text(&split).expect("adds up");
        let line =
            r#"-64.500  4711 =train,"7b" (its part from 2026-10-26T07:33:20Z to 2026-11-06T21:20:00Z of -100.000)"#;
        assert!(text.contains(line), "{text}");
        let csv = crate::statements_csv([(&split, true)].into_iter()).expect("adds up");
        let last = csv.lines().last().expect("a row");
        assert!(last.ends_with(",-360000000,2026-10-26T07:33:20Z,2026-11-06T21:20:00Z,,,yes"), "{last}");
        split.lines[1].site_charge =
            Some(Charge { unit: "jupiter:core".parse().expect("a unit"), amount: Amount::from_milli(72) });
        let csv = crate::statements_csv([(&split, false)].into_iter()).expect("adds up");
        assert!(csv.ends_with(",72,jupiter:core,no\r\n"), "{csv}");
    }

    #[test]
    fn what_does_not_add_up_is_not_reported() {
        let mut statement = statement();
        statement.closing = Amount::ZERO;
        assert!(matches!(statement_text(&statement), Err(ReportError::DoesNotAddUp { .. })));
    }

    #[test]
    fn csv_keeps_cells_apart_and_disarms_formulas() {
        let csv = crate::statements_csv([(&statement(), true)].into_iter()).expect("adds up");
        let last = csv.lines().last().expect("a row");
        assert!(last.ends_with(r#",4711,"'=train,""7b""",,,,,,yes"#), "{last}");
    }
}
