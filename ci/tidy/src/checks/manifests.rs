//! Every crate inherits the workspace's lints and version, and none has a build profile of its own: a profile outside
//! the root is silently ignored by cargo, so one there is a wish that nobody fulfils.

use crate::packages::Package;
use crate::{Problem, Tree};
use toml::{Table, Value};

const NAME: &str = "manifests";
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

pub(super) fn check(tree: &Tree, packages: &[Package]) -> Vec<Problem> {
    packages.iter().flat_map(|package| check_manifest(tree, &package.manifest())).collect()
}

fn check_manifest(tree: &Tree, path: &str) -> Vec<Problem> {
    let Some(text) = tree.text(path) else {
        return vec![Problem::of(NAME, path, "cargo reads this manifest, but it is not part of the tree")];
    };
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Problem::of(NAME, path, format!("does not parse: {error}"))],
    };
    let mut problems = Vec::new();
    if !is_inherited(manifest.get("lints")) {
        problems.push(Problem::of(NAME, path, "has no `[lints] workspace = true`"));
    }
    if manifest.contains_key("profile") {
        problems.push(Problem::of(NAME, path, "has a `[profile]`: profiles stand in the root manifest"));
    }
    for field in INHERITED {
        // A crate that links what is under another licence says so itself (docs/ARCHITECTURE.md, "Programs").
        let value = manifest.get("package").and_then(|package| package.get(field));
        let is_own_licence = field == "license" && value.is_some_and(Value::is_str);
        if !is_inherited(value) && !is_own_licence {
            problems.push(Problem::of(NAME, path, format!("does not inherit `{field}` from the workspace")));
        }
    }
    problems
}

fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}
