//! The table of raw rows.

use crate::records::{RawPlace, Result};
use crate::stored::{PackedRows, raw_row};
use rusqlite::Connection;

/// Writes packed rows. The answer is the place of each; none for those that are empty.
pub(super) fn add(connection: &Connection, packed: PackedRows) -> Result<Vec<Option<RawPlace>>> {
    let mut statement = connection.prepare_cached("INSERT INTO raw_rows (packed) VALUES (?1)")?;
    packed.write(|chunk| {
        statement.execute([chunk])?;
        Ok(connection.last_insert_rowid())
    })
}

/// The raw row at a place.
pub(super) fn read(connection: &Connection, place: RawPlace) -> Result<String> {
    let mut statement = connection.prepare_cached("SELECT packed FROM raw_rows WHERE chunk = ?1")?;
    raw_row(&statement.query_row([place.chunk], |row| row.get::<_, Vec<u8>>(0))?, place.row)
}
