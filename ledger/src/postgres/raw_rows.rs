//! Raw rows: what the scheduler printed, kept for whoever checks, packed by the chunk.

use super::rows::{get, unreadable};
use super::session::Session;
use crate::records::{RawPlace, Result};

/// Between two rows of a chunk: no scheduler prints it (it is not allowed in text).
const SEPARATOR: char = '\u{0}';

/// Keeps rows as one chunk. The answer is the place of each; none for those that are empty.
pub(super) fn add<'a>(session: &Session, rows: impl Iterator<Item = &'a str>) -> Result<Vec<Option<RawPlace>>> {
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
    let chunk = get(&session.one("INSERT INTO raw_rows (packed) VALUES ($1) RETURNING chunk", &[&packed])?, 0)?;
    Ok(places.into_iter().map(|row| row.map(|row| RawPlace { chunk, row })).collect())
}

/// The raw row at a place.
pub(super) fn read(session: &Session, place: RawPlace) -> Result<String> {
    let found = session.row("SELECT packed FROM raw_rows WHERE chunk = $1", &[&place.chunk])?;
    let found = found.ok_or_else(|| unreadable("a chunk of raw rows is missing"))?;
    let text = lz4_flex::decompress_size_prepended(get(&found, 0)?).map_err(unreadable)?;
    let text = String::from_utf8(text).map_err(unreadable)?;
    let row = usize::try_from(place.row).ok().and_then(|row| text.split(SEPARATOR).nth(row));
    Ok(row.ok_or_else(|| unreadable("a raw row is not where it should be"))?.to_owned())
}
