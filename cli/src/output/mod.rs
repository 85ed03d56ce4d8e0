//! All that a person or a program reads. Data goes to stdout, everything else to stderr.

mod amounts;
mod changes;
mod exceeded;
mod gaps;
mod json;
mod long_list;
mod mistake;
mod policies;
mod read_by;
mod results;
mod screen;
mod table;
mod usage;

pub(crate) use amounts::{charge, explained_hold, hold, instant, instant_in, price_lines};
pub(crate) use changes::changes;
pub(crate) use exceeded::exceeded;
pub(crate) use gaps::gaps;
pub(crate) use json::holds;
pub(crate) use long_list::LongList;
pub(crate) use mistake::mistake_text;
pub(crate) use policies::{decision, event, expiry, standing};
pub(crate) use read_by::{read_by, reader};
pub(crate) use results::{result_notes, results_code, results_json};
pub(crate) use screen::Screen;
pub(crate) use table::Table;
pub(crate) use usage::usage;

/// A job's name or a scheduler's words may hold anything; a terminal is not to obey it. Line breaks and tabs are ours, and
/// so is the carriage return before a line break, which spreadsheets want (RFC 4180).
fn printable(text: &str) -> String {
    let mut letters = text.chars().peekable();
    let mut shown = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        let is_shown = match letter {
            '\n' | '\t' => true,
            '\r' => letters.peek() == Some(&'\n'),
            other => !other.is_control(),
        };
        shown.push(if is_shown { letter } else { '\u{fffd}' });
    }
    shown
}

/// What a command has to say: one value, shown as text or as JSON.
pub(crate) struct Answer {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: serde_json::Value,
    /// Beside the data, for people: doubts and notes.
    pub notes: Vec<String>,
    /// With what the program ends, where the answer is bad news.
    pub code: u8,
    /// Whether the text is what the command is for, so that it is printed even where nothing is to be said.
    pub is_product: bool,
    /// Whether the data was printed already, page by page; the notes were not.
    pub is_told: bool,
}

impl Answer {
    /// An answer with text and JSON from the same data.
    pub(crate) fn new(text: impl Into<String>, json: serde_json::Value) -> Self {
        Self {
            text: text.into(),
            json: json::for_programs(json),
            notes: Vec::new(),
            code: 0,
            is_product: false,
            is_told: false,
        }
    }

    /// The answer of a command that has printed its data.
    pub(crate) fn told() -> Self {
        Self { is_told: true, ..Self::new("", serde_json::Value::Null) }
    }

    /// The text is what the command is for: an export, a statement, a page.
    #[must_use]
    pub(crate) const fn product(mut self) -> Self {
        self.is_product = true;
        self
    }

    /// The exit code of an answer that is bad news.
    #[must_use]
    pub(crate) const fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Notes beside the data.
    #[must_use]
    pub(crate) fn with_notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }
}
