//! The leaf of an entry, made again of its row.

use super::entry_rows::ENTRY;
use super::row::StoredRow;
use super::tables::{LogTables, Names as _};
use crate::Particulars;
use crate::evidence::{Commitment, EntryLeaf, EntryMarks, FieldWriter, RanLeaf, RunLeaf};
use crate::records::Result;

/// Rows of entries with everything that leaves are about, what is stored of these, and whether a row is the entry of a run
/// with nothing unusual.
pub(crate) fn select(condition: &str) -> String {
    format!("SELECT {ENTRY}, written, leaf, {IS_PLAIN} FROM entries {condition}")
}

const IS_PLAIN: &str = "run_place IS NOT NULL AND key IS NULL AND grant_key IS NULL AND note = '' \
    AND particulars IS NULL AND written IS NULL";

/// The column of the commitment to what was written.
pub(super) const WRITTEN: usize = 25;
/// The column of the leaf's hash.
pub(super) const LEAF: usize = 26;
/// The column that says whether a row is the entry of a run with nothing unusual.
pub(super) const PLAIN: usize = 27;

/// Writes the leaf of a row of [`select`].
pub(super) fn leaf_of<T: LogTables>(
    row: &T::Row<'_>,
    tables: &T,
    particulars: &Particulars,
    writer: &mut FieldWriter,
) -> Result<()> {
    let (names, persons) = (tables.names(), tables.persons());
    let [unit, debit] = [names.text_of(row.name(2)?)?, names.text_of(row.name(4)?)?];
    let [credit, project] = [names.text_of(row.name(5)?)?, names.text_of(row.name(6)?)?];
    let place = row.name_option(12)?.map(|number| names.text_of(number)).transpose()?;
    let tariff = row.name_option(18)?.map(|number| names.text_of(number)).transpose()?;
    let person = row.number_option(20)?.map(|number| persons.with_number(number)).transpose()?;
    let content = row.bytes_option(21)?;
    let partition = row.name_option(23)?.map(|number| names.text_of(number)).transpose()?;
    let state = row.name_option(24)?.map(|number| names.text_of(number)).transpose()?;
    let (started, partition) = (row.number_option(22)?, partition.as_deref());
    let ran = started.zip(state.as_deref()).map(|(started, state)| RanLeaf { started, partition, state });
    let run = match place.as_deref() {
        Some(place) => Some(RunLeaf { place, job: row.number(13)?, submitted: row.number(14)?, ran, content }),
        None => None,
    };
    let leaf = EntryLeaf {
        number: row.number(0)?,
        kind: row.text(1)?,
        unit: &unit,
        amount: row.number(3)?,
        debit: &debit,
        credit: &credit,
        project: &project,
        effective_at: row.number(7)?,
        recorded_at: row.number(8)?,
        key: row.text_option(10)?,
        hold: row.text_option(11)?,
        run,
        grant: row.text_option(15)?,
        reverses: row.number_option(16)?,
        tariff: tariff.as_deref(),
        particulars,
        marks: EntryMarks {
            actor: persons.with_number(row.number(9)?)?.mark,
            person: person.map(|person| person.mark),
            note: row.fixed_option(WRITTEN)?.map(Commitment::from_bytes),
        },
    };
    leaf.write(writer);
    Ok(())
}
