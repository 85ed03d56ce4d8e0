//! Several directories and files made together: each directory that got new names is synced once, when all of them are there.

use crate::{
    DirectoryMode, Published, ReachError,
    directories::{Grown, grow_directories},
    files::publish,
};
use std::path::PathBuf;

/// Something to be made, of several at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Making {
    /// A directory, with those above it that are missing.
    Directories(PathBuf, DirectoryMode),
    /// A file with these bytes, under a name that is free.
    File(PathBuf, Vec<u8>),
}

/// Makes them in this order; the outcomes of the files.
pub fn make(makings: &[Making]) -> Result<Vec<Published>, ReachError> {
    let mut grown = Grown::default();
    let mut published = Vec::new();
    for making in makings {
        match making {
            Making::Directories(path, mode) => grow_directories(path, *mode, &mut grown)?,
            Making::File(path, bytes) => published.push(publish(path, bytes, &mut grown)?),
        }
    }
    grown.sync()?;
    Ok(published)
}
