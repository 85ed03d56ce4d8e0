//! Files on this host's file systems: published whole, synced, never replaced by accident.
//!
//! The blocking side of [`Local`](crate::Local), for programs without a runtime; each function keeps the promise of the
//! method of [`Reach`](crate::Reach) that has its name.

pub use crate::directories::{create_directories, create_directory_exclusive};
use crate::{
    Created, Entry, EntryKind, Part, Published, ReachError, ReachErrorKind, Retry,
    directories::{Grown, parent_of, sync, sync_directory_of},
};
use model::Timestamp;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The most entries of a directory that are listed; a folder of jobs is sealed long before.
const LISTED_ENTRIES: usize = 1_000_000;

/// The most bytes of a published file that a later writer is shown; what is published once is small.
pub const PUBLISHED_LIMIT: usize = 16 * 1024 * 1024;

static TEMPORARY: AtomicU64 = AtomicU64::new(0);

pub(crate) fn failed<'path>(verb: &'static str, path: &'path Path) -> impl Fn(io::Error) -> ReachError + 'path {
    move |error| ReachError::from_io(&error, verb, path)
}

/// The answer of a lookup in which absence is an answer.
fn if_present<Answer>(result: io::Result<Answer>) -> io::Result<Option<Answer>> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a whole file of at most `limit` bytes; none where there is no such file.
pub fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
    let failed = failed("reading", path);
    let Some(file) = if_present(File::open(path)).map_err(&failed)? else { return Ok(None) };
    // Asked for its length first, a file is read at once; what grows meanwhile is read, too.
    let length = file.metadata().map_err(&failed)?.len().min(limit as u64);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(limit) + 1);
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(&failed)?;
    if bytes.len() > limit {
        let error = ReachError::new(ReachErrorKind::TooLong, Retry::Never, format!("reading {}", path.display()));
        return Err(error.with("limit", format!("{limit} bytes")));
    }
    Ok(Some(bytes))
}

/// Opens a file to be read from its beginning to its end, once.
pub fn open(path: &Path) -> Result<File, ReachError> {
    let failed = failed("reading", path);
    let file = File::open(path).map_err(&failed)?;
    if file.metadata().map_err(&failed)?.is_dir() { Err(failed(io::ErrorKind::IsADirectory.into())) } else { Ok(file) }
}

/// Reads at most `limit` bytes from an offset, counted from the end where it is negative.
pub fn read_part(path: &Path, offset: i64, limit: usize) -> Result<Option<Part>, ReachError> {
    let failed = failed("reading", path);
    let Some(mut file) = if_present(File::open(path)).map_err(&failed)? else { return Ok(None) };
    let total_bytes = file.metadata().map_err(&failed)?.len();
    let start = match u64::try_from(offset) {
        Ok(start) => start.min(total_bytes),
        Err(_) => total_bytes.saturating_sub(offset.unsigned_abs()),
    };
    file.seek(SeekFrom::Start(start)).map_err(&failed)?;
    let mut bytes = Vec::new();
    file.take(limit as u64).read_to_end(&mut bytes).map_err(&failed)?;
    Ok(Some(Part { bytes, total_bytes }))
}

/// Publishes a file under a name that is free.
pub fn write_once(path: &Path, bytes: &[u8]) -> Result<Published, ReachError> {
    let mut grown = Grown::default();
    let published = publish(path, bytes, &mut grown)?;
    grown.sync()?;
    Ok(published)
}

/// The same, with the sync of the directory left to the caller; the file itself is synced before it has its name.
pub(crate) fn publish(path: &Path, bytes: &[u8], grown: &mut Grown) -> Result<Published, ReachError> {
    let failed = failed("publishing", path);
    let temporary = write_temporary(path, bytes).map_err(&failed)?;
    let linked = link_new(&temporary, path);
    // Whatever came of the link, the temporary name has done its work; a left-over is harmless and has our mark.
    let _ = fs::remove_file(&temporary);
    match linked.map_err(&failed)? {
        Created::New => {
            grown.note(path);
            Ok(Published::New)
        }
        Created::Existing => match read(path, PUBLISHED_LIMIT)? {
            Some(bytes) => Ok(Published::Existing(bytes)),
            // Someone removed it after our link had found it.
            None => Err(failed(io::ErrorKind::NotFound.into())),
        },
    }
}

/// Gives the temporary file its name if that is free: by a hard link, or by a rename that does not replace where the
/// file system has no hard links.
fn link_new(temporary: &Path, path: &Path) -> io::Result<Created> {
    match fs::hard_link(temporary, path) {
        Ok(()) => Ok(Created::New),
        // Over NFS the answer to a link that was made can be lost and the repetition then finds our own file: two
        // names of one file show it (link(2), "Bugs").
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_ours = fs::metadata(temporary)?.nlink() == 2;
            Ok(if is_ours { Created::New } else { Created::Existing })
        }
        Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => rename_new(temporary, path),
            _ => Err(error),
        },
    }
}

