//! A file of several jobs: YAML documents behind each other, as a program writes them that makes many jobs.

use super::SourceFile;

/// Each document of a file as a file of its own, with the number of lines before it; a file that has only one as it is.
///
/// A line that begins with `---` starts a document and one that begins with `...` ends one, wherever it stands: no value
/// of YAML may hold such a line (YAML 1.2.2, 9.1.2). What is empty or only comments is no document beside others.
pub fn documents(file: SourceFile) -> Vec<SourceFile> {
    let found = split(&file.text);
    match found.as_slice() {
        [] | [_] => vec![file],
        several => several.iter().map(|(lines_before, text)| one(&file, *lines_before, text)).collect(),
    }
}

fn one(file: &SourceFile, lines_before: usize, text: &str) -> SourceFile {
    let (path, directory) = (file.path.clone(), file.directory.clone());
    SourceFile { path, directory, text: text.to_owned(), lines_before: file.lines_before + lines_before }
}

/// The documents with content, each with the number of lines before it.
fn split(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start, mut lines_before, mut offset) = (Vec::new(), 0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number > 0 && (is_marker(line, "---") || is_marker(line, "...")) {
            found.push((lines_before, &text[start..offset]));
            (start, lines_before) = (offset, number);
        }
        offset += line.len();
    }
    found.push((lines_before, &text[start..]));
    found.retain(|(_, document)| has_content(document));
    found
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn has_content(document: &str) -> bool {
    document.lines().any(|line| {
        let line = if is_marker(line, "---") || is_marker(line, "...") { &line[3..] } else { line };
        let line = line.trim_start();
        // A line of directives belongs to the document behind it.
        !line.is_empty() && !line.starts_with(['#', '%'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::PathBuf;

    fn file(text: &str) -> SourceFile {
        SourceFile {
            path: PathBuf::from("jobs.yaml"),
            directory: PathBuf::from("/e"),
            text: text.to_owned(),
            lines_before: 0,
        }
    }

    fn texts(text: &str) -> Vec<(usize, String)> {
        documents(file(text)).into_iter().map(|file| (file.lines_before, file.text)).collect()
    }

    #[test]
    fn documents_stand_behind_each_other() {
        for (text, expected) in [
            ("", vec![(0, "")]),
            ("# nothing\n", vec![(0, "# nothing\n")]),
            ("name: a\n", vec![(0, "name: a\n")]),
            ("---\nname: a\n", vec![(0, "---\nname: a\n")]),
            ("---\nname: a\n---\n# the end\n", vec![(0, "---\nname: a\n---\n# the end\n")]),
            ("name: a\n---\nname: b\n", vec![(0, "name: a\n"), (1, "---\nname: b\n")]),
            ("# all\n---\nname: a\n---\nname: b", vec![(1, "---\nname: a\n"), (3, "---\nname: b")]),
            ("name: a\n...\n---\nname: b\n...\n", vec![(0, "name: a\n"), (2, "---\nname: b\n")]),
            ("name: a\r\n---\r\nname: b\r\n", vec![(0, "name: a\r\n"), (1, "---\r\nname: b\r\n")]),
            ("--- {name: a}\n--- {name: b}\n", vec![(0, "--- {name: a}\n"), (1, "--- {name: b}\n")]),
            ("run: --- x\n----\n ---\nname: a\n", vec![(0, "run: --- x\n----\n ---\nname: a\n")]),
            ("run: |\n  a\n  ---\n  b\n---\nname: b\n", vec![(0, "run: |\n  a\n  ---\n  b\n"), (4, "---\nname: b\n")]),
        ] {
            let expected: Vec<(usize, String)> = expected.into_iter().map(|(at, text)| (at, text.to_owned())).collect();
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn each_document_stands_where_it_says(text in "(---|\\.\\.\\.|# c|a: b|\\u{e4}|\\PC{0,3}|\r)?(\n(---|\\.\\.\\.|# c|a: b|  x)?){0,12}") {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            for (before, document) in texts(&text) {
                prop_assert!(lines[before..].concat().starts_with(&document), "{before} {document:?}");
            }
        }
    }
}
