//! Raw rows: what the scheduler printed, kept for whoever checks, packed by the chunk.

use super::rows::unreadable;
use crate::has_word;
use crate::records::{RawPlace, Result};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// Between two rows of a chunk: no scheduler prints it (it is not allowed in text).
const SEPARATOR: char = '\u{0}';

/// A chunk that has reached this is written, and the next row begins another.
const FULL_BYTES: usize = 4 * 1024 * 1024;
/// The most that a chunk is unpacked to: a full one, and behind it the longest row that is read from a scheduler.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Rows that are packed and not written yet.
#[derive(Default)]
pub(super) struct PackedRows {
    chunks: Vec<Vec<u8>>,
    /// The chunk and the place in it of each row; none for those that are empty.
    places: Vec<Option<(usize, i64)>>,
}

/// Packs rows into chunks. It needs no connection, so that another thread can do it.
pub(super) fn pack<'a>(rows: impl Iterator<Item = &'a str>) -> PackedRows {
    let mut packed = PackedRows::default();
    let (mut text, mut count) = (String::new(), 0);
    for row in rows {
        if row.is_empty() {
            packed.places.push(None);
            continue;
        }
        if text.len() >= FULL_BYTES {
            packed.chunks.push(lz4_flex::compress_prepend_size(text.as_bytes()));
            text.clear();
            count = 0;
        }
        packed.places.push(Some((packed.chunks.len(), count)));
        count += 1;
        if row.contains(SEPARATOR) {
            text.push_str(&row.replace(SEPARATOR, " "));
        } else {
            text.push_str(row);
        }
        text.push(SEPARATOR);
    }
    if !text.is_empty() {
        packed.chunks.push(lz4_flex::compress_prepend_size(text.as_bytes()));
    }
    packed
}

/// Writes packed rows. The answer is the place of each; none for those that are empty.
pub(super) fn add(connection: &Connection, packed: PackedRows) -> Result<Vec<Option<RawPlace>>> {
    let mut statement = connection.prepare_cached("INSERT INTO raw_rows (packed) VALUES (?1)")?;
    let mut numbers = Vec::with_capacity(packed.chunks.len());
    for chunk in packed.chunks {
        statement.execute([chunk])?;
        numbers.push(connection.last_insert_rowid());
    }
    let place = |(chunk, row): (usize, i64)| RawPlace { chunk: numbers[chunk], row };
    Ok(packed.places.into_iter().map(|found| found.map(place)).collect())
}

/// Takes rows out of a chunk; the others stay where they are.
pub(super) fn blank(connection: &Connection, chunk: i64, rows: &[i64]) -> Result<()> {
    let mut statement = connection.prepare_cached("SELECT packed FROM raw_rows WHERE chunk = ?1")?;
    let text = unpack(&statement.query_row([chunk], |row| row.get::<_, Vec<u8>>(0))?)?;
    let kept: Vec<&str> =
        (0..).zip(text.split(SEPARATOR)).map(|(row, text)| if rows.contains(&row) { "" } else { text }).collect();
    let packed = lz4_flex::compress_prepend_size(kept.join(SEPARATOR.encode_utf8(&mut [0; 4])).as_bytes());
    connection.prepare_cached("UPDATE raw_rows SET packed = ?2 WHERE chunk = ?1")?.execute(params![chunk, packed])?;
    Ok(())
}

/// The places of rows in which a word stands by itself.
pub(super) fn with_word(connection: &Connection, word: &str) -> Result<BTreeSet<(i64, i64)>> {
    let mut found = BTreeSet::new();
    let mut statement = connection.prepare("SELECT chunk, packed FROM raw_rows")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (chunk, packed): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let text = unpack(&packed)?;
        let with_it = (0_i64..).zip(text.split(SEPARATOR)).filter(|(_, text)| has_word(text, word));
        found.extend(with_it.map(|(row, _)| (chunk, row)));
    }
    Ok(found)
}

/// The raw row at a place.
pub(super) fn read(connection: &Connection, place: RawPlace) -> Result<String> {
    let mut statement = connection.prepare_cached("SELECT packed FROM raw_rows WHERE chunk = ?1")?;
    let text = unpack(&statement.query_row([place.chunk], |row| row.get::<_, Vec<u8>>(0))?)?;
    let row = usize::try_from(place.row).ok().and_then(|row| text.split(SEPARATOR).nth(row));
    Ok(row.ok_or_else(|| unreadable(0, "a raw row is not where it should be"))?.to_owned())
}

fn unpack(packed: &[u8]) -> Result<String> {
    let (bytes, _) = lz4_flex::block::uncompressed_size(packed).map_err(|error| unreadable(0, error))?;
    if bytes > MOST_BYTES {
        return Err(unreadable(0, format!("a chunk of raw rows would have {bytes} bytes")).into());
    }
    let text = lz4_flex::decompress_size_prepended(packed).map_err(|error| unreadable(0, error))?;
    Ok(String::from_utf8(text).map_err(|error| unreadable(0, error))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().expect("opened");
        connection
            .execute_batch("CREATE TABLE raw_rows (chunk INTEGER PRIMARY KEY, packed BLOB NOT NULL) STRICT")
            .expect("made");
        connection
    }

    #[test]
    fn each_row_is_read_as_it_was_written_from_however_many_chunks() {
        let connection = table();
        let long = "x".repeat(FULL_BYTES);
        let rows = ["1|ada", "", "2|b\u{0}b", &long, "3|ü"];
        let places = add(&connection, pack(rows.into_iter())).expect("written");
        let read: Vec<Option<String>> =
            places.into_iter().map(|place| place.map(|place| read(&connection, place).expect("read"))).collect();
        let expected = [Some("1|ada"), None, Some("2|b b"), Some(long.as_str()), Some("3|ü")];
        assert!(read.iter().map(Option::as_deref).eq(expected), "other rows");
        let chunks: i64 = connection.query_row("SELECT count(*) FROM raw_rows", [], |row| row.get(0)).expect("read");
        assert_eq!(chunks, 2);
    }

    #[test]
    fn a_chunk_that_no_release_writes_is_an_error_and_takes_no_memory() {
        let connection = table();
        for packed in [&[][..], &[1, 2], &[0xff; 4], &[0xff, 0xff, 0xff, 0xff, 1, 2, 3], &[5, 0, 0, 0, 0x50]] {
            connection.execute("INSERT OR REPLACE INTO raw_rows VALUES (1, ?1)", [packed]).expect("written");
            assert!(read(&connection, RawPlace { chunk: 1, row: 0 }).is_err(), "{packed:?}");
        }
    }
}
