//! `tidy [FOLDER]`: runs all checks on the tree and prints one line a problem. Without a folder: the workspace that the
//! current folder lies in.
//! Exit codes: 0 clean, 1 problems, 2 the tree could not be read.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use tidy::{Tree, check, configured_hosts};

fn main() -> std::io::Result<ExitCode> {
    let root = std::env::args_os().nth(1).map_or_else(workspace_around, |folder| Ok(PathBuf::from(folder)))?;
    let found = Tree::open(&root).and_then(|tree| {
        let problems = check(&tree, &configured_hosts())?;
        Ok((problems, tree.files().count()))
    });
    match found {
        Err(error) => {
            writeln!(std::io::stderr(), "tidy: {error}")?;
            Ok(ExitCode::from(2))
        }
        Ok((problems, files)) => {
            let mut out = std::io::stdout().lock();
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            writeln!(out, "tidy: {files} files, {} problems", problems.len())?;
            Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
    }
}

/// The nearest folder above with a lock file, which only a workspace's root has; the current one where there is none.
fn workspace_around() -> std::io::Result<PathBuf> {
    let here = std::env::current_dir()?;
    Ok(here.ancestors().find(|folder| folder.join("Cargo.lock").exists()).unwrap_or(&here).to_path_buf())
}
