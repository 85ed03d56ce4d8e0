//! The table of coverage: for each scope of a cluster the stretches that were read, none touching the next.

use super::queries::all;
use super::rows::{from_json, instant, parsed, to_json};
use crate::Coverage;
use crate::records::Result;
use model::{SiteName, Window};
use rusqlite::{Connection, params};

const COVERAGE: &str = "site, cluster, scope, whole_accounts, from_at, to_at, observed_at";

/// Adds a reading, put together with the stretches of its scope that it touches.
pub(super) fn put_coverage(connection: &Connection, reading: &Coverage) -> Result<()> {
    let scope = reading.scope.to_string();
    let touching = "site = ?1 AND cluster = ?2 AND scope = ?3 AND from_at <= ?5 AND to_at >= ?4";
    let (from, to) = (reading.window.from.epoch_seconds(), reading.window.to.epoch_seconds());
    let place = params![reading.site.as_str(), reading.cluster.as_str(), scope, from, to];
    let select = format!("SELECT {COVERAGE} FROM coverage WHERE {touching}");
    let known = all(connection, &select, place, row)?;
    connection.execute(&format!("DELETE FROM coverage WHERE {touching}"), place)?;
    let joined = reading.joined_with(&known);
    let insert = format!("INSERT INTO coverage ({COVERAGE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    connection.execute(
        &insert,
        params![
            reading.site.as_str(),
            reading.cluster.as_str(),
            scope,
            to_json(&joined.whole_accounts)?,
            joined.window.from.epoch_seconds(),
            joined.window.to.epoch_seconds(),
            joined.observed_at.epoch_seconds(),
        ],
    )?;
    Ok(())
}

/// All readings of a site.
pub(super) fn coverage(connection: &Connection, site: &SiteName) -> Result<Vec<Coverage>> {
    let select = format!("SELECT {COVERAGE} FROM coverage WHERE site = ?1 ORDER BY cluster, scope, from_at");
    all(connection, &select, [site.as_str()], row)
}

/// All readings.
pub(super) fn all_coverage(connection: &Connection) -> Result<Vec<Coverage>> {
    all(connection, &format!("SELECT {COVERAGE} FROM coverage ORDER BY site, cluster, scope, from_at"), [], row)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Coverage> {
    Ok(Coverage {
        site: parsed(row, 0)?,
        cluster: parsed(row, 1)?,
        scope: parsed(row, 2)?,
        whole_accounts: from_json(row, 3)?,
        window: Window { from: instant(row, 4)?, to: instant(row, 5)? },
        observed_at: instant(row, 6)?,
    })
}
