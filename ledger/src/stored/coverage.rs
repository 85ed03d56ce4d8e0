//! The table of coverage: for each scope of a cluster the stretches that were read.

use super::entry_rows::signed;
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Value};
use crate::records::Result;
use crate::{Coverage, LedgerError, LedgerErrorKind, ReaderRights, Scope};
use model::{AccountName, ClusterName, SiteName, UserName, Window};

const COVERAGE: &str = "site, cluster, scope, rights, whole_accounts, hidden_accounts, from_at, to_at, observed_at";

/// The order in which readings are told.
const ORDER: &str = "ORDER BY site, cluster, scope, from_at, to_at, observed_at";

/// The rows that are a reading.
const SAME: &str = "site = ? AND cluster = ? AND scope = ? AND rights IS NOT DISTINCT FROM ?
    AND whole_accounts = ? AND hidden_accounts = ? AND from_at = ? AND to_at = ? AND observed_at = ?";

/// Adds a reading under the number of its entry, put together with those of its scope that say the same: the entries of these. None
/// where it is there already.
pub(crate) fn put_coverage(tables: &impl LogTables, reading: &Coverage, entry: u64) -> Result<Option<Vec<u64>>> {
    let (joined, replaced) = reading.among(&readings(tables, &reading.site, &reading.cluster, &reading.scope)?);
    if replaced.as_slice() == std::slice::from_ref(&joined) {
        return Ok(None);
    }
    let mut entries = Vec::with_capacity(replaced.len());
    for other in replaced {
        let values = values(&other)?;
        tables.each_row(&format!("SELECT entry FROM coverage WHERE {SAME}"), &values, |row| {
            entries.push(row.count(0)?);
            Ok(())
        })?;
        tables.change(&format!("DELETE FROM coverage WHERE {SAME}"), &values)?;
    }
    entries.sort_unstable();
    let insert = format!("INSERT INTO coverage ({COVERAGE}, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let mut values = values(&joined)?.to_vec();
    values.push(Value::Number(signed(entry)?));
    tables.change(&insert, &values)?;
    Ok(Some(entries))
}

/// A reading in the order of [`COVERAGE`].
fn values(reading: &Coverage) -> Result<[Value; 9]> {
    let accounts = |accounts: &[Option<AccountName>]| {
        let bug =
            |error| LedgerError::never(LedgerErrorKind::Bug, "a value cannot be written").with_fact("json", &error);
        serde_json::to_string(accounts).map(Value::Text).map_err(bug)
    };
    Ok([
        Value::Text(reading.site.to_string()),
        Value::Text(reading.cluster.to_string()),
        Value::Text(reading.scope.to_string()),
        Value::TextOption(reading.rights.map(|rights| rights.as_str().to_owned())),
        accounts(&reading.whole_accounts)?,
        accounts(&reading.hidden_accounts)?,
        Value::Number(reading.window.from.epoch_seconds()),
        Value::Number(reading.window.to.epoch_seconds()),
        Value::Number(reading.observed_at.epoch_seconds()),
    ])
}

/// The readings of a scope.
pub(crate) fn readings(
    tables: &impl LogTables,
    site: &SiteName,
    cluster: &ClusterName,
    scope: &Scope,
) -> Result<Vec<Coverage>> {
    let of_scope = [site.to_string(), cluster.to_string(), scope.to_string()].map(Value::Text);
    found(tables, "WHERE site = ? AND cluster = ? AND scope = ?", &of_scope)
}

/// All readings of a site.
pub(crate) fn coverage(tables: &impl LogTables, site: &SiteName) -> Result<Vec<Coverage>> {
    found(tables, "WHERE site = ?", &[Value::Text(site.to_string())])
}

/// All readings.
pub(super) fn all_coverage(tables: &impl LogTables) -> Result<Vec<Coverage>> {
    found(tables, "", &[])
}

/// Those whose entry is not behind this one.
pub(super) fn known(tables: &impl LogTables, last: i64) -> Result<Vec<Coverage>> {
    found(tables, "WHERE coalesce(entry, 0) <= ?", &[Value::Number(last)])
}

fn found(tables: &impl LogTables, condition: &str, values: &[Value]) -> Result<Vec<Coverage>> {
    let mut found = Vec::new();
    tables.each_row(&format!("SELECT {COVERAGE} FROM coverage {condition} {ORDER}"), values, |row| {
        found.push(read(row)?);
        Ok(())
    })?;
    Ok(found)
}

fn read(row: &impl StoredRow) -> Result<Coverage> {
    Ok(Coverage {
        site: row.text(0)?.parse().map_err(unreadable)?,
        cluster: row.text(1)?.parse().map_err(unreadable)?,
        scope: row.text(2)?.parse().map_err(unreadable)?,
        rights: row.parsed_option::<ReaderRights>(3)?,
        whole_accounts: serde_json::from_str(row.text(4)?).map_err(unreadable)?,
        hidden_accounts: serde_json::from_str(row.text(5)?).map_err(unreadable)?,
        window: Window { from: row.instant(6)?, to: row.instant(7)? },
        observed_at: row.instant(8)?,
    })
}

/// Whether the books have a run of an account that ended in the time of a reading and is not the reader's own.
pub(crate) fn has_run_of_others(
    tables: &impl LogTables,
    reading: &Coverage,
    reader: &UserName,
    account: Option<&AccountName>,
) -> Result<bool> {
    let place = tables.number_known(&format!("{}/{}", reading.site, reading.cluster))?;
    let Some(place) = place else { return Ok(false) };
    let user = tables.number_known(reader.as_str())?.unwrap_or_default();
    let (from, to) = (reading.window.from.epoch_seconds(), reading.window.to.epoch_seconds());
    let mut values = [place, user, from, to].map(Value::Number).to_vec();
    let of_account = match account {
        Some(name) => {
            let Some(number) = tables.number_known(name.as_str())? else { return Ok(false) };
            values.push(Value::Number(number));
            "account = ?"
        }
        None => "account IS NULL",
    };
    let select = format!(
        r#"SELECT 1 FROM runs WHERE place = ? AND "user" <> ? AND ended >= ? AND ended < ? AND {of_account} LIMIT 1"#
    );
    let mut is_there = false;
    tables.each_row(&select, &values, |_| {
        is_there = true;
        Ok(())
    })?;
    Ok(is_there)
}
