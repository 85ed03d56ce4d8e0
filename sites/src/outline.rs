//! The outline of a YAML text: which field stands where. The reader names lines and columns but no fields, and a check
//! after it knows fields but no lines; this joins the two. It is a hint for messages, never a second reader.

/// A field's path and the place of its key; lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) path: String,
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// A key or list item that is still open, by its indentation.
struct Open {
    column: usize,
    path: String,
    items: usize,
}

/// The fields of a text in block style, in order.
pub(crate) fn outline(text: &str) -> Vec<Heading> {
    let mut headings = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut column = line.chars().take_while(|letter| *letter == ' ').count();
        let mut rest = line.trim_start_matches(' ');
        while let Some(item) = rest.strip_prefix("- ") {
            // An item may stand at the column of the key it belongs to.
            while open.last().is_some_and(|last| last.column > column) {
                open.pop();
            }
            if let Some(list) = open.last_mut() {
                let path = format!("{}[{}]", list.path, list.items);
                list.items += 1;
                open.push(Open { column: column + 1, path, items: 0 });
            }
            column += 2 + item.len() - item.trim_start_matches(' ').len();
            rest = item.trim_start_matches(' ');
        }
        let Some(key) = key_of(rest) else { continue };
        while open.last().is_some_and(|last| last.column >= column) {
            open.pop();
        }
        let path = open.last().map_or_else(|| key.to_owned(), |last| format!("{}.{key}", last.path));
        headings.push(Heading { path: path.clone(), line: number as u64 + 1, column: column as u64 + 1 });
        open.push(Open { column, path, items: 0 });
    }
    headings
}

/// The field that stands at a place: the last one that begins at or before it.
pub(crate) fn field_at(text: &str, line: u64, column: u64) -> String {
    let headings = outline(text);
    let before = headings.into_iter().rev().find(|heading| (heading.line, heading.column) <= (line, column));
    before.map(|heading| heading.path).unwrap_or_default()
}

/// The place of a field, or of the nearest one above it; the start of the text where there is none.
pub(crate) fn place_of(text: &str, path: &str) -> (u64, u64) {
    let headings = outline(text);
    let mut wanted = path;
    loop {
        if let Some(heading) = headings.iter().find(|heading| heading.path == wanted) {
            return (heading.line, heading.column);
        }
        match wanted.rfind(['.', '[']) {
            Some(end) => wanted = &wanted[..end],
            None => return (1, 1),
        }
    }
}

fn key_of(rest: &str) -> Option<&str> {
    let (key, after) = rest.split_once(':')?;
    let is_key =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (is_key && (after.is_empty() || after.starts_with(' '))).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "site: x\nlogin:\n  hosts: [a]\npartitions:\n  - name: one\n    cpus: { per_node: 4 }\n  - name: two\n    \
        limits:\n      wall: 1\n";

    #[test]
    fn fields_and_places_both_ways() {
        for (path, line, column) in [
            ("site", 1, 1),
            ("login.hosts", 3, 3),
            ("partitions[0].name", 5, 5),
            ("partitions[0].cpus", 6, 5),
            ("partitions[1].limits.wall", 9, 7),
        ] {
            assert_eq!(place_of(TEXT, path), (line, column), "{path}");
            assert_eq!(field_at(TEXT, line, column + 4), path);
        }
        assert_eq!(place_of(TEXT, "partitions[1].limits.nodes"), (8, 5));
        assert_eq!(place_of(TEXT, "nothing.here"), (1, 1));
        assert_eq!(field_at("", 1, 1), "");
    }
}
