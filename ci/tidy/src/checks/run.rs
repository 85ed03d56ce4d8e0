//! Runs every check once over a tree.

use super::{imports, layout, links, machine, manifests, paths, sleeps, unsafety, walls, words};
use crate::packages::packages;
use crate::source::Source;
use crate::tree::ending;
use crate::{Problem, TidyError, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// All problems of the tree, in the order of files and lines. `registry_hosts` are names that must not occur in it.
///
/// # Errors
///
/// When cargo cannot say which packages there are. A Rust file that does not parse is a problem, not an error.
pub fn check(tree: &Tree, registry_hosts: &BTreeSet<String>) -> Result<Vec<Problem>, TidyError> {
    let packages = packages(tree.root())?;
    let (sources, mut problems) = read_sources(tree);
    problems.extend(imports::check(tree, &packages));
    problems.extend(layout::check(tree));
    problems.extend(links::check(tree));
    problems.extend(machine::check(tree, registry_hosts));
    problems.extend(manifests::check(tree, &packages));
    problems.extend(paths::check(&sources));
    problems.extend(sleeps::check(&sources));
    problems.extend(unsafety::check(&sources));
    problems.extend(walls::check(tree, &sources));
    problems.extend(words::check(tree, &sources));
    problems.sort();
    problems.dedup();
    Ok(problems)
}

fn read_sources(tree: &Tree) -> (BTreeMap<String, Source>, Vec<Problem>) {
    let (mut sources, mut problems) = (BTreeMap::new(), Vec::new());
    for (path, text) in tree.texts().filter(|(path, _)| ending(path) == "rs") {
        match Source::parse(text) {
            Ok(source) => {
                sources.insert(path.to_owned(), source);
            }
            Err((line, error)) => problems.push(Problem::at("rust", path, line, format!("does not parse: {error}"))),
        }
    }
    (sources, problems)
}
