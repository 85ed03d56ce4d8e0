//! Rows as a store has read them, by the numbers of their columns.

use crate::records::Result;
use crate::{EntryKind, LedgerError, LedgerErrorKind};
use model::{Amount, Timestamp};
use std::fmt::Display;
use std::str::FromStr;

/// One row. Whatever does not read as what it should hold is an error and no guess.
pub(crate) trait StoredRow {
    fn number(&self, column: usize) -> Result<i64>;
    fn number_option(&self, column: usize) -> Result<Option<i64>>;
    /// The number of a name.
    fn name(&self, column: usize) -> Result<i64>;
    fn name_option(&self, column: usize) -> Result<Option<i64>>;
    fn text_option(&self, column: usize) -> Result<Option<&str>>;
    fn bytes_option(&self, column: usize) -> Result<Option<&[u8]>>;
    fn flag(&self, column: usize) -> Result<bool>;

    /// A number that is never negative.
    fn count(&self, column: usize) -> Result<u64> {
        self.number(column)?.try_into().map_err(unreadable)
    }

    fn amount(&self, column: usize) -> Result<Amount> {
        self.number(column).map(Amount::from_milli)
    }

    fn instant(&self, column: usize) -> Result<Timestamp> {
        self.number(column).map(Timestamp::from_epoch_seconds)
    }

    fn text(&self, column: usize) -> Result<&str> {
        self.text_option(column)?.ok_or_else(|| unreadable(format!("column {column} holds nothing")))
    }

    fn kind(&self, column: usize) -> Result<EntryKind> {
        let word = self.text(column)?;
        EntryKind::from_word(word).ok_or_else(|| unreadable(format!("`{word}` is not a kind of entry")))
    }

    /// A text that may be absent, by its type's own reading.
    fn parsed_option<T: FromStr<Err: Display>>(&self, column: usize) -> Result<Option<T>> {
        self.text_option(column)?.map(|text| text.parse().map_err(unreadable)).transpose()
    }

    /// So many bytes, or nothing.
    fn fixed_option<const LENGTH: usize>(&self, column: usize) -> Result<Option<[u8; LENGTH]>> {
        self.bytes_option(column)?.map(|bytes| bytes.try_into().map_err(unreadable)).transpose()
    }

    /// So many bytes.
    fn fixed<const LENGTH: usize>(&self, column: usize) -> Result<[u8; LENGTH]> {
        self.fixed_option(column)?.ok_or_else(|| unreadable(format!("column {column} holds nothing")))
    }
}

/// The error of a row that holds what no release writes.
pub(crate) fn unreadable(error: impl Display) -> LedgerError {
    LedgerError::never(LedgerErrorKind::Corrupt, "a row holds what no release writes").with_fact("row", &error)
}
