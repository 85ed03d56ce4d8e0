//! Where PostgreSQL's programs lie.

use std::path::{Path, PathBuf};

use crate::error::LabError;

/// The oldest version that Pakt's ledger may meet.
const OLDEST: u32 = 15;

/// Folders that hold a version's programs: what stands before the version, and after. Debian and its kin, then the RPMs
/// of the PostgreSQL project. Neither is in the `PATH`, where Debian has a wrapper that looks for servers of its own.
const FOLDERS: &[(&str, &str)] = &[("/usr/lib/postgresql", "bin"), ("/usr", "bin")];

/// The Debian package that brings server and client of the release's version.
const PACKAGE: &str = "postgresql";

/// The folder with the programs of the newest version, if one is new enough.
fn find() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = FOLDERS.iter().flat_map(|(above, below)| versions(above, below)).collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

fn versions(above: &str, below: &'static str) -> impl Iterator<Item = (u32, PathBuf)> {
    let folders = std::fs::read_dir(above).into_iter().flatten().flatten();
    folders.filter_map(move |folder| {
        let version = version_of(&folder.file_name().to_string_lossy())?;
        let programs = folder.path().join(below);
        (version >= OLDEST && programs.join("initdb").exists()).then_some((version, programs))
    })
}

/// The major version in a folder's name, as in `15` or `pgsql-17`.
fn version_of(name: &str) -> Option<u32> {
    name.strip_prefix("pgsql-").unwrap_or(name).parse().ok()
}

/// A program's path, as in `initdb`.
pub(super) fn program(name: &str) -> Result<PathBuf, LabError> {
    let missing = || LabError::MissingPackages { packages: PACKAGE.to_owned(), reason: String::new() };
    find().map(|folder: PathBuf| Path::new(&folder).join(name)).ok_or_else(missing)
}

/// The Debian packages for PostgreSQL of which nothing is there.
pub(crate) fn missing_packages() -> Vec<&'static str> {
    if find().is_some() { vec![] } else { vec![PACKAGE] }
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn the_version_stands_in_the_folder() {
        let table = [("15", Some(15)), ("pgsql-17", Some(17)), ("9.6", None), ("lib", None), ("pgsql-", None)];
        for (name, expected) in table {
            assert_eq!(version_of(name), expected, "{name}");
        }
    }
}
