//! The cells of a sweep in a file of their own: a table with the names of the parameters on top.

use super::{
    fields::Fields,
    paths,
    sweep::{MOST_CELLS, Table},
};
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// The longest file, in bytes.
const LONGEST_BYTES: u64 = 4 * 1024 * 1024;

/// Reads the file that `file` names, as a person on this machine sees it; a mistake where there is no such table.
pub(super) fn read(fields: &Fields<'_>, directory: &Path) -> Option<Table> {
    let name = fields.text("file")?;
    let path = paths::here(fields, "file", directory)?;
    let told = text(&path).and_then(|text| table(&text));
    match told {
        Ok(table) => Some(table),
        Err(why) => {
            let next = "a table with the names on top, a cell a line, values parted by `,` or by tabs";
            fields.mistake("file", format!("`{name}`: {why}"), next);
            None
        }
    }
}

/// The text of a regular file.
fn text(path: &Path) -> Result<String, String> {
    let words = |error: io::Error| error.to_string();
    // A pipe would be waited for.
    if !path.metadata().map_err(words)?.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LONGEST_BYTES + 1).read_to_end(&mut bytes)).map_err(words)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST_BYTES {
        return Err(format!("it is longer than {LONGEST_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())
}

fn table(text: &str) -> Result<Table, String> {
    let text = text.trim_start_matches('\u{feff}');
    let has_tabs = text.lines().next().is_some_and(|first| first.contains('\t'));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if has_tabs { b'\t' } else { b',' })
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let words = |error: csv::Error| error.to_string();
    let parameters: Vec<String> = reader.headers().map_err(words)?.iter().map(|name| name.trim().to_owned()).collect();
    if let Some(twice) = parameters.iter().enumerate().find(|(place, name)| parameters[..*place].contains(name)) {
        return Err(format!("`{}` is there twice", twice.1));
    }
    let mut cells = Vec::new();
    for row in reader.records().take(MOST_CELLS + 1) {
        let row = row.map_err(words)?;
        if row.len() != parameters.len() {
            let line = row.position().map_or(0, csv::Position::line);
            return Err(format!("line {line} has {} values, and there are {} parameters", row.len(), parameters.len()));
        }
        cells.push(row.iter().map(str::to_owned).collect());
    }
    if cells.is_empty() {
        return Err("it has no cell".to_owned());
    }
    Ok(Table { parameters, cells })
}
