//! Tests wait for a state, not for a time: no `sleep` in them, but in the listed functions that wait with a bound.

use crate::Problem;
use crate::rules::BOUNDED_WAITS;
use crate::source::{Source, is_test_file};
use std::collections::BTreeMap;

const NAME: &str = "sleeps";

pub(super) fn check(sources: &BTreeMap<String, Source>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, source) in sources {
        for pair in source.tokens.windows(2) {
            let line = pair[0].line;
            let is_call = pair[0].text == "sleep" && pair[1].text == "(";
            if is_call && (is_test_file(file) || source.is_test(line)) && !is_bounded_wait(file, source, line) {
                let message =
                    "a test sleeps: wait for a state, in a function with a bound listed in ci/tidy/src/rules.rs";
                problems.push(Problem::at(NAME, file.as_str(), line, message));
            }
        }
    }
    problems
}

/// Whether the line lies in a listed function.
fn is_bounded_wait(file: &str, source: &Source, line: usize) -> bool {
    let listed = BOUNDED_WAITS.iter().filter(|wait| wait.file == file);
    let mut functions =
        listed.flat_map(|wait| source.functions.iter().filter(|function| function.name == wait.function));
    functions.any(|function| (function.line..function.line + function.lines).contains(&line))
}
