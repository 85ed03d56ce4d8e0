//! A page: its file, its tables, and the comparison.

use std::path::{Path, PathBuf};

/// The root of the tree.
pub(crate) fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().expect("the workspace's root holds this crate").to_owned()
}

/// Compares the page with its file in docs/reference/, or writes it where that is asked for.
pub(crate) fn compare(name: &str, title: &str, body: &str) {
    let path = root().join("docs/reference").join(name);
    let text =
        format!("# {title}\n\n<!-- Written by cli/tests/reference; a test compares it. -->\n\n{}\n", body.trim());
    if std::env::var("UPDATE_REFERENCE").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("docs/reference can be made");
        std::fs::write(&path, text).expect("the page can be written");
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = found.lines().zip(text.lines()).position(|(found, wanted)| found != wanted);
    let at = lines.unwrap_or_else(|| found.lines().count().min(text.lines().count()));
    assert!(
        found == text,
        "docs/reference/{name} is not what the program says, from line {} on:\n  file     {}\n  program  {}\n\
         next: UPDATE_REFERENCE=1 cargo test -p cli --test reference",
        at + 1,
        found.lines().nth(at).unwrap_or("(its end)"),
        text.lines().nth(at).unwrap_or("(its end)"),
    );
}

/// A table.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.iter().map(|&cell| cell.to_owned()).collect());
    text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    for row in rows {
        text.push_str(&line(row.into_iter().map(|cell| cell.replace('|', "\\|")).collect()));
    }
    text
}

/// A value as code; a dash for none.
pub(crate) fn code(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { format!("`{text}`") }
}
