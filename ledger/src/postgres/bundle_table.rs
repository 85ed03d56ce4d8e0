//! The table of bundles that were taken in.

use super::rows::{count, number, parsed};
use super::session::Session;
use super::tables::by;
use crate::BundleMark;
use crate::records::{Deed, Result};
use postgres::Row;

/// Adds a bundle, or says how far it was taken in by now; the entry that said so before.
pub(super) fn put(session: &Session, mark: &BundleMark, deed: &Deed<'_>) -> Result<Option<u64>> {
    let BundleMark { chain, site, user, key, trust, number: batch, last } = mark;
    let before = session.row("SELECT entry FROM bundles WHERE chain = $1", &[&chain.to_string()])?;
    let before = before.map(|row| count(&row, 0)).transpose()?;
    let insert = r#"INSERT INTO bundles
        (chain, site, "user", key, trust, number, last, recorded_at, actor_user, actor_site, entry)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (chain) DO UPDATE SET trust = excluded.trust, number = excluded.number, last = excluded.last,
        entry = excluded.entry"#;
    let (by, by_site, now) = by(deed);
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
            &now,
            &by,
            &by_site,
            &number(deed.entry)?,
        ],
    )?;
    Ok(before)
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
