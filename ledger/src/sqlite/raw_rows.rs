//! Raw rows: what the scheduler printed, kept for whoever checks, packed by the chunk.

use super::rows::unreadable;
use crate::records::{RawPlace, Result};
use rusqlite::{Connection, params};

/// Between two rows of a chunk: no scheduler prints it (it is not allowed in text).
const SEPARATOR: char = '\u{0}';

/// Keeps rows as one chunk. The answer is the place of each; none for those that are empty.
pub(super) fn add<'a>(
    connection: &Connection,
    rows: impl Iterator<Item = &'a str> + Clone,
) -> Result<Vec<Option<RawPlace>>> {
    let mut text = String::new();
    let mut kept = 0;
    let mut places: Vec<Option<i64>> = Vec::new();
    for row in rows {
        if row.is_empty() {
            places.push(None);
            continue;
        }
        if row.contains(SEPARATOR) {
            text.push_str(&row.replace(SEPARATOR, " "));
        } else {
            text.push_str(row);
        }
        text.push(SEPARATOR);
        places.push(Some(kept));
        kept += 1;
    }
    if kept == 0 {
        return Ok(places.into_iter().map(|_| None).collect());
    }
    let packed = lz4_flex::compress_prepend_size(text.as_bytes());
    connection.prepare_cached("INSERT INTO raw_rows (packed) VALUES (?1)")?.execute(params![packed])?;
    let chunk = connection.last_insert_rowid();
    Ok(places.into_iter().map(|row| row.map(|row| RawPlace { chunk, row })).collect())
}

/// The raw row at a place.
pub(super) fn read(connection: &Connection, place: RawPlace) -> Result<String> {
    let mut statement = connection.prepare_cached("SELECT packed FROM raw_rows WHERE chunk = ?1")?;
    let packed: Vec<u8> = statement.query_row([place.chunk], |row| row.get(0))?;
    let text = lz4_flex::decompress_size_prepended(&packed).map_err(|error| unreadable(0, error))?;
    let text = String::from_utf8(text).map_err(|error| unreadable(0, error))?;
    let row = usize::try_from(place.row).ok().and_then(|row| text.split(SEPARATOR).nth(row));
    Ok(row.ok_or_else(|| unreadable(0, "a raw row is not where it should be"))?.to_owned())
}
