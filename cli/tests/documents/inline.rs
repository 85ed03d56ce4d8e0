//! Commands in running text, such as `pakt ledger verify`: they are not run, but their names and options must exist.

use std::{path::Path, process::Command};

/// What clap takes in front of and behind every command.
const GENERAL: [&str; 5] = ["--json", "--quiet", "--site", "--help", "--version"];

/// Checks every document in a folder and in those below it.
pub(crate) fn check_below(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            check_below(&path);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            check(&path);
        }
    }
}

/// Checks every piece of code in a document's running text that begins with `pakt` and a blank.
pub(crate) fn check(document: &Path) {
    let text = std::fs::read_to_string(document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
    let prose = text.split("```").step_by(2).collect::<Vec<_>>().join("\n");
    let is_command = |code: &&str| code.strip_prefix("pakt").is_some_and(|rest| rest.starts_with([' ', '\n']));
    for code in prose.split('`').skip(1).step_by(2).filter(is_command) {
        check_command(&document.display().to_string(), code);
    }
}

fn check_command(document: &str, code: &str) {
    let words: Vec<&str> = code.split_whitespace().skip(1).collect();
    let is_name = |word: &&&str| word.starts_with(|first: char| first.is_ascii_lowercase());
    let mut path: Vec<&str> = Vec::new();
    let mut help = help(&path).expect("pakt --help");
    for word in words.iter().filter(is_name) {
        if !help.contains("\nCommands:\n") {
            break;
        }
        path.push(word);
        help = self::help(&path).unwrap_or_else(|| panic!("{document}: there is no command `{code}`"));
    }
    let is_option = |word: &&&str| word.starts_with("--") && word.len() > 2 && !GENERAL.contains(*word);
    for option in words.iter().take_while(|word| **word != "--").filter(is_option) {
        let name = option.split('=').next().unwrap_or_default();
        let is_there = help.split_whitespace().any(|word| word == name);
        assert!(is_there, "{document}: `{code}`: `pakt {}` has no option {name}", path.join(" "));
    }
}

fn help(path: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_pakt")).args(path).arg("--help").output().expect("pakt runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
