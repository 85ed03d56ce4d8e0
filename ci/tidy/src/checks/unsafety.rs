//! `unsafe`, and any allowance of it, only where the plan of the house puts it.

use crate::Problem;
use crate::rules::UNSAFE_PLACES;
use crate::source::Source;
use std::collections::BTreeMap;

const NAME: &str = "unsafety";

pub(super) fn check(sources: &BTreeMap<String, Source>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, source) in sources {
        if UNSAFE_PLACES.iter().any(|place| file.starts_with(place)) {
            continue;
        }
        for token in source.tokens.iter().filter(|token| token.text == "unsafe" || token.text == "unsafe_code") {
            let message = format!("`{}` outside {}", token.text, UNSAFE_PLACES.join(", "));
            problems.push(Problem::at(NAME, file.as_str(), token.line, message));
        }
    }
    problems
}
