//! Files of results, below folders or named one by one.

use super::page::{Told, ToldKind};
use crate::error::{Gravity, JobsError};
use model::Timestamp;
use reach::{Entry, EntryKind, Reach};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub(super) const NOT_READ: &str = "no results were read";

/// How far below a folder files are looked for.
const MOST_LEVELS: usize = 12;
/// So many entries of folders are looked at.
const MOST_ENTRIES: usize = 200_000;
/// So many files are read.
const MOST_FILES: usize = 20_000;

/// Files, each once, in the order of their paths, with the time when each was last written.
pub(crate) type Found = BTreeMap<PathBuf, Option<Timestamp>>;

/// Looks for files. A path that is not there is a mistake; a folder below one that cannot be read is told.
pub(crate) async fn find(files: &dyn Reach, paths: &[PathBuf], told: &mut Vec<Told>) -> Result<Found, JobsError> {
    let mut search = Search { found: Found::new(), entries: 0 };
    for path in paths {
        match files.list(path).await {
            Ok(Some(entries)) => search.below(files, path, entries, told).await?,
            Ok(None) => {
                let why = format!("there is no file or folder `{}`", path.display());
                return Err(JobsError::usage(NOT_READ, why, "name a folder with results, or files of them"));
            }
            // It is no folder, or one that cannot be read, which reading it as a file will say.
            Err(_) => {
                search.found.insert(path.clone(), files.modified_at(path).await.ok().flatten());
            }
        }
    }
    Ok(search.found)
}

struct Search {
    found: Found,
    entries: usize,
}

impl Search {
    async fn below(
        &mut self,
        files: &dyn Reach,
        folder: &Path,
        entries: Vec<Entry>,
        told: &mut Vec<Told>,
    ) -> Result<(), JobsError> {
        let mut folders = vec![(folder.to_owned(), entries, 1)];
        while let Some((folder, entries, level)) = folders.pop() {
            self.entries += entries.len();
            for entry in entries.into_iter().filter(|entry| !entry.name.starts_with('.')) {
                let path = folder.join(&entry.name);
                match entry.kind {
                    EntryKind::Directory if level < MOST_LEVELS => match files.list(&path).await {
                        Ok(below) => folders.push((path, below.unwrap_or_default(), level + 1)),
                        Err(error) => told.push(remark(&path, ToldKind::Unreachable, error.to_string())),
                    },
                    EntryKind::Directory => {
                        let what = format!("it lies more than {MOST_LEVELS} folders deep: name it to look into it");
                        told.push(remark(&path, ToldKind::Entry, what));
                    }
                    EntryKind::File if is_name_of_results(&entry.name) => {
                        self.found.insert(path, Some(entry.modified_at));
                    }
                    EntryKind::Other if is_name_of_results(&entry.name) => {
                        let what = "it is a link or no regular file: name it to read it";
                        told.push(remark(&path, ToldKind::Entry, what.to_owned()));
                    }
                    EntryKind::File | EntryKind::Other => {}
                }
                self.refuse_too_many()?;
            }
        }
        Ok(())
    }

    fn refuse_too_many(&self) -> Result<(), JobsError> {
        let why = if self.entries > MOST_ENTRIES {
            format!("more than {MOST_ENTRIES} files and folders lie there")
        } else if self.found.len() > MOST_FILES {
            format!("more than {MOST_FILES} files of results lie there")
        } else {
            return Ok(());
        };
        Err(JobsError::new(Gravity::Usage, NOT_READ, why, "name a folder farther down"))
    }
}

pub(super) fn remark(path: &Path, kind: ToldKind, what: String) -> Told {
    Told { file: path.display().to_string(), line: None, kind, what }
}

/// Whether a file of this name is read where a folder was named: as the LM Evaluation Harness calls its files (`results.json`
/// before 0.4.3), and as ours are to be called. The harness's own `samples_*.jsonl` have no scores.
pub(crate) fn is_name_of_results(name: &str) -> bool {
    let (before, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    match ending {
        "json" if before == "results" || before.starts_with("results_") => true,
        "json" | "jsonl" => before == "scores" || before.ends_with(".scores"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_name_of_results;

    #[test]
    fn names_of_results() {
        for name in ["results.json", "results_2026-11-27T16-04-28.348433.json", "scores.jsonl", "mt-bench.scores.json"]
        {
            assert!(is_name_of_results(name), "{name}");
        }
        for name in ["samples_sums_2026.jsonl", "all_results.json", "results.jsonl", "highscores.json", "results_x.txt"]
        {
            assert!(!is_name_of_results(name), "{name}");
        }
    }
}
