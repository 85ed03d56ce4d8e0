//! The table of entries.

use super::copy_rows::{CopyRows, PIECE_ROWS};
use super::session::Values;
use super::tables::Tables;
use crate::evidence::TreeHash;
use crate::records::Result;
use crate::stored::{ENTRY, Marked, NewEntries, NewEntry, Numbers, entry};
use crate::{Entry, LedgerError, LedgerErrorKind};

const COLUMNS: i16 = 27;

/// All entries of a condition, in the order it says.
pub(super) fn entries_where(tables: &Tables<'_>, condition: &str, values: Values<'_>) -> Result<Vec<Entry>> {
    let rows = tables.session.rows(&format!("SELECT {ENTRY} FROM entries WHERE {condition}"), values)?;
    rows.iter().map(|row| entry(row, tables)).collect()
}

/// Adds entries, each with its leaf in the log, whose hashes come in the same order. The server works on one piece while the
/// next is made; it answers nothing else meanwhile, so that names come first.
pub(super) fn append(
    tables: &Tables<'_>,
    entries: &[Entry],
    marked: &[Marked],
    mut hashes: impl Iterator<Item = Result<TreeHash>>,
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let numbers = entries.iter().map(|entry| Numbers::of(entry, tables.session));
    let mut numbers = numbers.collect::<Result<Vec<_>>>()?.into_iter().map(Ok);
    let copy = format!("COPY entries ({ENTRY}, written, leaf) FROM STDIN (FORMAT binary)");
    let mut pieces = entries.chunks(PIECE_ROWS).zip(marked.chunks(PIECE_ROWS)).peekable();
    let mut rows = CopyRows::new(COLUMNS, PIECE_ROWS);
    tables.with_log(|log| {
        tables.session.copy_pieces(&copy, || {
            if let Some((entries, marked)) = pieces.next() {
                let mut new = NewEntries { log: &mut *log };
                new.append(entries, marked, &mut numbers, &mut hashes, |row| put(&mut rows, row))?;
            }
            let is_last = pieces.peek().is_none();
            Ok((rows.take(is_last), is_last))
        })
    })
}

fn put(rows: &mut CopyRows, row: &NewEntry<'_>) -> Result<()> {
    let NewEntry { entry, numbers, marked, .. } = row;
    rows.row();
    rows.number(row.number);
    rows.text(entry.kind.as_str());
    rows.numbered(numbers.unit)?;
    rows.number(entry.amount.milli());
    rows.numbered(numbers.debit)?;
    rows.numbered(numbers.credit)?;
    rows.numbered(numbers.project)?;
    rows.number(entry.effective_at.epoch_seconds());
    rows.number(entry.recorded_at.epoch_seconds());
    rows.number(marked.actor);
    rows.text_option(entry.key.as_deref().map(kept).transpose()?);
    rows.text_option(row.hold.as_deref());
    rows.numbered_option(numbers.place)?;
    rows.number_option(row.job);
    rows.number_option(entry.links.run.as_ref().map(|run| run.submitted_at.epoch_seconds()));
    rows.text_option(entry.links.grant.as_deref().map(kept).transpose()?);
    rows.number_option(row.reverses);
    rows.text(kept(&entry.note)?);
    rows.numbered_option(numbers.tariff)?;
    rows.text_option(row.particulars.as_deref());
    rows.number_option(marked.person);
    rows.field_option(row.content());
    rows.number_option(row.started());
    rows.numbered_option(numbers.partition)?;
    rows.numbered_option(numbers.state)?;
    rows.field_option(marked.marks.note.as_ref().map(|note| note.as_bytes().as_slice()));
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
