//! The first bytes of the file: whether it is ours, and how it is kept.

use super::open::{OpenMode, of_file};
use super::schema::APPLICATION_ID;
use crate::schema_version::check_version;
use crate::{LedgerError, LedgerErrorKind};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// What the first bytes of the file say.
#[derive(Clone, Copy, Default)]
pub(super) struct Header {
    /// The version of its tables.
    pub(super) version: i64,
    /// Whether it has a write-ahead log, and not a rollback journal.
    pub(super) has_log: bool,
}

/// Looks at the first 100 bytes before SQLite does, so that a file of somebody else's is not touched. The layout is
/// part of SQLite's file format (section 1.3, "The Database Header"): magic, read version at 19 (2 with a write-ahead log), user
/// version at 60, application id at 68.
pub(super) fn check_header(path: &Path, mode: OpenMode) -> Result<Header, LedgerError> {
    let mut header = Vec::with_capacity(100);
    let file = File::open(path).map_err(|error| of_file(&error))?;
    file.take(100).read_to_end(&mut header).map_err(|error| of_file(&error))?;
    let not_ours = |why: &str| Err(LedgerError::never(LedgerErrorKind::NotALedger, why));
    if header.is_empty() {
        let is_new = mode == OpenMode::Create;
        return if is_new {
            Ok(Header::default())
        } else {
            not_ours("the file is empty; `pakt ledger init` makes a ledger of it")
        };
    }
    if header.len() < 100 || !header.starts_with(b"SQLite format 3\0") {
        return not_ours("the file is not a ledger");
    }
    let number_at = |at: usize| i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if number_at(68) != APPLICATION_ID {
        return not_ours("the file is a database of another program");
    }
    let version = i64::from(number_at(60));
    check_version(version)?;
    Ok(Header { version, has_log: header[19] == 2 })
}
