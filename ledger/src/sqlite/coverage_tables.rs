//! The table of coverage: for each scope of a cluster the stretches that were read.

use super::names::Names;
use super::queries::all;
use super::rows::{from_json, instant, parsed, parsed_option, to_json};
use crate::records::Result;
use crate::{Coverage, Scope};
use model::{AccountName, ClusterName, SiteName, UserName, Window};
use rusqlite::{Connection, params};

const COVERAGE: &str = "site, cluster, scope, rights, whole_accounts, hidden_accounts, from_at, to_at, observed_at";

/// Adds a reading, put together with those of its scope that say the same.
pub(super) fn put_coverage(connection: &Connection, reading: &Coverage) -> Result<()> {
    let (joined, replaced) = reading.among(&readings(connection, &reading.site, &reading.cluster, &reading.scope)?);
    for other in replaced {
        let delete = "DELETE FROM coverage WHERE site = ?1 AND cluster = ?2 AND scope = ?3 AND rights IS ?4
            AND whole_accounts = ?5 AND hidden_accounts = ?6 AND from_at = ?7 AND to_at = ?8 AND observed_at = ?9";
        write(connection, delete, &other)?;
    }
    write(
        connection,
        &format!("INSERT INTO coverage ({COVERAGE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"),
        &joined,
    )
}

fn write(connection: &Connection, statement: &str, reading: &Coverage) -> Result<()> {
    connection.execute(
        statement,
        params![
            reading.site.as_str(),
            reading.cluster.as_str(),
            reading.scope.to_string(),
            reading.rights.map(crate::ReaderRights::as_str),
            to_json(&reading.whole_accounts)?,
            to_json(&reading.hidden_accounts)?,
            reading.window.from.epoch_seconds(),
            reading.window.to.epoch_seconds(),
            reading.observed_at.epoch_seconds(),
        ],
    )?;
    Ok(())
}

/// The readings of a scope.
pub(super) fn readings(
    connection: &Connection,
    site: &SiteName,
    cluster: &ClusterName,
    scope: &Scope,
) -> Result<Vec<Coverage>> {
    let select = format!("SELECT {COVERAGE} FROM coverage WHERE site = ?1 AND cluster = ?2 AND scope = ?3 {ORDER}");
    all(connection, &select, params![site.as_str(), cluster.as_str(), scope.to_string()], row)
}

/// Whether the books have a run of an account that ended in the time of a reading and is not the reader's own.
pub(super) fn has_run_of_others(
    connection: &Connection,
    names: &Names<'_>,
    reading: &Coverage,
    reader: &UserName,
    account: Option<&AccountName>,
) -> Result<bool> {
    let Some(place) = names.find(&format!("{}/{}", reading.site, reading.cluster))? else { return Ok(false) };
    let user = names.find(reader.as_str())?.unwrap_or_default();
    let account = match account {
        Some(name) => match names.find(name.as_str())? {
            Some(number) => Some(number),
            None => return Ok(false),
        },
        None => None,
    };
    let select = "SELECT EXISTS (SELECT 1 FROM runs WHERE place = ?1 AND account IS ?2 AND user <> ?3
        AND ended >= ?4 AND ended < ?5)";
    let (from, to) = (reading.window.from.epoch_seconds(), reading.window.to.epoch_seconds());
    Ok(connection.query_row(select, params![place, account, user, from, to], |row| row.get(0))?)
}

/// The order in which readings are told.
const ORDER: &str = "ORDER BY site, cluster, scope, from_at, to_at, observed_at";

/// All readings of a site.
pub(super) fn coverage(connection: &Connection, site: &SiteName) -> Result<Vec<Coverage>> {
    let select = format!("SELECT {COVERAGE} FROM coverage WHERE site = ?1 {ORDER}");
    all(connection, &select, [site.as_str()], row)
}

/// All readings.
pub(super) fn all_coverage(connection: &Connection) -> Result<Vec<Coverage>> {
    all(connection, &format!("SELECT {COVERAGE} FROM coverage {ORDER}"), [], row)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Coverage> {
    Ok(Coverage {
        site: parsed(row, 0)?,
        cluster: parsed(row, 1)?,
        scope: parsed(row, 2)?,
        rights: parsed_option(row, 3)?,
        whole_accounts: from_json(row, 4)?,
        hidden_accounts: from_json(row, 5)?,
        window: Window { from: instant(row, 6)?, to: instant(row, 7)? },
        observed_at: instant(row, 8)?,
    })
}
