//! The import table of docs/ARCHITECTURE.md against what the manifests say: arrows only down, the outside libraries
//! where they belong, and the table in words the same as the table in code.

use crate::packages::{Dependency, Package};
use crate::rules::{EXTERNALS, IMPORTS, ImportRule};
use crate::{Problem, Tree};

const NAME: &str = "imports";
const PLAN: &str = "docs/ARCHITECTURE.md";

pub(super) fn check(tree: &Tree, packages: &[Package]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = packages.iter().flat_map(check_package).collect();
    for rule in IMPORTS.iter().filter(|rule| rule.words.is_some()) {
        if !packages.iter().any(|package| package.folder == rule.folder) {
            problems.push(Problem::of(
                NAME,
                "Cargo.toml",
                format!("the table has `{}/`, the workspace has not", rule.folder),
            ));
        }
    }
    problems.extend(tree.text(PLAN).map(compare_with_plan).unwrap_or_default());
    problems
}

fn check_package(package: &Package) -> Vec<Problem> {
    let manifest = package.manifest();
    let house = package.folder.split('/').next().unwrap_or_default();
    let Some(rule) = IMPORTS.iter().find(|rule| rule.folder == house) else {
        return vec![Problem::of(NAME, manifest, format!("`{house}/` is not a folder of the house ({PLAN})"))];
    };
    let mut problems = Vec::new();
    if package.folder.rsplit('/').next() != Some(package.name.as_str()) {
        let message = format!("crate `{}` lies in `{}/`: folder name = crate name", package.name, package.folder);
        problems.push(Problem::of(NAME, manifest.clone(), message));
    }
    for dependency in &package.dependencies {
        problems.extend(check_dependency(package, rule, dependency));
    }
    problems
}

fn check_dependency(package: &Package, rule: &ImportRule, dependency: &Dependency) -> Option<Problem> {
    let manifest = package.manifest();
    if let Some(folder) = &dependency.folder {
        let is_lab = dependency.is_for_tests && folder == "ci/lab";
        let is_own = folder.split('/').next() == Some(rule.folder);
        let is_allowed = is_lab || is_own || rule.may_import.contains(&folder.as_str());
        return (!is_allowed).then(|| {
            let allowed = if rule.may_import.is_empty() { "nothing".to_owned() } else { rule.may_import.join(", ") };
            Problem::of(NAME, manifest, format!("`{}/` imports `{folder}/`; it may import {allowed}", rule.folder))
        });
    }
    let external =
        EXTERNALS.iter().find(|external| external.packages.iter().any(|name| matches(name, &dependency.name)))?;
    let is_allowed = external
        .folders
        .iter()
        .any(|folder| package.folder == *folder || package.folder.starts_with(&format!("{folder}/")));
    (!is_allowed).then(|| {
        let message =
            format!("`{}` ({}) belongs only in {}", dependency.name, external.what, external.folders.join(", "));
        Problem::of(NAME, manifest, message)
    })
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning))
}

/// The rows `| folder/ | its one job | may import | must never |` of the plan.
fn compare_with_plan(text: &str) -> Vec<Problem> {
    let rows: Vec<(usize, &str, &str)> =
        text.lines().enumerate().filter_map(|(index, line)| read_row(index, line)).collect();
    let mut problems = Vec::new();
    for rule in IMPORTS {
        let Some(words) = rule.words else { continue };
        match rows.iter().find(|(_, folder, _)| *folder == rule.folder) {
            None => {
                problems.push(Problem::of(NAME, PLAN, format!("the import table has no row for `{}/`", rule.folder)));
            }
            Some((line, _, cell)) if *cell != words => {
                let message =
                    format!("`{}/` may import \"{cell}\" here and \"{words}\" in ci/tidy/src/rules.rs", rule.folder);
                problems.push(Problem::at(NAME, PLAN, *line, message));
            }
            Some(_) => {}
        }
    }
    for (line, folder, _) in rows {
        if !IMPORTS.iter().any(|rule| rule.folder == folder) {
            problems.push(Problem::at(NAME, PLAN, line, format!("ci/tidy/src/rules.rs has no row for `{folder}/`")));
        }
    }
    problems
}

fn read_row(index: usize, line: &str) -> Option<(usize, &str, &str)> {
    let cells: Vec<&str> = line.trim().strip_prefix('|')?.split('|').map(str::trim).collect();
    let folder = cells.first()?.trim_matches('`').strip_suffix('/')?;
    (cells.len() >= 4).then(|| (index + 1, folder, cells[2]))
}
