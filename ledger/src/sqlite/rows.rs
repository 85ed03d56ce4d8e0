//! Rows to nouns and back.

use crate::{
    Binding, BindingRecord, CloseReason, Closing, Entry, EntryKind, Grant, Hold, HoldId, Links, NewGrant, Particulars,
};
use model::{Amount, Principal, RunKey, SchedulerJobId, SiteName, TariffId, Timestamp, UserName, Window};
use rusqlite::types::{Type, Value};
use rusqlite::{Error, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error as StdError;
use std::str::FromStr;

type Read<T> = rusqlite::Result<T>;

/// The columns of an entry, in the order of [`entry`].
pub(super) const ENTRY: &str = "number, kind, unit, amount, debit, credit, project, effective_at, recorded_at, \
     actor_user, actor_site, key, hold, run, grant_key, reverses, note, tariff, particulars";
/// The columns of a hold, in the order of [`hold`].
pub(super) const HOLD: &str = "id, project, unit, first_ceiling, ceiling, charged, note, anyway, is_provisional, \
     opened_at, opened_by_user, opened_by_site, closed_because, closed_at";
/// The columns of a binding, in the order of [`binding`].
pub(super) const BINDING: &str = "site, account, partition, user, unit, project, from_at,
    min(coalesce(to_at, 9223372036854775807),
        coalesce((SELECT min(ended.to_at) FROM unbindings ended WHERE ended.binding = bindings.number), 9223372036854775807)),
    number, recorded_at, actor_user, actor_site";

/// The error of a column that holds what no release writes.
pub(super) fn unreadable(column: usize, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

/// Reads a column by its type's own reading of text.
pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> Read<T>
where
    T: FromStr,
    T::Err: StdError + Send + Sync + 'static,
{
    row.get_ref(column)?
        .as_str()
        .map_err(|error| unreadable(column, error))?
        .parse()
        .map_err(|error: T::Err| unreadable(column, error))
}

/// Reads a column that may be absent.
pub(super) fn parsed_option<T>(row: &Row<'_>, column: usize) -> Read<Option<T>>
where
    T: FromStr,
    T::Err: StdError + Send + Sync + 'static,
{
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|error: T::Err| unreadable(column, error))).transpose()
}

pub(super) fn amount(row: &Row<'_>, column: usize) -> Read<Amount> {
    row.get(column).map(Amount::from_milli)
}

pub(super) fn instant(row: &Row<'_>, column: usize) -> Read<Timestamp> {
    row.get(column).map(Timestamp::from_epoch_seconds)
}

/// Reads a number that is never negative.
pub(super) fn count(row: &Row<'_>, column: usize) -> Read<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

/// Reads a column that holds JSON.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Read<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(column, error))
}

/// Writes JSON.
pub(super) fn to_json<T: Serialize>(value: &T) -> Read<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// A number that is never negative, as SQLite has them.
pub(super) fn number(value: u64) -> Read<i64> {
    i64::try_from(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> Read<EntryKind> {
    let word: String = row.get(column)?;
    EntryKind::from_word(&word).ok_or_else(|| unreadable(column, format!("`{word}` is not a kind of entry")))
}

pub(super) fn hold_id(row: &Row<'_>, column: usize) -> Read<HoldId> {
    parsed(row, column).map(HoldId)
}

fn principal(row: &Row<'_>, user: usize, site: usize) -> Read<Principal> {
    Ok(Principal { user: parsed::<UserName>(row, user)?, site: parsed_option::<SiteName>(row, site)? })
}

/// Reads `site/cluster/job@submitted`, the text of a run key. A cluster's name may hold any of the separators.
pub(super) fn run_key(row: &Row<'_>, column: usize) -> Read<Option<RunKey>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    let read = || {
        let (site, rest) = text.split_once('/')?;
        let (rest, submitted) = rest.rsplit_once('@')?;
        let (cluster, job) = rest.rsplit_once('/')?;
        Some(RunKey {
            site: site.parse().ok()?,
            cluster: cluster.parse().ok()?,
            scheduler_job: job.parse::<SchedulerJobId>().ok()?,
            submitted_at: Timestamp::from_epoch_seconds(submitted.parse().ok()?),
        })
    };
    read().map(Some).ok_or_else(|| unreadable(column, format!("`{text}` is not the key of a run")))
}

/// Reads the columns of [`ENTRY`].
pub(super) fn entry(row: &Row<'_>) -> Read<Entry> {
    let reverses: Option<i64> = row.get(15)?;
    Ok(Entry {
        number: count(row, 0)?,
        kind: kind(row, 1)?,
        unit: parsed(row, 2)?,
        amount: amount(row, 3)?,
        debit: parsed(row, 4)?,
        credit: parsed(row, 5)?,
        project: parsed(row, 6)?,
        effective_at: instant(row, 7)?,
        recorded_at: instant(row, 8)?,
        actor: principal(row, 9, 10)?,
        key: row.get(11)?,
        links: Links {
            hold: parsed_option(row, 12)?.map(HoldId),
            run: run_key(row, 13)?,
            grant: row.get(14)?,
            reverses: reverses.map(|found| u64::try_from(found).map_err(|error| unreadable(15, error))).transpose()?,
        },
        note: row.get(16)?,
        tariff: row.get::<_, Option<String>>(17)?.map(TariffId),
        particulars: from_json(row, 18)?,
    })
}

/// The values of [`ENTRY`].
pub(super) fn entry_values(entry: &Entry) -> Read<Vec<Value>> {
    let text = |text: &dyn std::fmt::Display| Value::Text(text.to_string());
    let optional = |part: Option<String>| part.map_or(Value::Null, Value::Text);
    let Entry { links, actor, .. } = entry;
    Ok(vec![
        Value::Integer(number(entry.number)?),
        text(&entry.kind),
        text(&entry.unit),
        Value::Integer(entry.amount.milli()),
        text(&entry.debit),
        text(&entry.credit),
        text(&entry.project),
        Value::Integer(entry.effective_at.epoch_seconds()),
        Value::Integer(entry.recorded_at.epoch_seconds()),
        text(&actor.user),
        optional(actor.site.as_ref().map(ToString::to_string)),
        text(&entry.key),
        optional(links.hold.map(|hold| hold.to_string())),
        optional(links.run.as_ref().map(ToString::to_string)),
        optional(links.grant.clone()),
        links.reverses.map(number).transpose()?.map_or(Value::Null, Value::Integer),
        text(&entry.note),
        optional(entry.tariff.as_ref().map(ToString::to_string)),
        Value::Text(to_json(&entry.particulars)?),
    ])
}

/// The grant of an entry's row; none where the entry lacks what a grant has.
pub(super) fn grant(entry: Entry) -> Option<Grant> {
    let (crate::Account::Programme(programme), Particulars::Lot { ends_at }) = (entry.debit, entry.particulars) else {
        return None;
    };
    let window = Window { from: entry.effective_at, to: ends_at };
    let Entry { project, unit, amount, note, .. } = entry;
    let terms = NewGrant { key: entry.links.grant?, project, programme, unit, amount, window, reference: note };
    Some(Grant { entry: entry.number, recorded_at: entry.recorded_at, terms })
}

/// Reads the columns of [`HOLD`].
pub(super) fn hold(row: &Row<'_>) -> Read<Hold> {
    let closing = match (row.get::<_, Option<String>>(12)?, row.get::<_, Option<i64>>(13)?) {
        (Some(_), Some(at)) => {
            Some(Closing { reason: from_json::<CloseReason>(row, 12)?, at: Timestamp::from_epoch_seconds(at) })
        }
        (None, None) => None,
        _ => return Err(unreadable(12, "a hold is closed by half")),
    };
    Ok(Hold {
        id: hold_id(row, 0)?,
        project: parsed(row, 1)?,
        unit: parsed(row, 2)?,
        first_ceiling: amount(row, 3)?,
        ceiling: amount(row, 4)?,
        charged: amount(row, 5)?,
        note: row.get(6)?,
        anyway: row.get(7)?,
        is_provisional: row.get(8)?,
        opened_at: instant(row, 9)?,
        opened_by: principal(row, 10, 11)?,
        closing,
    })
}

/// Reads the columns of [`BINDING`].
pub(super) fn binding(row: &Row<'_>) -> Read<BindingRecord> {
    let to: i64 = row.get(7)?;
    let terms = Binding {
        site: parsed(row, 0)?,
        account: parsed_option(row, 1)?,
        partition: parsed_option(row, 2)?,
        user: parsed_option(row, 3)?,
        unit: parsed(row, 4)?,
        project: parsed(row, 5)?,
        from: instant(row, 6)?,
        to: (to != i64::MAX).then(|| Timestamp::from_epoch_seconds(to)),
    };
    let recorded_by = Principal { user: parsed(row, 10)?, site: parsed_option(row, 11)? };
    Ok(BindingRecord { number: count(row, 8)?, recorded_at: instant(row, 9)?, recorded_by, terms })
}
