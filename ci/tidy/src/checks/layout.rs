//! What lies at the root: only what the lists name, and everything that must be there.

use crate::rules::{IMPORTS, REQUIRED_FILES, ROOT_FILES, ROOT_FOLDERS};
use crate::{Problem, Tree};
use std::collections::BTreeSet;

const NAME: &str = "layout";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut folders = BTreeSet::new();
    for file in tree.files() {
        match file.split_once('/') {
            None if !ROOT_FILES.contains(&file) => {
                problems.push(Problem::of(NAME, file, "not in the list of files at the root (ci/tidy/src/rules.rs)"));
            }
            None => {}
            Some((folder, _)) => {
                folders.insert(folder);
            }
        }
    }
    for folder in folders {
        if !ROOT_FOLDERS.contains(&folder) && !IMPORTS.iter().any(|rule| rule.folder == folder) {
            let message = "not in the list of folders at the root (ci/tidy/src/rules.rs)";
            problems.push(Problem::of(NAME, format!("{folder}/"), message));
        }
    }
    for file in REQUIRED_FILES.iter().filter(|file| tree.text(file).is_none()) {
        problems.push(Problem::of(NAME, *file, "is missing"));
    }
    problems
}
