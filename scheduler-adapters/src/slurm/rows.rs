//! Slurm's tables as rows of values, whatever people write into job names, read as they come.
//!
//! Names, comments and submit lines may hold `|`, newlines and control characters, and Slurm escapes none of them. So
//! every value ends with a delimiter that holds a fresh random number: nobody can have written it into a name before
//! the question was asked, and no one's job name can pose as another row. The header row is asked for, because an
//! answer without one is no answer: an empty table and a lost one look the same otherwise.

use crate::{AdapterError, AdapterErrorKind};
use std::{
    cmp::Ordering,
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// Stands between the values of a raw row that is kept.
pub(super) const UNIT_SEPARATOR: &str = "\u{1f}";

/// The most bytes of one row: four of the largest scripts that Slurm takes (`max_script_size` of slurm.conf(5), 4 MB),
/// wrapped into its submit line.
pub(super) const ROW_LIMIT: usize = 16 * 1024 * 1024;

/// How much of an answer that is none is shown.
const SHOWN_LETTERS: usize = 200;

/// Ends each value of one answer.
#[derive(Clone, Debug)]
pub(super) struct Delimiter(String);

impl Delimiter {
    /// A delimiter for one question; 32 random bits.
    pub(super) fn fresh() -> Self {
        let random = RandomState::new().build_hasher().finish();
        // A letter first: a digit behind the colon of `squeue -O FIELD:` would be read as a width.
        Self(format!("{UNIT_SEPARATOR}x{:08x}", random & 0xffff_ffff))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is found in a table.
pub(super) enum Found<'row> {
    /// A row of exactly as many values as were asked for; the header is left out.
    Row(&'row [&'row str]),
    /// What has delimiters and is still no row.
    Cut(String),
}

/// Takes an answer apart as it comes. Lines without a delimiter outside a row are a site's chatter and passed over.
#[derive(Debug)]
pub(super) struct TableReader {
    delimiter: Delimiter,
    columns: usize,
    header: &'static str,
    has_header: bool,
    /// What came behind the last newline.
    line: Vec<u8>,
    /// A row that goes on in the next line, and how many of its values are complete; none where nothing is open.
    open: String,
    complete: usize,
    is_too_long: bool,
    began: String,
}

impl TableReader {
    /// A reader of so many columns; `header` is the first one's title, by which the header row is known.
    pub(super) fn new(delimiter: &Delimiter, columns: usize, header: &'static str) -> Self {
        Self {
            delimiter: delimiter.clone(),
            columns,
            header,
            has_header: false,
            line: Vec::new(),
            open: String::new(),
            complete: 0,
            is_too_long: false,
            began: String::new(),
        }
    }

    /// Reads what came next, and hands on the rows that are whole by now.
    pub(super) fn read(&mut self, bytes: &[u8], take: &mut dyn FnMut(Found<'_>)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, behind) = rest.split_at(end);
            rest = &behind[1..];
            if self.line.is_empty() {
                self.read_line(&String::from_utf8_lossy(line), take);
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.read_line(&String::from_utf8_lossy(&whole), take);
            }
        }
        if self.line.len() + rest.len() + self.open.len() > ROW_LIMIT {
            self.is_too_long = true;
            (self.line, self.open, self.complete) = (Vec::new(), String::new(), 0);
        } else {
            self.line.extend_from_slice(rest);
        }
    }

    /// Hands on what is left. After `Ok` the answer was one: it had a header.
    pub(super) fn finish(mut self, doing: &str, take: &mut dyn FnMut(Found<'_>)) -> Result<(), AdapterError> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.read_line(&String::from_utf8_lossy(&line), take);
        }
        self.give_up_open(take);
        let cause = match (self.is_too_long, self.has_header) {
            (true, _) => "a row is longer than any row can be",
            (false, false) => "the answer has no header row",
            (false, true) => return Ok(()),
        };
        let error = AdapterError::new(AdapterErrorKind::Unreadable, doing);
        Err(error.with("cause", cause).with("answer", self.began.trim()))
    }

    fn read_line(&mut self, line: &str, take: &mut dyn FnMut(Found<'_>)) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if self.began.len() < SHOWN_LETTERS {
            self.began.extend(line.chars().take(SHOWN_LETTERS).chain(['\n']));
        }
        let count = line.matches(self.delimiter.as_str()).count();
        if self.complete == 0 {
            if count > 0 {
                self.read_first_line(line, count, take);
            }
            return;
        }
        match (self.complete + count).cmp(&self.columns) {
            Ordering::Greater => {
                self.give_up_open(take);
                self.read_first_line(line, count, take);
            }
            Ordering::Less => {
                self.open.extend(["\n", line]);
                self.complete += count;
            }
            Ordering::Equal => {
                let mut row = std::mem::take(&mut self.open);
                self.complete = 0;
                row.extend(["\n", line]);
                self.hand_on(&row, take);
            }
        }
    }

    /// A line that begins a row, or is one.
    fn read_first_line(&mut self, line: &str, count: usize, take: &mut dyn FnMut(Found<'_>)) {
        match count.cmp(&self.columns) {
            Ordering::Equal => self.hand_on(line, take),
            Ordering::Greater => take(Found::Cut(self.shown(line))),
            Ordering::Less => {
                line.clone_into(&mut self.open);
                self.complete = count;
            }
        }
    }

    fn hand_on(&mut self, row: &str, take: &mut dyn FnMut(Found<'_>)) {
        let values: Vec<&str> = row.split(self.delimiter.as_str()).take(self.columns).collect();
        let is_header = !self.has_header && values.first().is_some_and(|first| first.eq_ignore_ascii_case(self.header));
        if is_header {
            self.has_header = true;
        } else {
            take(Found::Row(&values));
        }
    }

    fn give_up_open(&mut self, take: &mut dyn FnMut(Found<'_>)) {
        if self.complete > 0 {
            let open = std::mem::take(&mut self.open);
            self.complete = 0;
            take(Found::Cut(self.shown(&open)));
        }
    }

    fn shown(&self, row: &str) -> String {
        row.replace(self.delimiter.as_str(), UNIT_SEPARATOR)
    }
}

/// A whole answer, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) rows: Vec<Vec<String>>,
    pub(super) cut: Vec<String>,
}

impl Table {
    /// Takes a small answer apart that is there already.
    pub(super) fn read(
        text: &str,
        delimiter: &Delimiter,
        columns: usize,
        header: &'static str,
        doing: &str,
    ) -> Result<Self, AdapterError> {
        let mut table = Self::default();
        let mut take = |found: Found<'_>| match found {
            Found::Row(values) => table.rows.push(values.iter().map(|value| (*value).to_owned()).collect()),
            Found::Cut(row) => table.cut.push(row),
        };
        let mut reader = TableReader::new(delimiter, columns, header);
        reader.read(text.as_bytes(), &mut take);
        reader.finish(doing, &mut take)?;
        Ok(table)
    }
}

#[cfg(test)]
impl Delimiter {
    /// The delimiter of a recorded answer.
    pub(super) fn recorded(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(text: &str) -> Result<Table, AdapterError> {
        Table::read(text, &Delimiter::recorded("|"), 3, "ID", "reading")
    }

    /// The same, read in pieces of so many bytes.
    fn table_in_pieces(text: &str, bytes: usize) -> Option<Table> {
        let mut table = Table::default();
        let mut take = |found: Found<'_>| match found {
            Found::Row(values) => table.rows.push(values.iter().map(|value| (*value).to_owned()).collect()),
            Found::Cut(row) => table.cut.push(row),
        };
        let mut reader = TableReader::new(&Delimiter::recorded("|"), 3, "ID");
        text.as_bytes().chunks(bytes).for_each(|piece| reader.read(piece, &mut take));
        reader.finish("reading", &mut take).ok().map(|()| table)
    }

    #[test]
    fn delimiters_differ_between_questions() {
        assert_ne!(Delimiter::fresh().as_str(), Delimiter::fresh().as_str());
    }

    #[test]
    fn rows_survive_what_people_and_sites_write() {
        let read = table("Welcome!\nID|A|B|\n1|a|b|\nchatter\n2|two\nlines|b|\r\n3||c\x1fd|\n").expect("has a header");
        assert_eq!(read.rows, [["1", "a", "b"], ["2", "two\nlines", "b"], ["3", "", "c\x1fd"]]);
        assert!(read.cut.is_empty());
    }

    #[test]
    fn a_broken_row_costs_only_itself() {
        let read = table("ID|A|B|\n1|cut\n2|a|b|\n3|a|b|c|\n4|a|b|\n5|").expect("has a header");
        assert_eq!(read.rows, [["2", "a", "b"], ["4", "a", "b"]]);
        assert_eq!(read.cut, ["1\u{1f}cut", "3\u{1f}a\u{1f}b\u{1f}c\u{1f}", "5\u{1f}"]);
    }

    #[test]
    fn an_answer_without_header_is_none() {
        for text in ["", "\n", "1|a|b|\n", "slurm is being upgraded, come back tomorrow\n"] {
            assert_eq!(table(text).expect_err(text).kind, AdapterErrorKind::Unreadable, "{text}");
        }
        assert!(table("ID|A|B|\n").expect("an empty table").rows.is_empty());
    }

    #[test]
    fn a_row_without_end_is_no_answer_and_is_not_kept() {
        let mut reader = TableReader::new(&Delimiter::recorded("|"), 3, "ID");
        reader.read(b"ID|A|B|\n1|", &mut |_| ());
        for _ in 0..=ROW_LIMIT / 1_000_000 {
            reader.read(&vec![b'x'; 1_000_000], &mut |_| ());
            assert!(reader.line.len() <= ROW_LIMIT);
        }
        let error = reader.finish("reading", &mut |_| ()).expect_err("no row is so long");
        assert_eq!(error.kind, AdapterErrorKind::Unreadable);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic_and_the_same_in_pieces(
            text in "([a-z|ü]|\n|\r|ID\\||.){0,80}", bytes in 1_usize..9
        ) {
            prop_assert_eq!(table(&text).ok(), table_in_pieces(&text, bytes));
        }
    }
}
