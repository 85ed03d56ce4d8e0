//! Files that are named on the command line.

use crate::failure::Failure;
use std::path::Path;

/// Refuses the place of a server where a file is wanted. It is not shown: it may have a password.
pub(super) fn refuse_place(what: &str, file: &Path, next: &str) -> Result<(), Failure> {
    let text = file.to_string_lossy();
    let Some((scheme, _)) = text.split_once("://") else { return Ok(()) };
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_scheme {
        return Ok(());
    }
    let why = format!("a file is wanted, and what begins with `{scheme}://` is a place of a ledger");
    Err(Failure::usage(what, why, next))
}
