//! The table of imports.

use super::rows::{count, count_option, from_json, get, instant, number, to_json};
use super::session::Session;
use super::tables::by;
use crate::records::{Deed, Result};
use crate::{ImportBatch, ImportRecord};

/// Adds the header of a batch; its number.
pub(super) fn add(session: &Session, batch: &ImportBatch, deed: &Deed<'_>) -> Result<u64> {
    let insert = "INSERT INTO imports (number, recorded_at, actor_user, actor_site, digest, header, entry)
        SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6 FROM imports RETURNING number";
    let (user, site, now) = by(deed);
    let (header, entry) = (to_json(batch)?, number(deed.entry)?);
    count(&session.changed_one(insert, &[&now, &user, &site, &batch.digest, &header, &entry])?, 0)
}

/// All of them, by number.
pub(super) fn all(session: &Session) -> Result<Vec<ImportRecord>> {
    let rows = session.rows("SELECT number, recorded_at, header, entry FROM imports ORDER BY number", &[])?;
    let record = |row| {
        let (number, entry) = (count(row, 0)?, count_option(row, 3)?);
        Ok(ImportRecord { number, entry, recorded_at: instant(row, 1)?, batch: from_json(get(row, 2)?)? })
    };
    rows.iter().map(record).collect()
}
