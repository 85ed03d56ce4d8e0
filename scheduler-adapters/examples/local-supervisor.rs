//! The smallest supervisor of local jobs: what `LocalConfiguration::supervisor` names. `pakt` has one of its own; the
//! tests use this one.

use std::path::PathBuf;

fn main() -> Result<(), scheduler_adapters::local::SuperviseError> {
    let directory: PathBuf = std::env::args_os().nth(1).unwrap_or_default().into();
    scheduler_adapters::local::supervise(&directory)
}
