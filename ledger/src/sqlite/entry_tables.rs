//! The table of entries.

use super::inserts::{Inserts, Into, TOGETHER_WITH_JOURNAL};
use super::rows::number;
use super::stored_rows::each;
use super::tables::Tables;
use crate::Entry;
use crate::evidence::TreeHash;
use crate::records::Result;
use crate::stored::{Appending, ENTRY, LogTables as _, Marked, NewEntries, NewEntry, Numbers, entry};
use rusqlite::{Params, params};
use std::sync::LazyLock;

static ENTRIES: LazyLock<Into> =
    LazyLock::new(|| Into::new(&format!("entries ({ENTRY}, written, leaf)"), 27, TOGETHER_WITH_JOURNAL));

/// All entries of a condition, in their order.
pub(super) fn entries_where<P: Params>(tables: &Tables<'_>, condition: &str, parameters: P) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    each(tables.connection, &format!("SELECT {ENTRY} FROM entries WHERE {condition}"), parameters, |row| {
        found.push(entry(row, tables)?);
        Ok(())
    })?;
    Ok(found)
}

/// Adds entries, each with its leaf in the log, whose hashes come in the same order.
pub(super) fn append(
    tables: &Tables<'_>,
    entries: &[Entry],
    marked: &[Marked],
    hashes: impl Iterator<Item = Result<TreeHash>>,
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut inserts = Inserts::new(tables.connection, &ENTRIES, entries.len())?;
    let mut log = Appending::after(&tables.log_row()?.frontier)?;
    let numbers = entries.iter().map(|entry| Numbers::of(entry, &tables.names));
    NewEntries { log: &mut log }.append(entries, marked, numbers, hashes, |row| put(&mut inserts, row))?;
    keep(tables, &log)
}

fn put(inserts: &mut Inserts<'_>, row: &NewEntry<'_>) -> Result<()> {
    let NewEntry { entry, numbers, marked, .. } = row;
    inserts.put(params![
        row.number,
        entry.kind.as_str(),
        numbers.unit,
        entry.amount.milli(),
        numbers.debit,
        numbers.credit,
        numbers.project,
        entry.effective_at.epoch_seconds(),
        entry.recorded_at.epoch_seconds(),
        marked.actor,
        entry.key,
        row.hold,
        numbers.place,
        row.job,
        entry.links.run.as_ref().map(|run| run.submitted_at.epoch_seconds()),
        entry.links.grant,
        row.reverses,
        entry.note,
        numbers.tariff,
        row.particulars,
        marked.person,
        row.content(),
        row.started(),
        numbers.partition,
        numbers.state,
        marked.marks.note.as_ref().map(|note| note.as_bytes().as_slice()),
        row.hash.as_bytes(),
    ])
}

/// Keeps what the tree became.
fn keep(tables: &Tables<'_>, log: &Appending) -> Result<()> {
    let insert = "INSERT INTO subtree_roots (height, number, root) VALUES (?1, ?2, ?3)";
    let mut statement = tables.connection.prepare_cached(insert)?;
    for (height, which, root) in &log.completed {
        statement.execute(params![height, number(*which)?, root.as_bytes()])?;
    }
    tables.connection.prepare_cached("UPDATE log SET frontier = ?1")?.execute([log.frontier.to_bytes()])?;
    Ok(())
}
