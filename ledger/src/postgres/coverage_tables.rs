//! The table of coverage: for each scope of a cluster the stretches that were read, none touching the next.

use super::rows::{from_json, get, instant, parsed, to_json};
use super::session::{Session, Values};
use crate::Coverage;
use crate::records::Result;
use model::{SiteName, Window};
use postgres::Row;

const COVERAGE: &str = "site, cluster, scope, whole_accounts, from_at, to_at, observed_at";

/// Adds a reading, put together with the stretches of its scope that it touches.
pub(super) fn put_coverage(session: &Session, reading: &Coverage) -> Result<()> {
    let (site, cluster, scope) = (reading.site.as_str(), reading.cluster.as_str(), reading.scope.to_string());
    let (from, to) = (reading.window.from.epoch_seconds(), reading.window.to.epoch_seconds());
    let values: Values<'_> = &[&site, &cluster, &scope, &from, &to];
    let touching = "site = $1 AND cluster = $2 AND scope = $3 AND from_at <= $5 AND to_at >= $4";
    let known = session.rows(&format!("DELETE FROM coverage WHERE {touching} RETURNING {COVERAGE}"), values)?;
    let known = known.iter().map(coverage_row).collect::<Result<Vec<_>>>()?;
    let joined = reading.joined_with(&known);
    let accounts = to_json(&joined.whole_accounts)?;
    let insert = format!("INSERT INTO coverage ({COVERAGE}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    let (from, to) = (joined.window.from.epoch_seconds(), joined.window.to.epoch_seconds());
    let observed_at = joined.observed_at.epoch_seconds();
    session.execute(&insert, &[&site, &cluster, &scope, &accounts, &from, &to, &observed_at]).map(drop)
}

/// All readings of a site.
pub(super) fn coverage(session: &Session, site: &SiteName) -> Result<Vec<Coverage>> {
    let select = format!("SELECT {COVERAGE} FROM coverage WHERE site = $1 ORDER BY cluster, scope, from_at");
    session.rows(&select, &[&site.as_str()])?.iter().map(coverage_row).collect()
}

/// All readings.
pub(super) fn all_coverage(session: &Session) -> Result<Vec<Coverage>> {
    let select = format!("SELECT {COVERAGE} FROM coverage ORDER BY site, cluster, scope, from_at");
    session.rows(&select, &[])?.iter().map(coverage_row).collect()
}

fn coverage_row(row: &Row) -> Result<Coverage> {
    Ok(Coverage {
        site: parsed(row, 0)?,
        cluster: parsed(row, 1)?,
        scope: parsed(row, 2)?,
        whole_accounts: from_json(get(row, 3)?)?,
        window: Window { from: instant(row, 4)?, to: instant(row, 5)? },
        observed_at: instant(row, 6)?,
    })
}