fn rename_new(temporary: &Path, path: &Path) -> io::Result<Created> {
    match renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Created::New),
        Err(Errno::EXIST) => Ok(Created::Existing),
        Err(Errno::INVAL | Errno::NOSYS) => Err(io::Error::from(io::ErrorKind::Unsupported)),
        Err(error) => Err(error.into()),
    }
}

/// Publishes a file under a name, in place of what stands there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
    let failed = failed("replacing", path);
    let temporary = write_temporary(path, bytes).map_err(&failed)?;
    if let Err(error) = fs::rename(&temporary, path) {
        let _ = fs::remove_file(&temporary);
        return Err(failed(error));
    }
    sync_directory_of(path).map_err(&failed)
}

/// Writes and syncs the bytes under a name of their own beside `path`.
fn write_temporary(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let host = rustix::system::uname();
    let number = TEMPORARY.fetch_add(1, Ordering::Relaxed);
    // Several hosts share the file system, so the process id alone is not enough.
    let unique = format!(".{name}.{}.{}.{number}.tmp", host.nodename().to_string_lossy(), std::process::id());
    let temporary = parent_of(path).join(unique);
    let written = new_file(&temporary, path).and_then(|mut file| {
        file.write_all(bytes)?;
        sync(&file)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| temporary)
}

/// Opens a fresh file. A left-over of a killed process with the same name is no one's any more.
fn new_file(temporary: &Path, path: &Path) -> io::Result<File> {
    let mode = file_mode(parent_of(path))?;
    let open = || OpenOptions::new().write(true).create_new(true).mode(mode).open(temporary);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(temporary)?;
            open()
        }
        opened => opened,
    }
}

/// In a directory that passes its group on, the group may do with a file what it may do there; elsewhere only the owner.
fn file_mode(directory: &Path) -> io::Result<u32> {
    Ok(match fs::metadata(directory)?.mode() & 0o2070 {
        0o2070 => 0o660,
        0o2050 => 0o640,
        _ => 0o600,
    })
}

/// Adds bytes at the end of a file, creating it, and syncs it.
pub fn append(path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
    let failed = failed("appending to", path);
    let mode = file_mode(parent_of(path)).map_err(&failed)?;
    let mut file = OpenOptions::new().append(true).create(true).mode(mode).open(path).map_err(&failed)?;
    file.write_all(bytes).and_then(|()| sync(&file)).map_err(&failed)
}

/// Lists a directory, sorted by name; none where there is no such directory.
pub fn list(path: &Path) -> Result<Option<Vec<Entry>>, ReachError> {
    let failed = failed("listing", path);
    let Some(directory) = if_present(fs::read_dir(path)).map_err(&failed)? else { return Ok(None) };
    let mut entries = Vec::new();
    for found in directory {
        let found = found.map_err(&failed)?;
        // An entry that vanishes between the two calls was removed: it is not there.
        let Some(facts) = if_present(found.metadata()).map_err(&failed)? else { continue };
        if entries.len() == LISTED_ENTRIES {
            let error = ReachError::new(ReachErrorKind::TooLong, Retry::Never, format!("listing {}", path.display()));
            return Err(error.with("limit", format!("{LISTED_ENTRIES} entries")));
        }
        entries.push(Entry {
            name: found.file_name().to_string_lossy().into_owned(),
            kind: kind_of(&facts),
            bytes: facts.len(),
            modified_at: Timestamp::from_epoch_seconds(facts.mtime()),
            mode: facts.mode() & 0o7777,
        });
    }
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(Some(entries))
}

fn kind_of(facts: &fs::Metadata) -> EntryKind {
    if facts.is_file() {
        EntryKind::File
    } else if facts.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other
    }
}

/// When a file or directory was last written; none where there is nothing.
pub fn modified_at(path: &Path) -> Result<Option<Timestamp>, ReachError> {
    let facts = if_present(fs::metadata(path)).map_err(failed("looking at", path))?;
    Ok(facts.map(|facts| Timestamp::from_epoch_seconds(facts.mtime())))
}

/// Removes a file or an empty directory; a missing one is removed already.
pub fn remove(path: &Path) -> Result<(), ReachError> {
    let failed = failed("removing", path);
    let Some(facts) = if_present(fs::symlink_metadata(path)).map_err(&failed)? else { return Ok(()) };
    let removed = if facts.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
    if_present(removed).map_err(&failed)?;
    sync_directory_of(path).map_err(&failed)
}
