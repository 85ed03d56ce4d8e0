//! Reversals and refunds of runs, which are looked at where they lie: a replay would have to keep something of every entry.

use super::row::StoredRow as _;
use super::tables::{LogTables, Names as _, Value};
use crate::records::Result;
use std::collections::BTreeMap;

/// The columns of a reversal that are those of what it reverses, and those that change places.
const NO_OPPOSITE: &str = "SELECT later.number, later.reverses FROM entries AS later
    LEFT JOIN entries AS earlier ON earlier.number = later.reverses
    WHERE later.reverses IS NOT NULL AND NOT coalesce(earlier.number < later.number AND earlier.reverses IS NULL
        AND earlier.unit = later.unit AND earlier.amount = later.amount AND earlier.project = later.project
        AND earlier.debit = later.credit AND earlier.credit = later.debit
        AND earlier.effective_at = later.effective_at AND (earlier.kind = 'refund') = (later.kind = 'refund')
        AND earlier.hold IS NOT DISTINCT FROM later.hold AND earlier.run_place = later.run_place
        AND earlier.run_job = later.run_job AND earlier.run_submitted = later.run_submitted, 1 = 0)
    ORDER BY later.number LIMIT 100";

/// What was reversed more than once.
const TWICE: &str = "SELECT max(number), reverses FROM entries WHERE reverses IS NOT NULL GROUP BY reverses
    HAVING count(*) > 1 ORDER BY reverses LIMIT 100";

/// Reversals that are not the opposite of an earlier entry of their run, or not the only one.
pub(super) fn reversals(tables: &impl LogTables) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (select, why) in [(NO_OPPOSITE, "and is not its opposite"), (TWICE, "as another one does")] {
        tables.each_row(select, &[], |row| {
            let (number, reversed) = (row.number(0)?, row.number(1)?);
            findings.push(format!("entry {number} reverses entry {reversed}, {why}"));
            Ok(())
        })?;
    }
    Ok(findings)
}

/// Whose run it is that something is given back of, by the numbers of names: place, job and submit time; project and unit.
pub(super) type Refunded = ((i64, i64, i64), (i64, i64));

/// What is given back of runs, beside what they are charged.
pub(super) fn refunds(tables: &impl LogTables, refunded: &BTreeMap<Refunded, i128>) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (((place, job, submitted), payer), amount) in refunded.iter().filter(|(_, amount)| **amount != 0) {
        let mut charged = 0;
        let select =
            "SELECT amount FROM runs WHERE place = ? AND job = ? AND submitted = ? AND project = ? AND unit = ?";
        let values = [*place, *job, *submitted, payer.0, payer.1].map(Value::Number);
        tables.each_row(select, &values, |row| {
            charged = row.number_option(0)?.unwrap_or_default();
            Ok(())
        })?;
        if *amount < 0 || *amount > i128::from(charged) {
            let run = tables.names().text_of(*place)?;
            let why = format!("is charged {charged} milli, and {amount} are given back of it");
            findings.push(format!("run {}/{job} {why}", &*run));
        }
    }
    Ok(findings)
}
