//! The files of the repository and their text, read once.

use crate::TidyError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that are never part of the repository, for a tree that is not under git.
const SKIPPED_FOLDERS: [&str; 3] = [".git", "target", "__pycache__"];

/// The files of the repository: what git tracks or would track, or, outside git, everything there is.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    texts: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the tree at `root`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or git fails; a tracked file that was deleted and not yet committed is left out.
    pub fn open(root: &Path) -> Result<Self, TidyError> {
        let names = if root.join(".git").exists() { listed_by_git(root)? } else { walked(root)? };
        let mut texts = BTreeMap::new();
        for name in names {
            let path = root.join(&name);
            if !path.exists() {
                continue;
            }
            let bytes = std::fs::read(&path).map_err(|cause| TidyError::Read { path, cause })?;
            texts.insert(name, String::from_utf8(bytes).ok());
        }
        Ok(Self { root: root.to_path_buf(), texts })
    }

    /// Where the tree lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All files, relative to the root, in order.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// All text files with their text; a file that is not UTF-8 is not a text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().filter_map(|(name, text)| Some((name.as_str(), text.as_deref()?)))
    }

    /// The text of one file, if it is there and is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name)?.as_deref()
    }

    /// Whether there is a file of this name, or a folder with a file in it.
    pub fn has(&self, name: &str) -> bool {
        let folder = format!("{}/", name.trim_end_matches('/'));
        self.texts.contains_key(name) || self.texts.keys().any(|file| file.starts_with(&folder))
    }
}

/// Tracked files, and new ones that git does not ignore: a file is checked before it is added, not after.
fn listed_by_git(root: &Path) -> Result<Vec<String>, TidyError> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let failed = |cause: String| TidyError::Command { command: format!("git {}", arguments.join(" ")), cause };
    let output =
        Command::new("git").arg("-C").arg(root).args(arguments).output().map_err(|cause| failed(cause.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn walked(root: &Path) -> Result<Vec<String>, TidyError> {
    let mut names = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let failed = |cause| TidyError::Read { path: folder.clone(), cause };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                if !SKIPPED_FOLDERS.iter().any(|skipped| entry.file_name() == *skipped) {
                    folders.push(path);
                }
            } else if let Ok(relative) = path.strip_prefix(root) {
                names.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    Ok(names)
}

/// The ending of a file's name behind its last dot; empty where there is none.
pub(crate) fn ending(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}
