//! Walls: lines of a file before its tests, lines of a function, and a comment on top that says what the file is.

use crate::rules::{FILE_WALL_LINES, FUNCTION_WALL_LINES};
use crate::source::{Source, is_test_file};
use crate::tree::ending;
use crate::{Problem, Tree};
use std::collections::BTreeMap;

const NAME: &str = "walls";

pub(super) fn check(tree: &Tree, sources: &BTreeMap<String, Source>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, text) in tree.texts().filter(|(file, _)| !is_test_file(file)) {
        let all = text.lines().count();
        let source = sources.get(file);
        if source.is_none() && !is_script(file, text) {
            continue;
        }
        let lines = source.map_or(all, |source| source.lines_before_tests(all));
        if lines > FILE_WALL_LINES {
            let message =
                format!("{lines} lines before its tests, the wall is {FILE_WALL_LINES}: look for the second subject");
            problems.push(Problem::of(NAME, file, message));
        }
        if let Some(source) = source {
            problems.extend(check_functions(file, source));
            if !text.starts_with("//!") {
                problems.push(Problem::at(NAME, file, 1, "has no module comment (`//!`) on its first line"));
            }
        }
    }
    problems
}

fn check_functions<'a>(file: &'a str, source: &'a Source) -> impl Iterator<Item = Problem> + 'a {
    let long = source.functions.iter().filter(|function| function.lines > FUNCTION_WALL_LINES);
    long.filter(|function| !source.is_test(function.line)).map(move |function| {
        let message = format!("`{}` has {} lines, the wall is {FUNCTION_WALL_LINES}", function.name, function.lines);
        Problem::at(NAME, file, function.line, message)
    })
}

fn is_script(file: &str, text: &str) -> bool {
    matches!(ending(file), "sh" | "py") || text.starts_with("#!")
}
