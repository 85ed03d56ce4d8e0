//! A ledger that cannot be written here: its file, its folder or the whole file system is for reading. What is in it can be
//! read all the same, and nothing is made beside it.

use super::open::{folder_of, of_file, with_end};
use super::schema::VERSION;
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, Retry};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The file as it was when it was opened without locks: whoever may write it does not know of this reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Untouched {
    path: PathBuf,
    size: u64,
    changed: (i64, i64),
}

impl Untouched {
    fn of(path: &Path) -> Result<Self> {
        let found = fs::metadata(path).map_err(|error| of_file(&error))?;
        Ok(Self { path: path.to_owned(), size: found.size(), changed: (found.mtime(), found.mtime_nsec()) })
    }

    /// An error where the file was written to since: what was read of it may be half old and half new.
    pub(super) fn check(&self) -> Result<()> {
        if Self::of(&self.path)? == *self {
            return Ok(());
        }
        let why = "somebody wrote to it while it was read";
        Err(LedgerError::new(LedgerErrorKind::Busy, Retry::Later, why))
    }
}

/// Whether this process can only read: it may not write the file, or it may not make the files that SQLite needs beside it.
/// The file is not opened for that: closing it would take away the locks of others in this process.
pub(super) fn is_read_only(path: &Path) -> bool {
    let is_closed =
        |path: &Path, wanted: Access| matches!(access(path, wanted), Err(Errno::ACCESS | Errno::PERM | Errno::ROFS));
    is_closed(path, Access::WRITE_OK)
        || (is_closed(folder_of(path), Access::WRITE_OK | Access::EXEC_OK) && !has_shared_log(path))
}

/// Whether somebody has it open, or was killed with it: the log and the memory that its readers share lie beside it.
fn has_shared_log(path: &Path) -> bool {
    with_end(path, "-wal").exists() && with_end(path, "-shm").exists()
}

/// Opens the file to read it. SQLite reads one whose log and shared memory lie beside it, and one with a rollback journal, as
/// any other (sqlite.org/wal.html, "Read-Only Databases"). Where neither log nor memory is there, all is in the file, and it
/// is read without them; [`Untouched`] tells whether somebody wrote to it meanwhile.
pub(super) fn open(path: &Path, version: i64, has_log: bool) -> Result<(Connection, Option<Untouched>)> {
    if version != VERSION {
        let why = format!("it is of version {version}, this release reads {VERSION}, and it cannot be brought there");
        return Err(not_written(&why));
    }
    if !has_log || has_shared_log(path) {
        return Ok((connect(path, true)?, None));
    }
    let log = with_end(path, "-wal");
    if fs::metadata(&log).is_ok_and(|log| log.size() > 0) {
        let name = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let why = format!(
            "`{name}` beside it has entries that are not in the file yet, and cannot be read where nothing can be written: \
             somebody who may write it puts them there with any command, such as `pakt balance`; or copy both files to a \
             folder of yours"
        );
        return Err(not_written(&why));
    }
    let untouched = Untouched::of(path)?;
    Ok((connect(path, false)?, Some(untouched)))
}

/// A connection that only reads: with the locks that all others take, or without any, log and shared memory.
pub(super) fn connect(path: &Path, is_locked: bool) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if is_locked {
        return Connection::open_with_flags(path, flags);
    }
    Connection::open_with_flags(unlocked(path), flags | OpenFlags::SQLITE_OPEN_URI)
}

fn not_written(why: &str) -> LedgerError {
    LedgerError::never(LedgerErrorKind::ReadOnly, format!("the file or its folder cannot be written, and {why}"))
}

/// The name under which SQLite opens a file without locks, log and shared memory (sqlite.org/uri.html, `immutable`).
fn unlocked(path: &Path) -> String {
    let mut name = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => name.push(char::from(*byte)),
            _ => write!(name, "%{byte:02X}").expect("a text takes what is written to it"),
        }
    }
    name + "?immutable=1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_of_a_file_is_one_for_sqlite() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["plain.db", "with blank?mode=rwc&x=%41#z.db", "é.db"] {
            let path = folder.path().join(name);
            Connection::open(&path).and_then(|file| file.execute_batch("CREATE TABLE t (x)")).expect("made");
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let read = Connection::open_with_flags(unlocked(&path), flags).expect("opened");
            let tables: i64 = read.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).expect("read");
            assert_eq!(tables, 1, "{name}");
        }
    }

    #[test]
    fn what_is_written_meanwhile_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        fs::write(&path, "one").expect("written");
        let untouched = Untouched::of(&path).expect("there");
        assert_eq!(untouched.check(), Ok(()));
        fs::write(&path, "more than one").expect("written");
        assert_eq!(untouched.check().map_err(|error| error.kind), Err(LedgerErrorKind::Busy));
    }
}
