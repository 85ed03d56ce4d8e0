//! The text of a file: which form it has.

use super::{
    generic, lm_eval,
    page::{Page, ToldKind},
    python_json::parse,
};
use serde_json::Value;
use std::path::Path;

/// So many lines of a file are read.
const MOST_LINES: usize = 200_000;

/// Reads what the bytes have.
pub(super) fn read(bytes: &[u8], page: &mut Page) {
    if bytes.trim_ascii().is_empty() {
        return page.tell(ToldKind::NoResult, "it is empty");
    }
    if Path::new(page.file()).extension().is_some_and(|ending| ending == "jsonl") {
        return lines(bytes, page);
    }
    match parse(bytes) {
        Ok(file) if lm_eval::is_one(&file) => lm_eval::read(&file, page),
        Ok(Value::Array(entries)) => entries.into_iter().for_each(|entry| generic::read(entry, page)),
        Ok(entry @ Value::Object(_)) => generic::read(entry, page),
        Ok(_) => page.tell(ToldKind::NoResult, "it is JSON, and neither an object nor a list of them"),
        Err(_) if begins_with_a_line(bytes) => lines(bytes, page),
        Err(why) => page.tell(ToldKind::NoResult, format!("it is no JSON: {why}")),
    }
}

/// Whether the first line is an object and not the only one.
fn begins_with_a_line(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii();
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.is_some_and(|end| parse(&bytes[..end]).is_ok_and(|line| line.is_object()))
}

fn lines(bytes: &[u8], page: &mut Page) {
    for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        page.line = Some(place + 1);
        if place == MOST_LINES {
            page.tell(ToldKind::Entry, format!("behind {MOST_LINES} lines nothing is read"));
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match parse(line) {
            Ok(entry) => generic::read(entry, page),
            Err(why) => page.tell(ToldKind::Entry, format!("the line is no JSON: {why}")),
        }
    }
    page.line = None;
}
