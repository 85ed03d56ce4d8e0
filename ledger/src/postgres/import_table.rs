//! The table of imports.

use super::rows::{count, from_json, get, instant, to_json};
use super::session::Session;
use crate::records::Result;
use crate::{ImportBatch, ImportRecord};
use model::{Principal, SiteName, Timestamp};

/// Adds the header of a batch; its number.
pub(super) fn add(session: &Session, batch: &ImportBatch, actor: &Principal, now: Timestamp) -> Result<u64> {
    let insert = "INSERT INTO imports (number, recorded_at, actor_user, actor_site, digest, header)
        SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5 FROM imports RETURNING number";
    let (user, site) = (actor.user.as_str(), actor.site.as_ref().map(SiteName::as_str));
    let header = to_json(batch)?;
    let number = session.changed_one(insert, &[&now.epoch_seconds(), &user, &site, &batch.digest, &header])?;
    count(&number, 0)
}

/// All of them, by number.
pub(super) fn all(session: &Session) -> Result<Vec<ImportRecord>> {
    let rows = session.rows("SELECT number, recorded_at, header FROM imports ORDER BY number", &[])?;
    let record = |row| {
        Ok(ImportRecord { number: count(row, 0)?, recorded_at: instant(row, 1)?, batch: from_json(get(row, 2)?)? })
    };
    rows.iter().map(record).collect()
}
