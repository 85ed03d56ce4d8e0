//! Rows to nouns and back.

use crate::{Binding, BindingRecord, CloseReason, Closing, EntryKind, Hold, HoldId};
use model::{Amount, Principal, SiteName, Timestamp, UserName, Window};
use rusqlite::types::Type;
use rusqlite::{Error, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error as StdError;
use std::str::FromStr;

type Read<T> = rusqlite::Result<T>;

/// The columns of a hold, in the order of [`hold`].
pub(super) const HOLD: &str = "id, project, unit, first_ceiling, ceiling, charged, note, anyway, is_provisional, \
     opened_at, opened_by_user, opened_by_site, closed_because, closed_at, expected_from, expected_to";
/// The columns of a binding, in the order of [`binding`].
pub(super) const BINDING: &str = "site, account, partition, user, unit, project, from_at,
    min(coalesce(to_at, 9223372036854775807),
        coalesce((SELECT min(ended.to_at) FROM unbindings ended WHERE ended.binding = bindings.number), 9223372036854775807)),
    number, recorded_at, actor_user, actor_site, work_directory, name, entry";

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

/// The same where it may be absent.
pub(super) fn count_option(row: &Row<'_>, column: usize) -> Read<Option<u64>> {
    row.get::<_, Option<i64>>(column)?.map(|_| count(row, column)).transpose()
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

/// Reads the columns of [`HOLD`].
pub(super) fn hold(row: &Row<'_>) -> Read<Hold> {
    let closing = match (row.get::<_, Option<String>>(12)?, row.get::<_, Option<i64>>(13)?) {
        (Some(_), Some(at)) => {
            Some(Closing { reason: from_json::<CloseReason>(row, 12)?, at: Timestamp::from_epoch_seconds(at) })
        }
        (None, None) => None,
        _ => return Err(unreadable(12, "a hold is closed by half")),
    };
    let expected = match (row.get::<_, Option<i64>>(14)?, row.get::<_, Option<i64>>(15)?) {
        (Some(from), Some(to)) => {
            Some(Window { from: Timestamp::from_epoch_seconds(from), to: Timestamp::from_epoch_seconds(to) })
        }
        _ => None,
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
        expected,
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
        work_directory: parsed_option(row, 12)?,
        name: parsed_option(row, 13)?,
        unit: parsed(row, 4)?,
        project: parsed(row, 5)?,
        from: instant(row, 6)?,
        to: (to != i64::MAX).then(|| Timestamp::from_epoch_seconds(to)),
    };
    let recorded_by = Principal { user: parsed(row, 10)?, site: parsed_option(row, 11)? };
    let entry = count_option(row, 14)?;
    Ok(BindingRecord { number: count(row, 8)?, entry, recorded_at: instant(row, 9)?, recorded_by, terms })
}
