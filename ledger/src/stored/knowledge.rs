//! A state of the books that once was: up to which entry, and what had been decided by then.

use super::row::StoredRow as _;
use super::tables::{LogTables, Value};
use crate::records::Result;
use crate::store::Store;
use crate::{Binding, BoundAndRead, KnownAt};
use model::Timestamp;
use std::collections::BTreeMap;

/// The decisions that were known, by the values of [`Knowledge::values`]: those whose own entry is not behind the last one that is
/// asked for. One of an earlier release was entered later than it was made, and counts from when it was made; so does one that
/// somebody put beside the log.
pub(super) const DECIDED: &str = "(entry <= ? OR (recorded_at <= ? AND (entry IS NULL
    OR recorded_at < (SELECT entries.recorded_at FROM entries WHERE entries.number = entry))))";

/// How far a state of the books goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knowledge {
    /// The number of its last entry.
    pub(super) last: i64,
    /// The last instant of recording.
    pub(super) until: i64,
}

impl Knowledge {
    pub(super) fn of(tables: &impl LogTables, known: Option<KnownAt>) -> Result<Self> {
        match known {
            None => Ok(Self { last: i64::MAX, until: i64::MAX }),
            Some(KnownAt::Instant(instant)) => {
                let mut last = 0;
                let select = "SELECT coalesce(max(last_entry), 0) FROM posts WHERE recorded_at <= ?";
                tables.each_row(select, &[Value::Number(instant.epoch_seconds())], |row| {
                    last = row.number(0)?;
                    Ok(())
                })?;
                Ok(Self { last, until: instant.epoch_seconds() })
            }
            Some(KnownAt::Entry(entry)) => {
                let (last, mut until) = (i64::try_from(entry).unwrap_or(i64::MAX), i64::MAX);
                // Behind the last entry the books are as now.
                let select = "SELECT recorded_at FROM entries WHERE number = ?
                    AND number < (SELECT max(last_entry) FROM posts)";
                tables.each_row(select, &[Value::Number(last)], |row| {
                    until = row.number(0)?;
                    Ok(())
                })?;
                Ok(Self { last, until })
            }
        }
    }

    /// What stands for the question marks of [`DECIDED`].
    pub(super) fn values(self) -> [Value; 2] {
        [self.last, self.until].map(Value::Number)
    }
}

/// What was bound and read. Of a reading that was put together with a later one nobody knows any more what it was before.
pub(crate) fn bound_and_read(tables: &(impl LogTables + Store), known: Option<KnownAt>) -> Result<BoundAndRead> {
    let knowledge = Knowledge::of(tables, known)?;
    Ok(BoundAndRead { bindings: bound(tables, knowledge)?, coverage: super::coverage::known(tables, knowledge.last)? })
}

/// The bindings that were known, in the order in which they were made, with the ends that they had by then.
pub(super) fn bound(tables: &(impl LogTables + Store), knowledge: Knowledge) -> Result<Vec<Binding>> {
    let mut ends = BTreeMap::<u64, Timestamp>::new();
    let select = format!("SELECT binding, min(to_at) FROM unbindings WHERE {DECIDED} GROUP BY binding");
    tables.each_row(&select, &knowledge.values(), |row| {
        ends.insert(row.count(0)?, row.instant(1)?);
        Ok(())
    })?;
    let mut known = BTreeMap::<u64, Option<Timestamp>>::new();
    tables.each_row(&format!("SELECT number, to_at FROM bindings WHERE {DECIDED}"), &knowledge.values(), |row| {
        let number = row.count(0)?;
        let said = row.number_option(1)?.map(Timestamp::from_epoch_seconds);
        known.insert(number, said.into_iter().chain(ends.remove(&number)).min());
        Ok(())
    })?;
    let records = tables.bindings()?.into_iter();
    Ok(records.filter_map(|record| known.remove(&record.number).map(|to| Binding { to, ..record.terms })).collect())
}
