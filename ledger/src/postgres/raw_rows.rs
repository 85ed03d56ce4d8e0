//! The table of raw rows.

use super::rows::{get, unreadable};
use super::session::Session;
use crate::records::{RawPlace, Result};
use crate::stored::{PackedRows, raw_row};

/// Writes packed rows. The answer is the place of each; none for those that are empty.
pub(super) fn add(session: &Session, packed: PackedRows) -> Result<Vec<Option<RawPlace>>> {
    packed.write(|chunk| get(&session.one("INSERT INTO raw_rows (packed) VALUES ($1) RETURNING chunk", &[&chunk])?, 0))
}

/// The raw row at a place.
pub(super) fn read(session: &Session, place: RawPlace) -> Result<String> {
    let found = session.row("SELECT packed FROM raw_rows WHERE chunk = $1", &[&place.chunk])?;
    raw_row(get(&found.ok_or_else(|| unreadable("a chunk of raw rows is missing"))?, 0)?, place.row)
}
