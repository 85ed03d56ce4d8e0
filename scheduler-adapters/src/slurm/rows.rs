//! Slurm's tables as rows of values, whatever people write into job names.
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

/// One answer, taken apart.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Rows of exactly as many values as were asked for, the header left out.
    pub(super) rows: Vec<Vec<String>>,
    /// What has delimiters and is still no row.
    pub(super) broken: Vec<String>,
}

/// Takes an answer apart. `header` is the first column's title, by which the header row is known.
///
/// Lines without a delimiter outside a row are a site's chatter and passed over.
pub(super) fn read_table(
    text: &str,
    delimiter: &Delimiter,
    columns: usize,
    header: &str,
    doing: &str,
) -> Result<Table, AdapterError> {
    let (records, broken) = split(text, delimiter.as_str(), columns);
    let mut rows = Vec::with_capacity(records.len());
    let mut has_header = false;
    for record in records {
        let values: Vec<String> = record.split(delimiter.as_str()).take(columns).map(str::to_owned).collect();
        if !has_header && values.first().is_some_and(|first| first.eq_ignore_ascii_case(header)) {
            has_header = true;
        } else {
            rows.push(values);
        }
    }
    if !has_header {
        let began: String = text.chars().take(200).collect();
        let error = AdapterError::new(AdapterErrorKind::Unreadable, doing);
        return Err(error.with("cause", "the answer has no header row").with("answer", began.trim()));
    }
    Ok(Table { rows, broken })
}

/// Puts lines together to records of `columns` delimiters each.
fn split(text: &str, delimiter: &str, columns: usize) -> (Vec<String>, Vec<String>) {
    let mut records = Vec::new();
    let mut broken = Vec::new();
    let mut open: Option<(String, usize)> = None;
    for line in text.lines() {
        let count = line.matches(delimiter).count();
        let (record, found) = match open.take() {
            None if count == 0 => continue,
            None => (line.to_owned(), count),
            Some((record, before)) if before + count <= columns => (format!("{record}\n{line}"), before + count),
            Some((record, _)) => {
                broken.push(record);
                (line.to_owned(), count)
            }
        };
        match found.cmp(&columns) {
            Ordering::Equal => records.push(record),
            Ordering::Greater => broken.push(record),
            Ordering::Less => open = Some((record, found)),
        }
    }
    broken.extend(open.map(|(record, _)| record));
    let show = |record: String| record.replace(delimiter, UNIT_SEPARATOR);
    (records, broken.into_iter().map(show).collect())
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
        read_table(text, &Delimiter::recorded("|"), 3, "ID", "reading")
    }

    #[test]
    fn delimiters_differ_between_questions() {
        assert_ne!(Delimiter::fresh().as_str(), Delimiter::fresh().as_str());
    }

    #[test]
    fn rows_survive_what_people_and_sites_write() {
        let read = table("Welcome!\nID|A|B|\n1|a|b|\nchatter\n2|two\nlines|b|\n3||c\x1fd|\n").expect("has a header");
        assert_eq!(read.rows, [["1", "a", "b"], ["2", "two\nlines", "b"], ["3", "", "c\x1fd"]]);
        assert!(read.broken.is_empty());
    }

    #[test]
    fn a_broken_row_costs_only_itself() {
        let read = table("ID|A|B|\n1|cut\n2|a|b|\n3|a|b|c|\n4|a|b|\n5|").expect("has a header");
        assert_eq!(read.rows, [["2", "a", "b"], ["4", "a", "b"]]);
        assert_eq!(read.broken, ["1\u{1f}cut", "3\u{1f}a\u{1f}b\u{1f}c\u{1f}", "5\u{1f}"]);
    }

    #[test]
    fn an_answer_without_header_is_none() {
        for text in ["", "\n", "1|a|b|\n", "slurm is being upgraded, come back tomorrow\n"] {
            assert_eq!(table(text).expect_err(text).kind, AdapterErrorKind::Unreadable, "{text}");
        }
        assert!(table("ID|A|B|\n").expect("an empty table").rows.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "([a-z|]|\n|ID\\||.){0,80}") {
            drop(table(&text));
        }
    }
}
