//! Paths that only some places may name: processes start in reach, and the command line touches the leaves of the house
//! only where it wires them.

use crate::Problem;
use crate::rules::{LEAVES, PATHS};
use crate::source::{Source, is_test_file};
use std::collections::BTreeMap;

const NAME: &str = "paths";
const WIRING: &str = "cli/src/wiring";

pub(super) fn check(sources: &BTreeMap<String, Source>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, source) in sources.iter().filter(|(file, _)| !is_test_file(file) && !file.ends_with("build.rs")) {
        for (path, line) in source.paths.iter().filter(|(_, line)| !source.is_test(*line)) {
            let message = check_process(file, path).or_else(|| check_wiring(file, source, path));
            problems.extend(message.map(|message| Problem::at(NAME, file.as_str(), *line, message)));
        }
    }
    problems
}

fn check_process(file: &str, path: &str) -> Option<String> {
    let rule = PATHS.iter().find(|rule| rule.paths.iter().any(|beginning| begins_with(path, beginning)))?;
    let is_allowed = rule.places.iter().any(|place| file.starts_with(place));
    (!is_allowed).then(|| format!("`{path}` starts {} outside {}", rule.what, rule.places.join(", ")))
}

fn check_wiring(file: &str, source: &Source, path: &str) -> Option<String> {
    if !file.starts_with("cli/src/") || file.starts_with(WIRING) {
        return None;
    }
    let first = path.split("::").next().unwrap_or_default();
    let is_leaf = LEAVES.iter().any(|leaf| leaf.replace('-', "_") == first);
    // A module or an import of the same name means that one, not the crate.
    let is_own = source.own_names.iter().any(|name| name == first);
    (is_leaf && !is_own).then(|| format!("`{path}`: the leaves of the house are wired in {WIRING}/ only"))
}

fn begins_with(path: &str, beginning: &str) -> bool {
    path.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
