//! Words that stand where work is missing: `todo!`, `unimplemented!`, `dbg!` in code, and the marks people leave in
//! comments of code and scripts.

use crate::source::Source;
use crate::tree::ending;
use crate::{Problem, Tree};
use std::collections::BTreeMap;

const NAME: &str = "words";
const MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Written in parts, so that this file does not hold what it looks for.
const MARKS: [&str; 3] = [concat!("FIX", "ME"), concat!("XX", "X:"), concat!("TO", "DO")];

pub(super) fn check(tree: &Tree, sources: &BTreeMap<String, Source>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, source) in sources {
        for pair in source.tokens.windows(2) {
            if pair[1].text == "!" && MACROS.contains(&pair[0].text.as_str()) {
                let message = format!("`{}!` is not left in the tree", pair[0].text);
                problems.push(Problem::at(NAME, file.as_str(), pair[0].line, message));
            }
        }
    }
    // A document may speak about the rule; code, scripts and settings may not break it.
    for (file, text) in tree.texts().filter(|(file, _)| ending(file) != "md") {
        for (index, line) in text.lines().enumerate() {
            if let Some(mark) = MARKS.iter().find(|mark| has_word(line, mark)) {
                let message = format!("`{mark}`: do it, or open an issue");
                problems.push(Problem::at(NAME, file, index + 1, message));
            }
        }
    }
    problems
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        ![before, after].into_iter().flatten().any(|sign| sign.is_alphanumeric() || sign == '_')
    })
}
