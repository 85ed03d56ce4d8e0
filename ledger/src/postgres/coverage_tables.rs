//! The table of coverage: for each scope of a cluster the stretches that were read.

use super::names::place_of;
use super::rows::{from_json, get, instant, parsed, parsed_option, to_json};
use super::session::{Session, Values};
use crate::records::Result;
use crate::{Coverage, Scope};
use model::{AccountName, ClusterName, SiteName, UserName, Window};
use postgres::Row;

const COVERAGE: &str = "site, cluster, scope, rights, whole_accounts, hidden_accounts, from_at, to_at, observed_at";

/// Adds a reading, put together with those of its scope that say the same.
pub(super) fn put_coverage(session: &Session, reading: &Coverage) -> Result<()> {
    let (joined, replaced) = reading.among(&readings(session, &reading.site, &reading.cluster, &reading.scope)?);
    for other in replaced {
        let delete = "DELETE FROM coverage WHERE site = $1 AND cluster = $2 AND scope = $3
            AND rights IS NOT DISTINCT FROM $4 AND whole_accounts = $5 AND hidden_accounts = $6
            AND from_at = $7 AND to_at = $8 AND observed_at = $9";
        write(session, delete, &other)?;
    }
    write(session, &format!("INSERT INTO coverage ({COVERAGE}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"), &joined)
}

fn write(session: &Session, statement: &str, reading: &Coverage) -> Result<()> {
    let (site, cluster, scope) = (reading.site.as_str(), reading.cluster.as_str(), reading.scope.to_string());
    let rights = reading.rights.map(crate::ReaderRights::as_str);
    let (whole, hidden) = (to_json(&reading.whole_accounts)?, to_json(&reading.hidden_accounts)?);
    let (from, to) = (reading.window.from.epoch_seconds(), reading.window.to.epoch_seconds());
    let observed_at = reading.observed_at.epoch_seconds();
    let values: Values<'_> = &[&site, &cluster, &scope, &rights, &whole, &hidden, &from, &to, &observed_at];
    session.execute(statement, values).map(drop)
}

/// The readings of a scope.
pub(super) fn readings(
    session: &Session,
    site: &SiteName,
    cluster: &ClusterName,
    scope: &Scope,
) -> Result<Vec<Coverage>> {
    let select = format!("SELECT {COVERAGE} FROM coverage WHERE site = $1 AND cluster = $2 AND scope = $3 {ORDER}");
    let values: Values<'_> = &[&site.as_str(), &cluster.as_str(), &scope.to_string()];
    session.rows(&select, values)?.iter().map(coverage_row).collect()
}

/// Whether the books have a run of an account that ended in the time of a reading and is not the reader's own.
pub(super) fn has_run_of_others(
    session: &Session,
    reading: &Coverage,
    reader: &UserName,
    account: Option<&AccountName>,
) -> Result<bool> {
    let Some(place) = session.find(&place_of(&reading.site, &reading.cluster))? else { return Ok(false) };
    let user = session.find(reader.as_str())?.unwrap_or_default();
    let account = match account {
        Some(name) => match session.find(name.as_str())? {
            Some(number) => Some(number),
            None => return Ok(false),
        },
        None => None,
    };
    let select = r#"SELECT EXISTS (SELECT 1 FROM runs WHERE place = $1 AND account IS NOT DISTINCT FROM $2
        AND "user" <> $3 AND ended >= $4 AND ended < $5)"#;
    let (from, to) = (reading.window.from.epoch_seconds(), reading.window.to.epoch_seconds());
    let rows = session.rows(select, &[&place, &account, &user, &from, &to])?;
    rows.first().map_or(Ok(false), |row| get(row, 0))
}

/// The order in which readings are told.
const ORDER: &str = "ORDER BY site, cluster, scope, from_at, to_at, observed_at";

/// All readings of a site.
pub(super) fn coverage(session: &Session, site: &SiteName) -> Result<Vec<Coverage>> {
    let select = format!("SELECT {COVERAGE} FROM coverage WHERE site = $1 {ORDER}");
    session.rows(&select, &[&site.as_str()])?.iter().map(coverage_row).collect()
}

/// All readings.
pub(super) fn all_coverage(session: &Session) -> Result<Vec<Coverage>> {
    let select = format!("SELECT {COVERAGE} FROM coverage {ORDER}");
    session.rows(&select, &[])?.iter().map(coverage_row).collect()
}

fn coverage_row(row: &Row) -> Result<Coverage> {
    Ok(Coverage {
        site: parsed(row, 0)?,
        cluster: parsed(row, 1)?,
        scope: parsed(row, 2)?,
        rights: parsed_option(row, 3)?,
        whole_accounts: from_json(get(row, 4)?)?,
        hidden_accounts: from_json(get(row, 5)?)?,
        window: Window { from: instant(row, 6)?, to: instant(row, 7)? },
        observed_at: instant(row, 8)?,
    })
}
