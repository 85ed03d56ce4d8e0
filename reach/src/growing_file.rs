//! A file that one process at a time adds to, and others read meanwhile.

use crate::{ReachError, counters};
use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
};
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A file that grows, locked by this process until it is dropped (flock(2)).
#[derive(Debug)]
pub struct GrowingFile {
    file: File,
    path: PathBuf,
}

impl GrowingFile {
    /// Opens the file, makes it where there is none, and locks it; none where another process has it locked. Its owner
    /// writes; where the folder's group may list the folder, it may read the file.
    ///
    /// A file system without locks is an error (`Unsupported`): nothing was made there that two could write at once.
    pub fn open(path: &Path) -> Result<Option<Self>, ReachError> {
        let failed = |error: io::Error| ReachError::from_io(&error, "opening", path);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        // In a folder of a group somebody may have put a link to another file of ours there.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK) => {
                return Err(failed(io::Error::from(io::ErrorKind::Unsupported)));
            }
            Err(error) => return Err(failed(error.into())),
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if fs::metadata(folder).map_err(failed)?.mode() & 0o050 == 0o050 {
            file.set_permissions(Permissions::from_mode(0o640)).map_err(failed)?;
        }
        File::open(folder).and_then(|folder| sync(&folder)).map_err(failed)?;
        Ok(Some(Self { file, path: path.to_owned() }))
    }

    /// The file from its beginning.
    pub fn reader(&self) -> Result<impl Read + use<>, ReachError> {
        let mut file = self.file.try_clone().map_err(|error| self.failed(&error, "reading"))?;
        file.seek(SeekFrom::Start(0)).map_err(|error| self.failed(&error, "reading"))?;
        Ok(file)
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> Result<u64, ReachError> {
        Ok(self.file.metadata().map_err(|error| self.failed(&error, "looking at"))?.len())
    }

    /// Cuts off what stands behind so many bytes.
    pub fn cut(&self, bytes: u64) -> Result<(), ReachError> {
        self.file.set_len(bytes).and_then(|()| sync(&self.file)).map_err(|error| self.failed(&error, "cutting"))
    }

    /// Adds bytes at the end, and syncs them. After `Err` a part of them may stand there.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), ReachError> {
        let written = self.file.write_all(bytes).and_then(|()| sync(&self.file));
        written.map_err(|error| self.failed(&error, "appending to"))
    }

    fn failed(&self, error: &io::Error, verb: &'static str) -> ReachError {
        ReachError::from_io(error, verb, &self.path)
    }
}

fn sync(file: &File) -> io::Result<()> {
    counters::count_sync();
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_file_is_added_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = folder.path().join("other");
        fs::write(&other, "").expect("ours");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&other, &link).expect("made");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .expect("made");
        for path in [&link, &pipe, &folder.path().to_owned()] {
            assert!(GrowingFile::open(path).is_err(), "{}", path.display());
        }
        assert_eq!(fs::read(&other).expect("there"), b"");
    }

    #[test]
    fn one_writes_and_the_group_reads_what_it_may_list() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("grows");
        for (mode, expected) in [(0o700, 0o600), (0o750, 0o640), (0o2770, 0o640)] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).expect("ours");
            let mut first = GrowingFile::open(&path).expect("opened").expect("nobody has it");
            assert!(GrowingFile::open(&path).expect("looked at").is_none(), "two writers");
            first.append(b"one").expect("written");
            first.append(b"two").expect("written");
            first.cut(3).expect("cut");
            first.append(b"three").expect("written");
            let mut text = String::new();
            first.reader().expect("ours").read_to_string(&mut text).expect("read");
            assert_eq!((text.as_str(), first.bytes().expect("ours")), ("onethree", 8));
            assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, expected, "{mode:o}");
            drop(first);
            fs::remove_file(&path).expect("ours");
        }
    }
}
