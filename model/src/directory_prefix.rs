//! A folder that stands for all that lies below it.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The longest path, in bytes: Linux takes no longer one.
const LONGEST: usize = 4096;

/// A folder from the root on, without `.`, `..` and an end of `/`; never the root itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DirectoryPrefix(String);

/// Why a text is no such folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no folder such as `/p/scratch/atlas`: it begins with `/`, is not `/` itself, and has no `.` or `..`")]
pub struct DirectoryPrefixError(String);

impl DirectoryPrefix {
    /// The path, without `/` at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path is this folder or lies below it. One that goes up on its way is not believed.
    pub fn covers(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !path.split('/').any(|part| part == "..")
    }

    /// How deep it lies: the deeper, the more it says.
    pub fn depth(&self) -> usize {
        self.0.split('/').count()
    }
}

impl FromStr for DirectoryPrefix {
    type Err = DirectoryPrefixError;

    fn from_str(text: &str) -> Result<Self, DirectoryPrefixError> {
        let path = text.trim_end_matches('/');
        let mut parts = path.split('/');
        let is_fit = text.len() <= LONGEST
            && parts.next() == Some("")
            && !path.is_empty()
            && parts.all(|part| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control));
        if is_fit { Ok(Self(path.to_owned())) } else { Err(DirectoryPrefixError(text.to_owned())) }
    }
}

impl TryFrom<String> for DirectoryPrefix {
    type Error = DirectoryPrefixError;

    fn try_from(text: String) -> Result<Self, DirectoryPrefixError> {
        text.parse()
    }
}

impl From<DirectoryPrefix> for String {
    fn from(directory: DirectoryPrefix) -> Self {
        directory.0
    }
}

impl fmt::Display for DirectoryPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::DirectoryPrefix;

    #[test]
    fn what_lies_below_is_covered() {
        for (folder, path, is_covered) in [
            ("/p/scratch/atlas", "/p/scratch/atlas", true),
            ("/p/scratch/atlas/", "/p/scratch/atlas/runs/7", true),
            ("/p/scratch/atlas", "/p/scratch/atlas2", false),
            ("/p/scratch/atlas", "/p/scratch", false),
            ("/p/scratch/atlas", "/p/scratch/atlas/../other", false),
            ("/p/scratch/atlas", "", false),
        ] {
            let folder: DirectoryPrefix = folder.parse().expect(folder);
            assert_eq!(folder.covers(path), is_covered, "{folder} {path}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "/", "//", "p/scratch", "/p/../q", "/p//q", "/./p", "/p\nq", "~/x"] {
            assert!(text.parse::<DirectoryPrefix>().is_err(), "{text:?}");
        }
    }
}
