//! What a check says: one line for a problem in the tree, one error for a tree that cannot be read.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong in the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the root, with `/` between its parts.
    pub path: String,
    /// The line, counted from one; none where the whole file is meant.
    pub line: Option<usize>,
    /// The check that found it, by the name of its file.
    pub check: &'static str,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Problem {
    /// A problem of a whole file or folder.
    pub fn of(check: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, check, message: message.into() }
    }

    /// A problem at a line, counted from one.
    pub fn at(check: &'static str, path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: Some(line), check, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: [{}] {}", self.path, self.check, self.message),
            None => write!(formatter, "{}: [{}] {}", self.path, self.check, self.message),
        }
    }
}

/// Why the tree could not be looked at; never a finding about its content.
#[derive(Debug, thiserror::Error)]
pub enum TidyError {
    /// A file or folder could not be read.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// `git` or `cargo` could not be started, or failed.
    #[error("`{command}` failed: {cause}")]
    Command {
        /// The command line.
        command: String,
        /// What it said.
        cause: String,
    },
}
