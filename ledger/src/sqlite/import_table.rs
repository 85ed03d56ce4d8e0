//! The table of imports.

use super::queries;
use super::rows::{count, from_json, instant, to_json};
use crate::records::Result;
use crate::{ImportBatch, ImportRecord};
use model::{Principal, SiteName, Timestamp};
use rusqlite::{Connection, params};

/// Adds the header of a batch; its number.
pub(super) fn add(connection: &Connection, batch: &ImportBatch, actor: &Principal, now: Timestamp) -> Result<u64> {
    let insert = "INSERT INTO imports (recorded_at, actor_user, actor_site, digest, header) VALUES (?1, ?2, ?3, ?4, ?5)
        RETURNING number";
    let site = actor.site.as_ref().map(SiteName::as_str);
    let header = to_json(batch)?;
    let row = params![now.epoch_seconds(), actor.user.as_str(), site, batch.digest, header];
    Ok(connection.prepare_cached(insert)?.query_row(row, |row| count(row, 0))?)
}

/// All of them, by number.
pub(super) fn all(connection: &Connection) -> Result<Vec<ImportRecord>> {
    let select = "SELECT number, recorded_at, header FROM imports ORDER BY number";
    queries::all(connection, select, [], |row| {
        Ok(ImportRecord { number: count(row, 0)?, recorded_at: instant(row, 1)?, batch: from_json(row, 2)? })
    })
}
