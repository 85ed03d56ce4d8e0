//! The end of an erasure: what was taken out of the tables stands in freed parts of the file and in its write-ahead log until
//! these are written anew. The file says that this is still to be done, so that whoever is interrupted or held up can go on.

use super::queries::check_writable;
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, Retry};
use rusqlite::Connection;

/// Notes, in the transaction of an erasure, that it is not finished.
pub(super) fn note(connection: &Connection) -> Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('erasure', 'unfinished')", [])?;
    Ok(())
}

/// How an erasure stands after a try to finish it.
pub(super) enum Finished {
    /// There was none to finish.
    Nothing,
    /// Nothing of it is left.
    All,
    /// Somebody reads for longer than SQLite waits. It is not tried again: each try writes the whole file.
    Held,
}

/// Writes the whole file anew and empties its write-ahead log, where an erasure is not finished.
pub(super) fn finish(connection: &mut Connection) -> Result<Finished> {
    let select = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'erasure')";
    if !connection.query_row(select, [], |row| row.get(0))? {
        return Ok(Finished::Nothing);
    }
    check_writable(connection)?;
    write_anew(connection).map_err(unfinished)?;
    // Without a write-ahead log this does nothing.
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    if emptied.map_err(|error| unfinished(error.into()))? {
        return Ok(Finished::Held);
    }
    connection.execute("DELETE FROM meta WHERE name = 'erasure'", [])?;
    Ok(Finished::All)
}

impl Finished {
    /// Whether there was an erasure to finish.
    pub(super) fn answer(self) -> Result<bool> {
        match self {
            Self::Nothing => Ok(false),
            Self::All => Ok(true),
            Self::Held => {
                let why = "somebody reads the ledger, and its write-ahead log cannot be emptied meanwhile";
                Err(unfinished(LedgerError::new(LedgerErrorKind::Busy, Retry::Later, why)))
            }
        }
    }
}

fn write_anew(connection: &Connection) -> Result<()> {
    // What a page had before does not stay in its unused part either.
    connection.pragma_update(None, "secure_delete", "ON")?;
    let written = connection.execute_batch("VACUUM");
    connection.pragma_update(None, "secure_delete", "OFF")?;
    Ok(written?)
}

fn unfinished(error: LedgerError) -> LedgerError {
    let again = "run the same command again: it goes on from here";
    let next = match error.kind {
        LedgerErrorKind::Busy => format!("when nobody uses the ledger any more, {again}"),
        LedgerErrorKind::DiskFull | LedgerErrorKind::InputOutput => {
            format!("make room for the whole file twice beside it and once in TMPDIR, then {again}")
        }
        _ => again.to_owned(),
    };
    error.with_next(&next)
}
