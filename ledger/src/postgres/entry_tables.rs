//! The table of entries.

use super::copy_rows::CopyRows;
use super::session::Values;
use super::tables::Tables;
use crate::records::Result;
use crate::stored::{ENTRY, NewEntries, NewEntry, entry};
use crate::{Entry, LedgerError, LedgerErrorKind};

const COLUMNS: i16 = 27;

/// All entries of a condition, in the order it says.
pub(super) fn entries_where(tables: &Tables<'_>, condition: &str, values: Values<'_>) -> Result<Vec<Entry>> {
    let rows = tables.session.rows(&format!("SELECT {ENTRY} FROM entries WHERE {condition}"), values)?;
    rows.iter().map(|row| entry(row, tables)).collect()
}

/// Adds entries, each with its leaf in the log.
pub(super) fn append(tables: &Tables<'_>, entries: &[Entry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut rows = CopyRows::new(COLUMNS, entries.len());
    tables.with_log(|log| {
        let mut new = NewEntries { names: tables.session, persons: &tables.persons, log };
        new.append(entries, |row| put(&mut rows, row))
    })?;
    let copy = format!("COPY entries ({ENTRY}, written, leaf) FROM STDIN (FORMAT binary)");
    tables.session.copy(&copy, &rows.finish())
}

fn put(rows: &mut CopyRows, row: &NewEntry<'_>) -> Result<()> {
    let NewEntry { leaf, numbers, .. } = row;
    rows.row();
    rows.number(leaf.number);
    rows.text(leaf.kind);
    rows.numbered(numbers.unit)?;
    rows.number(leaf.amount);
    rows.numbered(numbers.debit)?;
    rows.numbered(numbers.credit)?;
    rows.numbered(numbers.project)?;
    rows.number(leaf.effective_at);
    rows.number(leaf.recorded_at);
    rows.number(row.actor);
    rows.text_option(leaf.key.map(kept).transpose()?);
    rows.text_option(leaf.hold);
    rows.numbered_option(numbers.place)?;
    rows.number_option(leaf.run.map(|run| run.job));
    rows.number_option(leaf.run.map(|run| run.submitted));
    rows.text_option(leaf.grant.map(kept).transpose()?);
    rows.number_option(leaf.reverses);
    rows.text(kept(row.note)?);
    rows.numbered_option(numbers.tariff)?;
    rows.text_option(row.particulars.as_deref());
    rows.number_option(row.person);
    rows.field_option(leaf.run.and_then(|run| run.content));
    rows.number_option(leaf.run.and_then(|run| run.ran).map(|ran| ran.started));
    rows.numbered_option(numbers.partition)?;
    rows.numbered_option(numbers.state)?;
    rows.field_option(leaf.marks.note.as_ref().map(|note| note.as_bytes().as_slice()));
    rows.field(row.hash.as_bytes());
    Ok(())
}

/// A text that the database keeps as it is: leaves are about it.
fn kept(text: &str) -> Result<&str> {
    if text.contains('\0') {
        let why = "a text has characters that PostgreSQL cannot keep";
        return Err(LedgerError::never(LedgerErrorKind::Invalid, why));
    }
    Ok(text)
}
