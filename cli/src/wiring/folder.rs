//! Whether a folder can be used, without making anything in it.

use rustix::fs::{Access, access};
use std::{fs, path::Path};

/// Why files cannot be made in a folder; none where they can, or where it is not there yet and can be made.
pub(crate) fn unusable_folder(folder: &Path) -> Option<String> {
    let found = match fs::metadata(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return folder.parent().and_then(unusable_folder);
        }
        Err(error) => return Some(reach::io_words(&error)),
    };
    if !found.is_dir() {
        return Some(format!("`{}` is a file, not a folder", folder.display()));
    }
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => None,
        Err(error) => Some(format!("`{}`: {}", folder.display(), reach::io_words(&error.into()))),
    }
}
