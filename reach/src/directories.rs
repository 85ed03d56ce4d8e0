//! Directories on this host's file systems, and the syncs that make the names in them last.

use crate::{Created, DirectoryMode, ReachError, counters, files::failed};
use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Directories that got new names, which are there for good once the directory is synced.
#[derive(Debug, Default)]
pub(crate) struct Grown(BTreeSet<PathBuf>);

impl Grown {
    pub(crate) fn note(&mut self, path: &Path) {
        self.0.insert(parent_of(path).to_owned());
    }

    /// Syncs each of them once.
    pub(crate) fn sync(self) -> Result<(), ReachError> {
        self.0.iter().try_for_each(|directory| sync_directory(directory).map_err(failed("syncing", directory)))
    }
}

fn make_directory(path: &Path, mode: DirectoryMode) -> io::Result<()> {
    let bits = match mode {
        DirectoryMode::Private => return DirBuilder::new().mode(0o700).create(path),
        DirectoryMode::Group => 0o2770,
        DirectoryMode::GroupSticky => 0o3770,
        DirectoryMode::GroupReads => 0o2750,
    };
    DirBuilder::new().mode(0o700).create(path)?;
    // mkdir(2) leaves the set-group-id bit to the parent and subtracts the umask; the mode is set in full here.
    fs::set_permissions(path, Permissions::from_mode(bits))
}

/// Makes a directory that must not be there yet.
pub fn create_directory_exclusive(path: &Path, mode: DirectoryMode) -> Result<Created, ReachError> {
    let mut grown = Grown::default();
    let created = grow_directory(path, mode, &mut grown)?;
    grown.sync()?;
    Ok(created)
}

fn grow_directory(path: &Path, mode: DirectoryMode, grown: &mut Grown) -> Result<Created, ReachError> {
    match make_directory(path, mode) {
        Ok(()) => {
            grown.note(path);
            Ok(Created::New)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::Existing),
        Err(error) => Err(failed("making directory", path)(error)),
    }
}

/// Makes a directory and those above it that are missing.
pub fn create_directories(path: &Path, mode: DirectoryMode) -> Result<(), ReachError> {
    let mut grown = Grown::default();
    grow_directories(path, mode, &mut grown)?;
    grown.sync()
}

/// The same, with the syncs left to the caller.
pub(crate) fn grow_directories(path: &Path, mode: DirectoryMode, grown: &mut Grown) -> Result<(), ReachError> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|at| !at.as_os_str().is_empty() && fs::symlink_metadata(at).is_err()).collect();
    for directory in missing.into_iter().rev() {
        grow_directory(directory, mode, grown)?;
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(failed("making directory", path)(io::ErrorKind::NotADirectory.into())),
        Err(error) => Err(failed("making directory", path)(error)),
    }
}

pub(crate) fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(crate) fn sync(file: &File) -> io::Result<()> {
    counters::count_sync();
    file.sync_all()
}

pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    sync_directory(parent_of(path))
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    sync(&File::open(directory)?)
}
