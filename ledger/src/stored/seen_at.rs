//! When a job was last seen in a queue.

use super::row::StoredRow;
use super::tables::{LogTables, Value};
use crate::records::Result;
use model::{JobId, Timestamp};

/// When a job was last seen waiting or running by anybody, of what was seen until then. What has ended since counts, too.
pub(crate) fn seen_at(tables: &impl LogTables, job: JobId, until: Timestamp) -> Result<Option<Timestamp>> {
    let select = "SELECT observations.as_of FROM observed_jobs JOIN observations
        ON observations.site = observed_jobs.site AND observations.cluster = observed_jobs.cluster
        AND observations.scope = observed_jobs.scope
        WHERE observed_jobs.job = ? AND observations.as_of <= ? ORDER BY 1 DESC LIMIT 1";
    let values = [Value::Text(job.to_string()), Value::Number(until.epoch_seconds())];
    let mut seen = None;
    tables.each_row(select, &values, |row| {
        seen = Some(row.instant(0)?);
        Ok(())
    })?;
    Ok(seen)
}
