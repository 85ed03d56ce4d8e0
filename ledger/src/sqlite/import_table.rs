//! The table of imports.

use super::queries;
use super::rows::{count, count_option, from_json, instant, number, to_json};
use super::tables::by;
use crate::records::{Deed, Result};
use crate::{ImportBatch, ImportRecord};
use rusqlite::{Connection, params};

/// Adds the header of a batch; its number.
pub(super) fn add(connection: &Connection, batch: &ImportBatch, deed: &Deed<'_>) -> Result<u64> {
    let insert = "INSERT INTO imports (recorded_at, actor_user, actor_site, digest, header, entry)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING number";
    let (user, site, now) = by(deed);
    let row = params![now, user, site, batch.digest, to_json(batch)?, number(deed.entry)?];
    Ok(connection.prepare_cached(insert)?.query_row(row, |row| count(row, 0))?)
}

/// All of them, by number.
pub(super) fn all(connection: &Connection) -> Result<Vec<ImportRecord>> {
    let select = "SELECT number, recorded_at, header, entry FROM imports ORDER BY number";
    queries::all(connection, select, [], |row| {
        let (number, entry) = (count(row, 0)?, count_option(row, 3)?);
        Ok(ImportRecord { number, entry, recorded_at: instant(row, 1)?, batch: from_json(row, 2)? })
    })
}
