//! A text with bounds, line by line.

use super::figure::FigureError;

/// The longest text, in bytes: a person's projects at a site are a few hundred lines.
pub(super) const LONGEST_TEXT: usize = 1 << 20;
const MOST_LINES: usize = 10_000;
const LONGEST_LINE: usize = 4096;

/// A line with its number, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) number: u64,
    pub(super) text: &'a str,
}

/// The lines of a text; refused where it is longer than any such text is.
pub(super) fn lines(text: &str) -> Result<Vec<Line<'_>>, FigureError> {
    const NEXT: &str = "is it the right file? Give the text as the site's command prints it";
    if text.len() > LONGEST_TEXT {
        return Err(FigureError::new(1, format!("the text is longer than {LONGEST_TEXT} bytes"), NEXT));
    }
    // Editors of spreadsheets put the mark in front of a text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered: Vec<Line<'_>> =
        (1..).zip(text.lines()).take(MOST_LINES + 1).map(|(number, text)| Line { number, text }).collect();
    if numbered.len() > MOST_LINES {
        let line = MOST_LINES as u64 + 1;
        return Err(FigureError::new(line, format!("the text has more than {MOST_LINES} lines"), NEXT));
    }
    match numbered.iter().find(|line| line.text.len() > LONGEST_LINE) {
        Some(line) => Err(FigureError::new(line.number, format!("the line is longer than {LONGEST_LINE} bytes"), NEXT)),
        None => Ok(numbered),
    }
}

/// A piece of a text for a message: short, and without letters that a terminal would obey.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let shown: String = text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
    if text.chars().count() > LONGEST { format!("`{shown}...`") } else { format!("`{shown}`") }
}
