//! A folder that a person asked for: whole or not at all, and never in the place of another one.

use super::product_file::{Earlier, publish};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// Writes the files into a new folder beside `path` and gives it its name when all of them are there. The names are plain ones.
pub(crate) fn publish_folder(path: &Path, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let draft = draft(path)?;
    fs::create_dir(&draft)?;
    let written = files.iter().try_for_each(|(name, bytes)| publish(&draft.join(name), bytes, Earlier::Stays));
    let named = written.and_then(|()| rename_new(&draft, path));
    if named.is_err() {
        drop(fs::remove_dir_all(&draft));
    }
    named
}

fn draft(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(folder.join(format!(".{name}.{}.tmp", std::process::id())))
}

fn rename_new(draft: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, draft, CWD, path, RenameFlags::NOREPLACE) {
        // Not every file system knows it (rename(2), EINVAL); a plain rename replaces no folder with something in it.
        Err(Errno::INVAL | Errno::NOSYS) => fs::rename(draft, path),
        other => other.map_err(Into::into),
    }
}
