//! What the runs that openings have come to.

use super::row::StoredRow as _;
use super::tables::{LogTables, Names as _};
use crate::CoveredSum;
use crate::records::Result;
use model::Window;

/// By project and unit.
pub(crate) fn covered_sums(tables: &impl LogTables) -> Result<Vec<CoveredSum>> {
    let select = "SELECT project, unit, count(*), CAST(sum(covered) AS bigint), min(started), max(effective_at)
        FROM runs WHERE covered IS NOT NULL GROUP BY project, unit";
    let mut sums = Vec::new();
    tables.each_row(select, &[], |row| {
        sums.push(CoveredSum {
            project: tables.names().parsed_of(row.name(0)?)?,
            unit: tables.names().parsed_of(row.name(1)?)?,
            runs: row.count(2)?,
            amount: row.amount(3)?,
            window: Window { from: row.instant(4)?, to: row.instant(5)? },
        });
        Ok(())
    })?;
    sums.sort_by(|one: &CoveredSum, other| (&one.project, &one.unit).cmp(&(&other.project, &other.unit)));
    Ok(sums)
}
