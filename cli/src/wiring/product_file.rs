//! A file that a person asked for: whole or not at all, and never in the place of another one unless they say so.

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// What may happen to a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// It stays, and the new one is not written.
    Stays,
    /// The new one takes its place.
    IsReplaced,
}

/// Writes a file under a name of its own first, with the permissions that the person's files have, then gives it its name.
pub(crate) fn publish(path: &Path, bytes: &[u8], earlier: Earlier) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = draft_name(folder, path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| named(&draft, path, earlier));
    if written.is_err() {
        drop(fs::remove_file(&draft));
    }
    written?;
    File::open(folder)?.sync_all()
}

/// A name beside the file, which no other process takes.
fn draft_name(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let host = rustix::system::uname();
    Ok(folder.join(format!(".{name}.{}.{}.tmp", host.nodename().to_string_lossy(), std::process::id())))
}

fn named(draft: &Path, path: &Path, earlier: Earlier) -> io::Result<()> {
    if earlier == Earlier::IsReplaced {
        return fs::rename(draft, path);
    }
    match renameat_with(CWD, draft, CWD, path, RenameFlags::NOREPLACE) {
        // Not every file system knows it (rename(2), EINVAL); a hard link does not replace either.
        Err(Errno::INVAL | Errno::NOSYS) => fs::hard_link(draft, path).and_then(|()| fs::remove_file(draft)),
        other => other.map_err(Into::into),
    }
}
