//! Relative links in Markdown lead somewhere: to a file or folder of the tree, and to a heading where they name one. So do
//! the documents that code names, in comments and in messages that people read.

use crate::tree::ending;
use crate::{Problem, Tree};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;

const NAME: &str = "links";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let documents = tree.texts().filter(|(path, _)| ending(path) == "md");
    let mut problems: Vec<Problem> = documents.flat_map(|(path, text)| check_document(tree, path, text)).collect();
    // The checks' own tests name documents of trees that they make.
    let code = tree.texts().filter(|(path, _)| ending(path) == "rs" && !path.starts_with("ci/tidy/"));
    problems.extend(code.flat_map(|(path, text)| check_code(tree, path, text)));
    problems
}

/// `docs/NAME.md` in a line of code.
fn check_code(tree: &Tree, path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let is_of_a_path = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
        let words = line.split(|letter| !is_of_a_path(letter)).map(|word| word.trim_end_matches('.'));
        for word in words.filter(|word| word.starts_with("docs/") && ending(word) == "md" && !tree.has(word)) {
            problems.push(Problem::at(NAME, path, number + 1, format!("there is no {word}")));
        }
    }
    problems
}

fn check_document(tree: &Tree, path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else { continue };
        let line = text[..range.start].matches('\n').count() + 1;
        if let Some(message) = broken(tree, path, &dest_url) {
            problems.push(Problem::at(NAME, path, line, message));
        }
    }
    problems
}

/// What is wrong with one link, if anything is.
fn broken(tree: &Tree, document: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    if link.starts_with('/') {
        return Some(format!("`{link}` is absolute: links inside the repository are relative"));
    }
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let Some(target) = resolve(document, file) else { return Some(format!("`{link}` leads out of the repository")) };
    if !target.is_empty() && !tree.has(&target) {
        return Some(format!("`{link}`: there is no {target}"));
    }
    let heading = heading?;
    let text = tree.text(&target).filter(|_| ending(&target) == "md")?;
    (!headings(text).contains(heading)).then(|| format!("`{link}`: {target} has no heading `{heading}`"))
}

/// The file a link in `document` means, relative to the root; none where it climbs above the root.
fn resolve(document: &str, file: &str) -> Option<String> {
    if file.is_empty() {
        return Some(document.to_owned());
    }
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The names by which a web view of the document knows its headings: lower case, blanks to hyphens, other signs dropped.
fn headings(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut title: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => title = Some(String::new()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(title) = &mut title {
                    title.push_str(&words);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                names.extend(title.take().map(|title| heading_name(&title)));
            }
            _ => {}
        }
    }
    names
}

fn heading_name(title: &str) -> String {
    let kept = title.trim().chars().filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign));
    kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect::<String>().to_lowercase()
}
