//! Files that hold a secret: read only where nobody else can have read or written them.

use crate::{ReachError, ReachErrorKind, Retry};
use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// Reads a whole file of at most `limit` bytes; none where there is no such file. The file that was opened is looked at, so
/// that no other can take its place in between; a pipe is not waited for.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
    let failed = |error: io::Error| ReachError::from_io(&error, "reading", path);
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file: File = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let refused = |kind: ReachErrorKind, why: String| {
        Err(ReachError::new(kind, Retry::Never, format!("reading {}", path.display())).with("cause", why))
    };
    if let Some(why) = wrong_with(&file.metadata().map_err(failed)?, rustix::process::geteuid().as_raw()) {
        return refused(ReachErrorKind::NotPermitted, why);
    }
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return refused(ReachErrorKind::TooLong, format!("it has more than {limit} bytes"));
    }
    Ok(Some(bytes))
}

/// Why a file keeps no secret of the user with that number.
fn wrong_with(file: &Metadata, user: u32) -> Option<String> {
    if !file.is_file() {
        Some("it is no regular file".to_owned())
    } else if file.uid() != user {
        Some(format!("it belongs to user {} and is read by user {user}", file.uid()))
    } else if file.mode() & 0o077 != 0 {
        Some(format!("others may read or write it (mode {:04o}): `chmod 600` it", file.mode() & 0o7777))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn only_a_file_of_ones_own_that_nobody_else_reads_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        assert_eq!(read(&path, 10).expect("an answer"), None);
        fs::write(&path, "eyJ").expect("ours");
        for (mode, is_read) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
            match read(&path, 10) {
                Ok(bytes) => assert!(is_read && bytes.as_deref() == Some(b"eyJ"), "{mode:o}"),
                Err(error) => {
                    assert!(!is_read && error.kind == ReachErrorKind::NotPermitted, "{error}");
                    assert!(error.to_string().contains("chmod 600") && !error.to_string().contains("eyJ"), "{error}");
                }
            }
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        assert_eq!(read(&path, 2).expect_err("too long").kind, ReachErrorKind::TooLong);
        assert_eq!(read(folder.path(), 10).expect_err("a folder").kind, ReachErrorKind::NotPermitted);
        let other = wrong_with(&fs::metadata(&path).expect("there"), u32::MAX).expect("somebody else's");
        assert!(other.contains("belongs to user"), "{other}");
    }
}
