//! What the runs that openings have come to.

use super::balances::totals;
use super::row::StoredRow as _;
use super::tables::{LogTables, Names as _};
use crate::records::Result;
use crate::{CoveredSum, EntryKind};
use model::{Amount, Window};

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
            opened: Amount::ZERO,
            window: Window { from: row.instant(4)?, to: row.instant(5)? },
        });
        Ok(())
    })?;
    if !sums.is_empty() {
        let opened = totals(tables, None)?.into_iter().filter(|total| total.kind == EntryKind::Opening);
        for total in opened {
            let is_its = |sum: &&mut CoveredSum| sum.project == total.project && sum.unit == total.unit;
            if let Some(sum) = sums.iter_mut().find(is_its) {
                sum.opened = Amount::ZERO.minus(total.amount)?;
            }
        }
    }
    sums.sort_by(|one: &CoveredSum, other| (&one.project, &one.unit).cmp(&(&other.project, &other.unit)));
    Ok(sums)
}
