//! A small made-up repository that every check is content with, to be broken one way at a time.

use std::collections::BTreeSet;
use std::fs;
use tempfile::TempDir;
use tidy::{Tree, check};

/// Folder, what docs/ARCHITECTURE.md says it may import, and one house dependency that is allowed.
const FOLDERS: [(&str, &str, Option<&str>); 13] = [
    ("model", "-", None),
    ("reach", "model", Some("model")),
    ("sites", "model", Some("model")),
    ("templates", "model", None),
    ("scheduler-adapters", "model, reach", Some("reach")),
    ("staging", "model, reach", Some("reach")),
    ("identity", "model", None),
    ("ledger", "model", Some("model")),
    ("telemetry", "model", None),
    ("reports", "model", None),
    ("service", "model, ledger, identity, reports", Some("ledger")),
    ("jobs", "model and the leaves it needs", Some("scheduler-adapters")),
    ("cli", "jobs, service, model; leaves in wiring only", Some("jobs")),
];

pub(crate) struct House {
    folder: TempDir,
}

impl House {
    /// A house without a problem.
    pub(crate) fn clean() -> Self {
        let house = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let members: Vec<String> = FOLDERS.iter().map(|(name, ..)| format!("{name:?}")).collect();
        house.write("Cargo.toml", &workspace(&members.join(", ")));
        let mut plan = "# Plan\n\n## One idea\n\n| folder | job | may import | never |\n|---|---|---|---|\n".to_owned();
        for (name, words, dependency) in FOLDERS {
            house.write(
                &format!("{name}/Cargo.toml"),
                &manifest(name, &dependency.map(house_dependency).unwrap_or_default()),
            );
            house.write(&format!("{name}/src/lib.rs"), "//! A crate.\n");
            plan = format!("{plan}| {name}/ | one | {words} | - |\n");
        }
        house.write("ci/lab/Cargo.toml", &manifest("lab", ""));
        house.write("ci/lab/src/lib.rs", "//! The lab.\n");
        house.write("docs/ARCHITECTURE.md", &plan);
        for file in [
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "README.md",
            "deny.toml",
            "docs/decisions/README.md",
            "docs/for-admins.md",
            "docs/guides/operator.md",
            "docs/guides/pi.md",
            "docs/guides/researcher.md",
            "docs/guides/reviewer.md",
            "docs/performance.md",
            "docs/reference/commands.md",
            "docs/reference/configuration.md",
            "docs/reference/exit-codes.md",
            "docs/reference/job-file.md",
            "docs/reference/json.md",
            "docs/reference/sites.md",
            "docs/soak.md",
            "Cargo.lock",
        ] {
            house.write(file, "");
        }
        house
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().expect("a file lies in a folder")).expect("a folder");
        fs::write(file, text).expect("a file");
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.folder.path().join(path)).expect("the file was there");
    }

    /// Makes the crate depend on other things than the clean house has it.
    pub(crate) fn depend(&self, folder: &str, dependencies: &str) {
        let name = folder.rsplit('/').next().expect("a name");
        self.write(&format!("{folder}/Cargo.toml"), &manifest(name, dependencies));
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What the checks say, a line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.problems_with_hosts(&[])
    }

    pub(crate) fn problems_with_hosts(&self, hosts: &[&str]) -> Vec<String> {
        let tree = Tree::open(self.folder.path()).expect("the tree is readable");
        let hosts: BTreeSet<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let problems = check(&tree, &hosts).expect("cargo reads the manifests");
        problems.iter().map(ToString::to_string).collect()
    }
}

pub(crate) fn house_dependency(name: &str) -> String {
    format!("[dependencies]\n{name} = {{ path = \"../{name}\" }}\n")
}

fn workspace(members: &str) -> String {
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{members}, \"ci/lab\"]\n\n[workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         rust-version = \"1.95\"\nlicense = \"MIT\"\npublish = false\n\n[workspace.lints.rust]\nunsafe_code = \"deny\"\n"
    )
}

fn manifest(name: &str, dependencies: &str) -> String {
    let inherited = ["version", "edition", "rust-version", "license", "publish"]
        .map(|field| format!("{field}.workspace = true\n"))
        .concat();
    format!("[package]\nname = \"{name}\"\n{inherited}\n[lints]\nworkspace = true\n\n{dependencies}")
}
