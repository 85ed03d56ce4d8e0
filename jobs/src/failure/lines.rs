//! A log as lines that can be matched: without colours, and of a progress bar each state as a line.

use regex::Regex;
use std::sync::OnceLock;

/// How much of a log's end is looked at, in bytes.
pub const TAIL: u32 = 64 * 1024;
/// So many of the last lines are looked at: what was said long before the end was not the end.
const MOST_LINES: usize = 400;
/// The longest line that is looked at and shown, in bytes.
const LONGEST_LINE: usize = 2_000;

/// The last lines of a log, the first one first. What is no text stands as the replacement character.
pub(super) fn lines(log: &[u8]) -> Vec<String> {
    static COLOURS: OnceLock<Regex> = OnceLock::new();
    let colours =
        COLOURS.get_or_init(|| Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]").expect("the pattern is read in a test"));
    let tail = &log[log.len().saturating_sub(TAIL as usize)..];
    let text = String::from_utf8_lossy(tail);
    let text = colours.replace_all(&text, "");
    let all: Vec<&str> = text.split(['\n', '\r']).map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let last = &all[all.len().saturating_sub(MOST_LINES)..];
    last.iter().map(|line| printable(line)).collect()
}

/// A line without control characters, cut where it is too long.
fn printable(line: &str) -> String {
    let mut end = line.len().min(LONGEST_LINE);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end].chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_what_a_person_sees() {
        let log = b"\x1b[31mError\x1b[0m: no\n 10%|#\r 20%|##\r\nlast\x07\n\n";
        assert_eq!(lines(log), ["Error: no", " 10%|#", " 20%|##", "last "]);
        assert_eq!(lines(&vec![b'x'; 5_000])[0].len(), LONGEST_LINE);
        let many = "line\n".repeat(1_000);
        assert_eq!(lines(many.as_bytes()).len(), MOST_LINES);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_panic(log in proptest::collection::vec(any::<u8>(), 0..3_000)) {
            let _lines = lines(&log);
        }
    }
}
