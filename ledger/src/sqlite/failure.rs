//! SQLite's errors in the ledger's words.

use crate::{LedgerError, LedgerErrorKind, Retry};
use rusqlite::{Error, ErrorCode};

impl From<Error> for LedgerError {
    /// Result codes as SQLite's own header describes them (sqlite3.h, 3.54.1).
    fn from(error: Error) -> Self {
        let Some(code) = error.sqlite_error_code() else { return unreadable(&error) };
        let why = error.to_string();
        let (kind, retry, sentence) = match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                (LedgerErrorKind::Busy, Retry::Later, "other processes are writing to it")
            }
            ErrorCode::DiskFull => (LedgerErrorKind::DiskFull, Retry::Later, "the disk or the quota is full"),
            ErrorCode::ReadOnly => {
                (LedgerErrorKind::ReadOnly, Retry::Never, "the file or its folder cannot be written")
            }
            ErrorCode::PermissionDenied | ErrorCode::CannotOpen | ErrorCode::AuthorizationForStatementDenied => {
                (LedgerErrorKind::NotPermitted, Retry::Never, "the file or one beside it cannot be opened")
            }
            ErrorCode::NotADatabase => (LedgerErrorKind::NotALedger, Retry::Never, "the file is not a ledger"),
            ErrorCode::DatabaseCorrupt => (LedgerErrorKind::Corrupt, Retry::Never, "the file is damaged"),
            ErrorCode::SystemIoFailure => {
                (LedgerErrorKind::InputOutput, Retry::LookFirst, "the file system failed while it was used")
            }
            ErrorCode::ConstraintViolation => {
                (LedgerErrorKind::Bug, Retry::Never, "the database refused what would break a rule of the ledger")
            }
            _ => (LedgerErrorKind::Bug, Retry::Never, "the database did not accept a statement"),
        };
        Self::new(kind, retry, sentence).with_fact("sqlite", &why)
    }
}

/// An error of the layer above SQLite: a row that does not read as what it should hold.
fn unreadable(error: &Error) -> LedgerError {
    match error {
        Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => {
            LedgerError::never(LedgerErrorKind::Corrupt, "a row holds what no release writes").with_fact("row", error)
        }
        _ => LedgerError::never(LedgerErrorKind::Bug, "the database was used wrongly").with_fact("sqlite", error),
    }
}
