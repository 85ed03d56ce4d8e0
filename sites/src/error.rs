//! What is wrong with a site file.

use serde::Serialize;
use std::fmt;

/// A mistake in a site file. Nothing of such a file is used; repeating the call without a change of the file is in vain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct SiteError {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// The path of the field, as far as it can be told: `partitions[0].cpus`; empty for the file as a whole.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub next: String,
}

impl fmt::Display for SiteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.field.is_empty() {
            write!(formatter, "`{}`: ", self.field)?;
        }
        formatter.write_str(&self.what)
    }
}
