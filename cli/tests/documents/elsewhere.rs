//! Commands that build or test the tree: they are shown by documents, and run by ci/ instead of here.

use crate::stage::root;

/// A command, the file of ci/ that runs it, and how it stands there.
struct Elsewhere {
    command: &'static str,
    file: &'static str,
    words: &'static str,
}

const ELSEWHERE: [Elsewhere; 4] = [
    Elsewhere { command: "./ci/quickstart", file: "ci/test", words: "ci/quickstart" },
    Elsewhere { command: "./ci/quickstart --slurm", file: "ci/test", words: "ci/quickstart --slurm" },
    Elsewhere { command: "./ci/test", file: "ci/tests/stages", words: "cp -r ci/test " },
    Elsewhere {
        command: "cargo build --locked --release",
        file: "ci/quickstart",
        words: "cargo build --quiet --locked --release ",
    },
];

/// Whether the command is run by a file of ci/. Panics where that file does not hold it any more.
pub(crate) fn is_run(command: &str) -> bool {
    let bare = bare(command);
    let Some(found) = ELSEWHERE.iter().find(|elsewhere| elsewhere.command == bare) else { return false };
    let text = std::fs::read_to_string(root().join(found.file)).expect("a file of ci/");
    assert!(text.contains(found.words), "`{bare}` is not run by {} any more: `{}`", found.file, found.words);
    true
}

/// An entry that no document needs is a leftover.
pub(crate) fn has_nothing_unused(shown: &[String]) {
    for Elsewhere { command, .. } in ELSEWHERE {
        assert!(shown.iter().any(|shown| bare(shown) == command), "no document shows `{command}`");
    }
}

/// Without the comment behind it.
fn bare(command: &str) -> &str {
    command.split(" #").next().unwrap_or_default().trim()
}
