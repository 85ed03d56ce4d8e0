//! Plays a document: writes its files, runs its commands, compares what they print.

use crate::{
    blocks::{Commands, Part, Shown, parts},
    elsewhere,
    normalise::{has_exact_numbers, is_as_shown, normal},
    stage::{Stage, root},
};
use std::collections::BTreeSet;

/// Programs besides `pakt` that a document may run.
const TOOLS: [&str; 8] = ["cat", "echo", "grep", "head", "mkdir", "python3", "sbatch", "tail"];

/// A command that did not print what the document shows.
struct Difference {
    line: usize,
    shown: Vec<String>,
    found: Vec<String>,
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// The sites for which a document has commands.
pub(crate) fn sites(document: &str) -> BTreeSet<String> {
    blocks(document).into_iter().map(|block| block.site).collect()
}

/// All commands that a document shows.
pub(crate) fn commands(document: &str) -> Vec<String> {
    blocks(document).into_iter().flat_map(|block| block.shown).map(|shown| shown.command).collect()
}

fn blocks(document: &str) -> Vec<Commands> {
    let commands = |part| match part {
        Part::Commands(block) => Some(block),
        Part::File { .. } => None,
    };
    parts(document, &read(document)).into_iter().filter_map(commands).collect()
}

/// Runs what the document shows for a site.
pub(crate) fn play(document: &str, site: &str) {
    let text = read(document);
    let parts = parts(document, &text);
    let stage = Stage::new(site);
    let mut differences = Vec::new();
    for part in &parts {
        match part {
            Part::File { name, text } => stage.write(name, text),
            Part::Commands(block) if block.site == site => differences.extend(play_block(document, &stage, block)),
            Part::Commands(_) => {}
        }
    }
    stage.clear();
    if std::env::var("UPDATE_DOCUMENTS").is_ok_and(|value| value == "1") {
        std::fs::write(root().join(document), updated(&text, &stage, differences))
            .expect("the document can be written");
        return;
    }
    let told: String = differences.iter().map(|difference| tell(document, difference)).collect();
    assert!(differences.is_empty(), "{told}next: UPDATE_DOCUMENTS=1 cargo test -p cli --test documents");
}

fn play_block(document: &str, stage: &Stage, block: &Commands) -> Vec<Difference> {
    for command in &block.before {
        stage.printed(command);
    }
    for job in &block.over {
        stage.await_end(job);
    }
    let last = block.shown.len();
    let run = |(index, shown): (usize, &Shown)| {
        let code = if index + 1 == last { block.code } else { 0 };
        play_command(document, stage, shown, code)
    };
    block.shown.iter().enumerate().filter_map(run).collect()
}

fn play_command(document: &str, stage: &Stage, shown: &Shown, code: i32) -> Option<Difference> {
    let Shown { line, command, output } = shown;
    if elsewhere::is_run(command) {
        return None;
    }
    // The program is the first word that is no `NAME=value`.
    let first = command.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default();
    let is_ours = first == "pakt" || first.ends_with("/bin/pakt") || TOOLS.contains(&first);
    assert!(
        is_ours,
        "{document}:{line}: `{command}` is neither run here nor listed in cli/tests/documents/elsewhere.rs"
    );
    let ended = stage.run(command);
    assert_eq!(ended.code, Some(code), "{document}:{line}: `{command}` ended otherwise:\n{}", ended.text);
    let shown = output.as_ref()?;
    let is_exact = has_exact_numbers(command);
    let lines: Vec<String> = ended.text.lines().map(|line| line.trim_end().to_owned()).collect();
    let normal = |lines: &[String]| lines.iter().map(|line| normal(line, is_exact)).collect::<Vec<_>>();
    let is_same = is_as_shown(&normal(shown), &normal(&lines));
    (!is_same).then(|| Difference { line: *line, shown: shown.clone(), found: lines })
}

fn tell(document: &str, difference: &Difference) -> String {
    let lines = |lines: &[String]| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
    let Difference { line, shown, found } = difference;
    format!("{document}:{line}: shown\n{}  found\n{}", lines(shown), lines(found))
}

/// The document with the outputs that were found, on the paths of a person's home.
fn updated(text: &str, stage: &Stage, differences: Vec<Difference>) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for Difference { line, shown, found } in differences.into_iter().rev() {
        let found = found.into_iter().map(|line| line.replace(&stage.path().display().to_string(), "/home/ada"));
        lines.splice(line..line + shown.len(), found);
    }
    lines.join("\n") + "\n"
}

#[test]
#[should_panic(expected = "is neither run here nor listed")]
fn a_command_that_nobody_runs_is_a_mistake() {
    let shown = Shown { line: 1, command: "make install".to_owned(), output: None };
    play_command("a document", &Stage::new("local"), &shown, 0);
}

#[test]
fn an_output_that_differs_is_told() {
    let shown =
        |output: &str| Shown { line: 7, command: "echo one 1".to_owned(), output: Some(vec![output.to_owned()]) };
    let stage = Stage::new("local");
    assert!(play_command("a document", &stage, &shown("one 1"), 0).is_none());
    let difference = play_command("a document", &stage, &shown("one 2"), 0).expect("a difference");
    assert_eq!(tell("a document", &difference), "a document:7: shown\n    one 2\n  found\n    one 1\n");
}
