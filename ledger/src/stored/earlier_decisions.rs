//! Decisions of an earlier release, which have no entries: they are entered in one order, whatever keeps them, so that
//! both stores give the same leaves.

use super::decided_rows::{DecidedTable, all, decided};
use super::entry_rows::signed;
use super::row::{StoredRow as _, unreadable};
use super::tables::{LogTables, Value};
use crate::evidence::person_in;
use crate::procedures::Posting;
use crate::records::{Records as _, Result};
use crate::store::Store;
use crate::workbench::Workbench;
use crate::{DecidedKind, DecidedRecord};
use model::{Principal, Timestamp};

/// Who made a ledger, and when it was written last.
type Written = (Principal, Timestamp);

/// Enters every decision that has no entry, table by table and row by row; `place` is what the store calls the place of a row. Who
/// stands for the post, and when it is recorded: with the last one. None where there is nothing to enter.
pub(crate) fn enter_earlier<T: LogTables + Store>(tables: &T, place: &str) -> Result<Option<Written>> {
    let Some((maker, at)) = written(tables)? else { return Ok(None) };
    let workbench = Workbench::new(tables, &[])?;
    let first = workbench.next_number()?;
    for table in all() {
        let next = workbench.next_number()?;
        number_rows(tables, table, place, next)?;
        let mut entries = Vec::new();
        table.each(tables, "WHERE entry >= ?", &[Value::Number(signed(next)?)], |record| {
            let by = decided_by(&record).unwrap_or_else(|| maker.clone());
            entries.extend(record.entry.map(|entry| (entry, by)));
            Ok(())
        })?;
        entries.sort_unstable_by_key(|(entry, _)| *entry);
        for (entry, by) in entries {
            Posting::new(&workbench, &by, at, at).enter(decided(tables, table.kind, entry)?, Vec::new())?;
        }
    }
    let is_changed = workbench.next_number()? > first;
    workbench.clear()?;
    Ok(is_changed.then_some((maker, at)))
}

/// Numbers the rows of a table that have no entry, in their order.
fn number_rows(tables: &impl LogTables, table: &DecidedTable, place: &str, next: u64) -> Result<()> {
    let DecidedTable { kind, name, order, .. } = table;
    // Where a key is all of a row's place there is no other.
    let place = if *kind == DecidedKind::Bundle { "chain" } else { place };
    let update = format!(
        "UPDATE {name} SET entry = numbered.entry FROM
            (SELECT {place} AS place, CAST(? AS BIGINT) + row_number() OVER (ORDER BY {order}) - 1 AS entry
             FROM {name} WHERE entry IS NULL) AS numbered
         WHERE {name}.{place} = numbered.place"
    );
    tables.change(&update, &[Value::Number(signed(next)?)]).map(drop)
}

/// Who decided, by what the row says.
fn decided_by(record: &DecidedRecord) -> Option<Principal> {
    let content = &record.content;
    person_in(content.get("by").or_else(|| content.get("scope")?.get("whose"))?)
}

/// Who posted first, and when the last post was recorded.
fn written(tables: &impl LogTables) -> Result<Option<Written>> {
    let mut found = None;
    let select = "SELECT actor_user, actor_site, (SELECT max(recorded_at) FROM posts) FROM posts
        ORDER BY number LIMIT 1";
    tables.each_row(select, &[], |row| {
        let user = row.text(0)?.parse().map_err(unreadable)?;
        found = Some((Principal { user, site: row.parsed_option(1)? }, row.instant(2)?));
        Ok(())
    })?;
    Ok(found)
}
