//! Making and removing files and folders, with the errors that name them.

use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::error::{LabError, file_error};

/// Bytes nobody can guess.
pub(crate) fn random_bytes<const COUNT: usize>() -> Result<[u8; COUNT], LabError> {
    let mut bytes = [0; COUNT];
    let source = "/dev/urandom";
    std::fs::File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(file_error("reading", source))?;
    Ok(bytes)
}

/// Writes a file that only root can read, and sets its mode before its content.
pub(crate) fn write_secret(path: &Path, content: &[u8], mode: u32) -> Result<(), LabError> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .map_err(file_error("writing", path))
}

/// Makes a folder and its parents, with the mode whatever the umask.
pub(crate) fn make_folder(path: &Path, mode: u32) -> Result<(), LabError> {
    std::fs::create_dir_all(path)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)))
        .map_err(file_error("making", path))
}

/// Removes a folder with all that is in it; nothing happens where there is none.
pub(crate) fn remove_folder(path: &Path) -> Result<(), LabError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error("removing", path)(error)),
        _ => Ok(()),
    }
}
