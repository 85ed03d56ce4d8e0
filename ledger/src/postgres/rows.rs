//! Rows to nouns and back.

use crate::records::Result;
use crate::{Binding, BindingRecord, CloseReason, Closing, EntryKind, Hold, HoldId, LedgerError, LedgerErrorKind};
use model::{Amount, Principal, SiteName, Timestamp, UserName, Window};
use postgres::Row;
use postgres::types::FromSql;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::str::FromStr;

/// The columns of a hold, in the order of [`hold`].
pub(super) const HOLD: &str = "id, project, unit, first_ceiling, ceiling, charged, note, anyway, is_provisional, \
     opened_at, opened_by_user, opened_by_site, closed_because, closed_at, expected_from, expected_to";
/// The columns of a binding, in the order of [`binding`].
pub(super) const BINDING: &str = r#"site, account, partition, "user", unit, project, from_at,
    least(coalesce(to_at, 9223372036854775807),
        coalesce((SELECT min(ended.to_at) FROM unbindings ended WHERE ended.binding = bindings.number), 9223372036854775807)),
    number, recorded_at, actor_user, actor_site, work_directory, name, entry"#;

pub(super) use crate::stored::unreadable;

/// Reads a column as it is.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(unreadable)
}

/// Reads a column by its type's own reading of text.
pub(super) fn parsed<T>(row: &Row, column: usize) -> Result<T>
where
    T: FromStr,
    T::Err: Display,
{
    get::<&str>(row, column)?.parse().map_err(unreadable)
}

/// Reads a column that may be absent.
pub(super) fn parsed_option<T>(row: &Row, column: usize) -> Result<Option<T>>
where
    T: FromStr,
    T::Err: Display,
{
    get::<Option<&str>>(row, column)?.map(|text| text.parse().map_err(unreadable)).transpose()
}

pub(super) fn amount(row: &Row, column: usize) -> Result<Amount> {
    get(row, column).map(Amount::from_milli)
}

pub(super) fn instant(row: &Row, column: usize) -> Result<Timestamp> {
    get(row, column).map(Timestamp::from_epoch_seconds)
}

/// Reads a number that is never negative, and no greater than its type.
pub(super) fn count<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T> {
    let number: i64 = get(row, column)?;
    T::try_from(number).map_err(|_| unreadable(format!("column {column} holds {number}")))
}

/// The same where it may be absent.
pub(super) fn count_option<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<Option<T>> {
    let number: Option<i64> = get(row, column)?;
    number.map(|_| count(row, column)).transpose()
}

/// Reads JSON.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

/// Writes JSON.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    let bug = |error| LedgerError::never(LedgerErrorKind::Bug, "a value cannot be written").with_fact("json", &error);
    serde_json::to_string(value).map_err(bug)
}

/// A number that is never negative, as PostgreSQL has them.
pub(super) fn number(value: u64) -> Result<i64> {
    let bug = |_| LedgerError::never(LedgerErrorKind::Bug, format!("{value} does not fit in a column"));
    i64::try_from(value).map_err(bug)
}

pub(super) fn kind(row: &Row, column: usize) -> Result<EntryKind> {
    let word: &str = get(row, column)?;
    EntryKind::from_word(word).ok_or_else(|| unreadable(format!("`{word}` is not a kind of entry")))
}

fn principal(row: &Row, user: usize, site: usize) -> Result<Principal> {
    Ok(Principal { user: parsed::<UserName>(row, user)?, site: parsed_option::<SiteName>(row, site)? })
}

/// Reads the columns of [`HOLD`].
pub(super) fn hold(row: &Row) -> Result<Hold> {
    let closing = match (get::<Option<&str>>(row, 12)?, get::<Option<i64>>(row, 13)?) {
        (Some(reason), Some(at)) => {
            Some(Closing { reason: from_json::<CloseReason>(reason)?, at: Timestamp::from_epoch_seconds(at) })
        }
        (None, None) => None,
        _ => return Err(unreadable("a hold is closed by half")),
    };
    let expected = match (get::<Option<i64>>(row, 14)?, get::<Option<i64>>(row, 15)?) {
        (Some(from), Some(to)) => {
            Some(Window { from: Timestamp::from_epoch_seconds(from), to: Timestamp::from_epoch_seconds(to) })
        }
        _ => None,
    };
    Ok(Hold {
        id: HoldId(parsed(row, 0)?),
        project: parsed(row, 1)?,
        unit: parsed(row, 2)?,
        first_ceiling: amount(row, 3)?,
        ceiling: amount(row, 4)?,
        charged: amount(row, 5)?,
        note: get(row, 6)?,
        anyway: get(row, 7)?,
        is_provisional: get(row, 8)?,
        expected,
        opened_at: instant(row, 9)?,
        opened_by: principal(row, 10, 11)?,
        closing,
    })
}

/// Reads the columns of [`BINDING`].
pub(super) fn binding(row: &Row) -> Result<BindingRecord> {
    let to: i64 = get(row, 7)?;
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
    let recorded_by = principal(row, 10, 11)?;
    let entry = count_option(row, 14)?;
    Ok(BindingRecord { number: count(row, 8)?, entry, recorded_at: instant(row, 9)?, recorded_by, terms })
}
