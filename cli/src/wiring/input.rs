//! What a person names to be read: a file, or what comes through a pipe.

use crate::failure::Failure;
use jobs::Gravity;
use reach::{ReachErrorKind, files};
use std::{
    io::{self, Read},
    path::Path,
};

/// Opens a file, or standard input for `-`.
pub(crate) fn input(path: &Path, what: &str) -> Result<Box<dyn Read + Send>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let file = files::open(path).map_err(|error| {
        let (gravity, why) = match error.kind {
            ReachErrorKind::NotFound => (Gravity::Usage, format!("there is no file `{}`", path.display())),
            _ => (Gravity::Unreachable, error.to_string()),
        };
        Failure { gravity, ..Failure::usage(what, why, "name a file that can be read, or `-` for standard input") }
    })?;
    Ok(Box::new(file))
}
