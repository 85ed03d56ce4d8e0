//! Decisions as they are stored, against what the entries say of them.

use super::decided_rows::{all, digest};
use super::entry_rows::signed;
use super::row::StoredRow as _;
use super::tables::{LogTables, Value};
use crate::evidence::{Commitment, written_into};
use crate::records::Result;
use crate::rules::StandingDecisions;
use crate::{DecidedKind, DecidedRecord};

/// Whether later rows of a table count before earlier ones.
const fn counts_by_number(kind: DecidedKind) -> bool {
    matches!(kind, DecidedKind::Enforcement | DecidedKind::Policy | DecidedKind::Zone)
}

/// What is wrong with decisions.
pub(super) fn findings<T: LogTables>(tables: &T, mut standing: StandingDecisions) -> Result<Vec<String>> {
    // A replica has entries alone.
    if tables.is_replica()? {
        return Ok(Vec::new());
    }
    for table in all() {
        let (mut last, mut with_words) = (None, Vec::new());
        table.each(tables, "", &[], |record| {
            let DecidedRecord { entry, kind, .. } = record;
            if counts_by_number(kind) && entry < last {
                standing.find(format!("the {kind} of entry {} lies behind a later one", entry.unwrap_or_default()));
            }
            last = entry.max(last);
            standing.meet(entry, kind, digest(tables, &record)?);
            with_words.extend(record.written.zip(entry));
            Ok(())
        })?;
        for (words, entry) in with_words {
            if !are_written(tables, &words, entry)? {
                standing
                    .find(format!("the words of the {} of entry {entry} are not those that were written", table.kind));
            }
        }
    }
    other_zones(tables, &mut standing)?;
    Ok(standing.finish())
}

/// Whether words are those that the entry's leaf has a commitment to; of somebody who was erased it cannot be looked at.
fn are_written<T: LogTables>(tables: &T, words: &[Option<String>], entry: u64) -> Result<bool> {
    let mut found = None;
    tables.each_row(
        "SELECT written, actor FROM entries WHERE number = ?",
        &[Value::Number(signed(entry)?)],
        |row| {
            found = Some((row.fixed_option(0)?.map(Commitment::from_bytes), row.number(1)?));
            Ok(())
        },
    )?;
    let Some((commitment, actor)) = found else { return Ok(true) };
    let Some(salt) = tables.persons().with_number(actor)?.salt else { return Ok(true) };
    Ok(commitment == written_into(words).map(|fields| Commitment::new(&salt.of_entry(entry), fields)))
}

/// The zones that count are those that were set last.
fn other_zones<T: LogTables>(tables: &T, standing: &mut StandingDecisions) -> Result<()> {
    let select = "SELECT site, zone FROM site_zones AS kept WHERE zone IS DISTINCT FROM
            (SELECT zone FROM zone_changes AS said WHERE said.site = kept.site ORDER BY number DESC LIMIT 1)
        UNION ALL SELECT site, zone FROM zone_changes WHERE site NOT IN (SELECT site FROM site_zones)
        ORDER BY site LIMIT 100";
    tables.each_row(select, &[], |row| {
        standing.find(format!("the zone of `{}` is not the one that was set last", row.text(0)?));
        Ok(())
    })
}
