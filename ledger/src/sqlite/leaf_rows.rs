//! The leaf of an entry, made again of its row.

use super::entry_tables::ENTRY;
use super::rows::unreadable;
use super::tables::Tables;
use crate::Particulars;
use crate::evidence::{Commitment, EntryLeaf, EntryMarks, FieldWriter, RanLeaf, RunLeaf};
use crate::records::Result;
use rusqlite::Row;

/// Rows of entries with everything that leaves are about, and what is stored of these.
pub(super) fn select(condition: &str) -> String {
    format!("SELECT {ENTRY}, written, leaf FROM entries {condition}")
}

/// The column of the commitment to what was written.
pub(super) const WRITTEN: usize = 25;
/// The column of the leaf's hash.
pub(super) const LEAF: usize = 26;

/// Writes the leaf of a row of [`select`].
pub(super) fn leaf_of(
    row: &Row<'_>,
    tables: &Tables<'_>,
    particulars: &Particulars,
    writer: &mut FieldWriter,
) -> Result<()> {
    let Tables { names, persons, .. } = tables;
    let text = |column: usize| -> rusqlite::Result<Option<&str>> {
        row.get_ref(column)?.as_str_or_null().map_err(|error| unreadable(column, error))
    };
    let bytes = |column: usize| -> rusqlite::Result<Option<&[u8]>> {
        row.get_ref(column)?.as_blob_or_null().map_err(|error| unreadable(column, error))
    };
    let [unit, debit, credit] = [names.text(row.get(2)?)?, names.text(row.get(4)?)?, names.text(row.get(5)?)?];
    let project = names.text(row.get(6)?)?;
    let place = row.get::<_, Option<i64>>(12)?.map(|number| names.text(number)).transpose()?;
    let tariff = row.get::<_, Option<i64>>(18)?.map(|number| names.text(number)).transpose()?;
    let person = row.get::<_, Option<i64>>(20)?.map(|number| persons.with_number(number)).transpose()?;
    let content = bytes(21)?;
    let partition = row.get::<_, Option<i64>>(23)?.map(|number| names.text(number)).transpose()?;
    let state = row.get::<_, Option<i64>>(24)?.map(|number| names.text(number)).transpose()?;
    let started: Option<i64> = row.get(22)?;
    let partition = partition.as_deref();
    let ran = started.zip(state.as_deref()).map(|(started, state)| RanLeaf { started, partition, state });
    let run = match place.as_deref() {
        Some(place) => Some(RunLeaf { place, job: row.get(13)?, submitted: row.get(14)?, ran, content }),
        None => None,
    };
    let leaf = EntryLeaf {
        number: row.get(0)?,
        kind: text(1)?.unwrap_or_default(),
        unit: &unit,
        amount: row.get(3)?,
        debit: &debit,
        credit: &credit,
        project: &project,
        effective_at: row.get(7)?,
        recorded_at: row.get(8)?,
        key: text(10)?,
        hold: text(11)?,
        run,
        grant: text(15)?,
        reverses: row.get(16)?,
        tariff: tariff.as_deref(),
        particulars,
        marks: EntryMarks {
            actor: persons.with_number(row.get(9)?)?.mark,
            person: person.map(|person| person.mark),
            note: row.get::<_, Option<[u8; 32]>>(WRITTEN)?.map(Commitment::from_bytes),
        },
    };
    leaf.write(writer);
    Ok(())
}
