//! Nothing of the machine that built or wrote it: no home or checkout of one machine, no registry, no proxy.

use crate::{Problem, Tree};
use std::collections::BTreeSet;

const NAME: &str = "machine";

/// Written in parts, so that this file does not hold what it looks for.
const FOLDERS: [&str; 3] = [concat!("/ro", "ot/"), concat!("/wo", "rk/main"), concat!("/wo", "rk/shared")];

/// Registries' own hosts: which registry a build uses is the builder's configuration.
const REGISTRIES: [&str; 5] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
];

/// Settings that point a tool at a registry.
const SETTINGS: [&str; 5] = [
    concat!("index", "-url"),
    concat!("replace", "-with"),
    concat!("--find", "-links"),
    concat!("--regis", "try"),
    concat!("[regis", "tries"),
];

pub(super) fn check(tree: &Tree, registry_hosts: &BTreeSet<String>) -> Vec<Problem> {
    // The lock file is cargo's: it names the public index in every line.
    let texts = tree.texts().filter(|(path, _)| *path != "Cargo.lock");
    let mut problems = Vec::new();
    for (path, text) in texts {
        for (index, line) in text.lines().enumerate() {
            problems
                .extend(check_line(line, registry_hosts).map(|message| Problem::at(NAME, path, index + 1, message)));
        }
    }
    problems
}

fn check_line(line: &str, registry_hosts: &BTreeSet<String>) -> Option<String> {
    if let Some(folder) = FOLDERS.iter().find(|folder| has_absolute(line, folder)) {
        return Some(format!("`{folder}` is a folder of one machine"));
    }
    let host = registry_hosts.iter().find(|host| line.contains(host.as_str()));
    if host.is_some() || REGISTRIES.iter().any(|registry| line.contains(registry)) {
        return Some("names a package registry's host: that is the builder's configuration".to_owned());
    }
    let setting = SETTINGS.iter().find(|setting| line.contains(**setting))?;
    Some(format!("`{setting}` chooses a package registry: that is the builder's configuration"))
}

/// Whether the folder stands in the line as the beginning of a path, not inside a longer one.
fn has_absolute(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|sign| sign.is_alphanumeric() || "._-}~*/".contains(sign))
    })
}
