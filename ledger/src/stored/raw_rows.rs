//! Raw rows: what the scheduler printed, kept for whoever checks, packed by the chunk.

use super::row::{StoredRow as _, unreadable};
use super::tables::{LogTables, Value};
use crate::has_word;
use crate::records::{RawPlace, Result};
use std::collections::BTreeSet;

/// Between two rows of a chunk: no scheduler prints it (it is not allowed in text).
const SEPARATOR: char = '\u{0}';

/// A chunk that has reached this is written, and the next row begins another.
const FULL_BYTES: usize = 4 * 1024 * 1024;
/// The most that a chunk is unpacked to: a full one, and behind it the longest row that is read from a scheduler.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// So many chunks are in memory at once.
const CHUNKS_AT_ONCE: i64 = 8;

/// Rows that are packed and not written yet.
#[derive(Default)]
pub(crate) struct PackedRows {
    chunks: Vec<Vec<u8>>,
    /// The chunk and the place in it of each row; none for those that are empty.
    places: Vec<Option<(usize, i64)>>,
}

impl PackedRows {
    /// Packs rows into chunks. It needs no connection, so that another thread can do it.
    pub(crate) fn of<'a>(rows: impl Iterator<Item = &'a str>) -> Self {
        let mut packed = Self::default();
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

    /// Has `add` write each chunk and say its number. The answer is the place of each row; none for those that are empty.
    pub(crate) fn write(self, add: impl FnMut(Vec<u8>) -> Result<i64>) -> Result<Vec<Option<RawPlace>>> {
        let numbers = self.chunks.into_iter().map(add).collect::<Result<Vec<_>>>()?;
        let place = |(chunk, row): (usize, i64)| RawPlace { chunk: numbers[chunk], row };
        Ok(self.places.into_iter().map(|found| found.map(place)).collect())
    }
}

/// The row of a chunk.
pub(crate) fn raw_row(packed: &[u8], row: i64) -> Result<String> {
    let text = unpack(packed)?;
    let row = usize::try_from(row).ok().and_then(|row| text.split(SEPARATOR).nth(row));
    Ok(row.ok_or_else(|| unreadable("a raw row is not where it should be"))?.to_owned())
}

/// Takes rows out of a chunk; the others stay where they are.
pub(super) fn blank(tables: &impl LogTables, chunk: i64, rows: &[i64]) -> Result<()> {
    let mut packed = Vec::new();
    tables.each_row("SELECT packed FROM raw_rows WHERE chunk = ?", &[Value::Number(chunk)], |row| {
        packed = row.bytes_option(0)?.unwrap_or_default().to_vec();
        Ok(())
    })?;
    let text = unpack(&packed)?;
    let kept: Vec<&str> =
        (0..).zip(text.split(SEPARATOR)).map(|(row, text)| if rows.contains(&row) { "" } else { text }).collect();
    let packed = lz4_flex::compress_prepend_size(kept.join(SEPARATOR.encode_utf8(&mut [0; 4])).as_bytes());
    let update = "UPDATE raw_rows SET packed = ? WHERE chunk = ?";
    tables.change(update, &[Value::Bytes(packed), Value::Number(chunk)]).map(drop)
}

/// The places of rows in which a word stands by itself.
pub(super) fn with_word(tables: &impl LogTables, word: &str) -> Result<BTreeSet<(i64, i64)>> {
    let mut found = BTreeSet::new();
    let mut after = 0;
    loop {
        let before = after;
        let select = "SELECT chunk, packed FROM raw_rows WHERE chunk > ? ORDER BY chunk LIMIT ?";
        tables.each_row(select, &[after, CHUNKS_AT_ONCE].map(Value::Number), |row| {
            after = row.number(0)?;
            let text = unpack(row.bytes_option(1)?.unwrap_or_default())?;
            let with_it = (0_i64..).zip(text.split(SEPARATOR)).filter(|(_, text)| has_word(text, word));
            found.extend(with_it.map(|(row, _)| (after, row)));
            Ok(())
        })?;
        if after == before {
            return Ok(found);
        }
    }
}

fn unpack(packed: &[u8]) -> Result<String> {
    let (bytes, _) = lz4_flex::block::uncompressed_size(packed).map_err(unreadable)?;
    if bytes > MOST_BYTES {
        return Err(unreadable(format!("a chunk of raw rows would have {bytes} bytes")));
    }
    String::from_utf8(lz4_flex::decompress_size_prepended(packed).map_err(unreadable)?).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_read_as_it_was_written_from_however_many_chunks() {
        let long = "x".repeat(FULL_BYTES);
        let rows = ["1|ada", "", "2|b\u{0}b", &long, "3|ü"];
        let mut chunks = Vec::new();
        let places = PackedRows::of(rows.into_iter()).write(|packed| {
            chunks.push(packed);
            Ok(i64::try_from(chunks.len()).expect("few"))
        });
        let chunk = |place: RawPlace| &chunks[usize::try_from(place.chunk - 1).expect("from 1 on")];
        let read = |place: RawPlace| raw_row(chunk(place), place.row).expect("read");
        let read: Vec<Option<String>> = places.expect("written").into_iter().map(|place| place.map(read)).collect();
        let expected = [Some("1|ada"), None, Some("2|b b"), Some(long.as_str()), Some("3|ü")];
        assert!(read.iter().map(Option::as_deref).eq(expected), "other rows");
        assert_eq!(chunks.len(), 2);
    }

    #[test]
    fn a_chunk_that_no_release_writes_is_an_error_and_takes_no_memory() {
        for packed in [&[][..], &[1, 2], &[0xff; 4], &[0xff, 0xff, 0xff, 0xff, 1, 2, 3], &[5, 0, 0, 0, 0x50]] {
            assert!(raw_row(packed, 0).is_err(), "{packed:?}");
        }
    }
}
