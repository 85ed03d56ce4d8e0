//! Backups: a copy of the whole file as it is at one instant, while others go on writing; and the way back.

use super::open::{of_file, with_end};
use crate::records::Result;
use crate::{Book, LedgerError, LedgerErrorKind, OpenMode, SqliteBook, Verification};
use rusqlite::Connection;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a copy, which only its owner may read, and waits until it is on the disk.
pub(super) fn write(connection: &Connection, to: &Path) -> Result<()> {
    let text = to.to_str().ok_or_else(|| LedgerError::never(LedgerErrorKind::Invalid, "its path is not UTF-8"))?;
    // SQLite fills an empty file and refuses any other one.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(to) {
        Ok(file) => drop(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(is_there(to)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(no_folder(to)),
        Err(error) => return Err(of_file(&error)),
    }
    let written = connection.execute("VACUUM INTO ?1", [text]).map_err(LedgerError::from).and_then(|_| flush(to));
    if written.is_err() {
        // What came of it is no backup; that it is there still would be said by the next try.
        fs::remove_file(to).ok();
    }
    written
}

/// Puts a copy of a backup where no ledger is, once it was verified. The backup stays as it is.
pub(super) async fn restore(from: &Path, to: &Path) -> Result<Verification> {
    // What SQLite left beside a ledger that was taken away would be played into the restored one.
    for end in ["", "-wal", "-shm", "-journal"] {
        let path = with_end(to, end);
        if path.exists() {
            return Err(is_there(&path));
        }
    }
    let copy = with_end(to, &format!(".restoring-{}", std::process::id()));
    let restored = verified_copy(from, &copy).await.and_then(|verification| {
        // A link, unlike a move, does not take the place of what somebody made there meanwhile.
        fs::hard_link(&copy, to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => is_there(to),
            _ => of_file(&error),
        })?;
        flush(to)?;
        Ok(verification)
    });
    let removed = fs::remove_file(&copy);
    if restored.is_ok() {
        removed.map_err(|error| of_file(&error))?;
    }
    restored
}

async fn verified_copy(from: &Path, copy: &Path) -> Result<Verification> {
    let mut source = File::open(from).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            LedgerError::never(LedgerErrorKind::Invalid, format!("there is no file {}", from.display()))
                .with_next("name the file that `pakt ledger backup` wrote")
        }
        _ => of_file(&error),
    })?;
    let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy);
    let mut target = target.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_folder(copy),
        _ => of_file(&error),
    })?;
    io::copy(&mut source, &mut target).map_err(|error| of_file(&error))?;
    drop(target);
    let verification = SqliteBook::open(copy, OpenMode::Existing)?.verify().await?;
    match verification.findings.first() {
        None => Ok(verification),
        Some(first) => {
            let why = format!("the backup is not sound, and nothing was restored: {first}");
            Err(LedgerError::never(LedgerErrorKind::Corrupt, why))
        }
    }
}

/// Waits until a file and its name are on the disk.
fn flush(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let flushed = File::open(path).and_then(|file| file.sync_all());
    flushed.and_then(|()| File::open(folder)?.sync_all()).map_err(|error| of_file(&error))
}

fn no_folder(path: &Path) -> LedgerError {
    let why = format!("there is no folder for {}", path.display());
    LedgerError::never(LedgerErrorKind::Invalid, why).with_next("name a file in one that is there")
}

fn is_there(path: &Path) -> LedgerError {
    let why = format!("{} is there already, and nothing is written over it", path.display());
    LedgerError::never(LedgerErrorKind::Conflict, why).with_next("name another file, or move that one away")
}
