//! The table of bundles that were taken in.

use super::rows::{count, number, parsed};
use super::session::Session;
use crate::BundleMark;
use crate::records::Result;
use model::{Principal, SiteName, Timestamp};
use postgres::Row;

/// Adds a bundle, or says how far it was taken in by now.
pub(super) fn put(session: &Session, mark: &BundleMark, actor: &Principal, now: Timestamp) -> Result<()> {
    let insert = r#"INSERT INTO bundles (chain, site, "user", key, trust, number, last, recorded_at, actor_user, actor_site)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (chain) DO UPDATE SET trust = excluded.trust, number = excluded.number, last = excluded.last"#;
    let BundleMark { chain, site, user, key, trust, number: batch, last } = mark;
    session.execute(
        insert,
        &[
            &chain.to_string(),
            &site.as_str(),
            &user.as_str(),
            &key.to_string(),
            &trust.as_str(),
            &number(*batch)?,
            &last.to_string(),
            &now.epoch_seconds(),
            &actor.user.as_str(),
            &actor.site.as_ref().map(SiteName::as_str),
        ],
    )?;
    Ok(())
}

/// All bundles, in the order of whose they are.
pub(super) fn bundles(session: &Session) -> Result<Vec<BundleMark>> {
    let select = r#"SELECT chain, site, "user", key, trust, number, last FROM bundles ORDER BY site, "user", chain"#;
    session.rows(select, &[])?.iter().map(mark).collect()
}

fn mark(row: &Row) -> Result<BundleMark> {
    Ok(BundleMark {
        chain: parsed(row, 0)?,
        site: parsed(row, 1)?,
        user: parsed(row, 2)?,
        key: parsed(row, 3)?,
        trust: parsed(row, 4)?,
        number: count(row, 5)?,
        last: parsed(row, 6)?,
    })
}
