//! Every command that a document shows is run, and what it shows of their output is compared.
//!
//! Blocks with the info string `console` hold lines `$ command`, each followed by what it prints; `sh` holds commands
//! alone; `crontab` holds lines of a crontab. Comments in front of a block direct it:
//!
//! | comment | what it does |
//! |---|---|
//! | `<!-- on: jupiter -->` | the block runs on that cluster of the lab, in a test named `real_...`; without it on the machine at hand |
//! | `<!-- file: job.yaml -->` | the block is a file, which is written into the folder where the commands run |
//! | `<!-- before: COMMAND -->` | a command that the document takes for granted runs first |
//! | `<!-- over: NAME -->` | the job of that name is waited for first |
//! | `<!-- exit: 2 -->` | the last command of the block ends with that code |
//!
//! A line `...` in an output stands for any lines. A document's commands run in order, in a fresh `PAKT_HOME` and folder.
//! `UPDATE_DOCUMENTS=1 cargo test -p cli --test documents` writes outputs that differ into the documents.

mod blocks;
mod elsewhere;
mod inline;
mod normalise;
mod play;
mod stage;

use play::play;

/// The documents; those of the second list have blocks for a cluster of the lab.
const DOCUMENTS: [&str; 14] = [
    "README.md",
    "docs/checkpoints.md",
    "docs/containers.md",
    "docs/evaluations.md",
    "docs/examples/README.md",
    "docs/examples/teuken/README.md",
    "docs/for-admins.md",
    "docs/guides/operator.md",
    "docs/guides/pi.md",
    "docs/guides/researcher.md",
    "docs/guides/reviewer.md",
    "docs/provenance.md",
    "docs/results.md",
    "docs/sweeps.md",
];
const ON_JUPITER: [&str; 2] = ["README.md", "docs/guides/researcher.md"];

#[test]
fn readme() {
    play("README.md", "local");
}

#[test]
fn checkpoints() {
    play("docs/checkpoints.md", "local");
}

#[test]
fn containers() {
    play("docs/containers.md", "local");
}

#[test]
fn evaluations() {
    play("docs/evaluations.md", "local");
}

#[test]
fn examples() {
    play("docs/examples/README.md", "local");
}

#[test]
fn teuken() {
    play("docs/examples/teuken/README.md", "local");
}

#[test]
fn for_admins() {
    play("docs/for-admins.md", "local");
}

#[test]
fn operator() {
    play("docs/guides/operator.md", "local");
}

#[test]
fn pi() {
    play("docs/guides/pi.md", "local");
}

#[test]
fn researcher() {
    play("docs/guides/researcher.md", "local");
}

#[test]
fn reviewer() {
    play("docs/guides/reviewer.md", "local");
}

#[test]
fn results() {
    play("docs/results.md", "local");
}

#[test]
fn sweeps() {
    play("docs/sweeps.md", "local");
}

#[test]
fn provenance() {
    play("docs/provenance.md", "local");
}

#[test]
fn real_readme_on_jupiter() {
    play("README.md", "jupiter");
}

#[test]
fn real_researcher_on_jupiter() {
    play("docs/guides/researcher.md", "jupiter");
}

#[test]
fn every_document_and_every_cluster_has_a_test() {
    let named = [
        "README.md",
        "docs/checkpoints.md",
        "docs/containers.md",
        "docs/evaluations.md",
        "docs/examples/README.md",
        "docs/examples/teuken/README.md",
        "docs/for-admins.md",
        "docs/provenance.md",
        "docs/results.md",
        "docs/sweeps.md",
    ];
    let mut found: Vec<String> = named.map(str::to_owned).into();
    let guides = std::fs::read_dir(stage::root().join("docs/guides")).expect("docs/guides");
    found.extend(guides.map(|guide| format!("docs/guides/{}", guide.expect("a guide").file_name().display())));
    found.sort_unstable();
    assert_eq!(found, DOCUMENTS);
    for document in DOCUMENTS {
        for site in play::sites(document) {
            let is_played = site == "local" || (site == "jupiter" && ON_JUPITER.contains(&document));
            assert!(is_played, "{document} has commands for `{site}`, and no test runs them");
        }
    }
}

#[test]
fn every_command_that_is_run_elsewhere_is_shown_by_a_document() {
    let shown: Vec<String> = DOCUMENTS.iter().flat_map(|document| play::commands(document)).collect();
    elsewhere::has_nothing_unused(&shown);
}

#[test]
fn commands_in_running_text_exist() {
    for document in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        inline::check(&stage::root().join(document));
    }
    inline::check_below(&stage::root().join("docs"));
}
