//! Rows out of bytes: whatever stands in them, each costs only itself, and no more memory than the longest row may have.

use super::{
    TextError,
    header::Header,
    recent_lists::RecentLists,
    row::{self, TextFacts, TextRow, Values},
};
use crate::{RejectedRow, slurm::rows::ROW_LIMIT};
use memchr::{memchr, memchr_iter};
use std::{borrow::Cow, cmp::Ordering, sync::Arc};

/// So many bytes may stand in front of the titles: a site's greeting.
const CHATTER_LIMIT: usize = 64 * 1024;

/// So many letters of what is no row are handed on.
const SHOWN_LETTERS: usize = 1_000;

/// Takes rows, each with the number of its line, from 1.
type TextTaker<'a> = dyn FnMut(u64, TextRow) + 'a;

/// Reads what `sacct` printed into a file, as it comes.
#[derive(Debug)]
pub struct AccountingText {
    facts: TextFacts,
    header: Option<Arc<Header>>,
    chatter: usize,
    /// What came behind the last line break.
    line: Vec<u8>,
    /// Whether the line at hand is longer than any row can be.
    is_too_long: bool,
    number: u64,
    /// A row that goes on in the next line: what of it is there, how many of its delimiters, and where it began.
    open: Option<Open>,
    has_rows: bool,
    delimiters: Vec<usize>,
    lists: RecentLists,
}

#[derive(Debug)]
struct Open {
    text: String,
    delimiters: usize,
    is_lossy: bool,
    number: u64,
}

impl AccountingText {
    /// A reader of a text of which this is known.
    pub const fn new(facts: TextFacts) -> Self {
        Self {
            facts,
            header: None,
            chatter: 0,
            line: Vec::new(),
            is_too_long: false,
            number: 0,
            open: None,
            has_rows: false,
            delimiters: Vec::new(),
            lists: RecentLists::new(),
        }
    }

    /// The titles of the values of a raw row, in order; empty before they were read.
    pub fn titles(&self) -> &[String] {
        self.header.as_ref().map_or(&[], |header| &header.titles)
    }

    /// Reads what came next, and hands on the rows that are whole by now. After `Err` no row was handed on.
    pub fn read(&mut self, bytes: &[u8], take: &mut TextTaker<'_>) -> Result<(), TextError> {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            rest = &behind[1..];
            if self.line.is_empty() && !self.is_too_long {
                self.end_line(line, take)?;
            } else {
                self.lengthen(line);
                let whole = std::mem::take(&mut self.line);
                self.end_line(&whole, take)?;
                self.line = whole;
                self.line.clear();
            }
        }
        self.lengthen(rest);
        Ok(())
    }

    /// Hands on what is left. A last line without a line break may have been cut anywhere, in a number too.
    pub fn finish(mut self, take: &mut TextTaker<'_>) -> Result<(), TextError> {
        let rest = std::mem::take(&mut self.line);
        if self.header.is_none() {
            return Err(TextError::NoHeader);
        }
        self.give_up_open(take);
        if !rest.is_empty() || self.is_too_long {
            let shown = String::from_utf8_lossy(&rest).into_owned();
            take(self.number + 1, cut(&shown, "the text ends in the middle of it".to_owned()));
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn line_capacity(&self) -> usize {
        self.line.capacity()
    }

    fn lengthen(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > ROW_LIMIT {
            self.is_too_long = true;
            self.line.truncate(SHOWN_LETTERS);
            self.line.shrink_to_fit();
        }
        if !self.is_too_long {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self, line: &[u8], take: &mut TextTaker<'_>) -> Result<(), TextError> {
        self.number += 1;
        if std::mem::take(&mut self.is_too_long) || line.len() > ROW_LIMIT {
            self.give_up_open(take);
            let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN_LETTERS)]).into_owned();
            take(self.number, cut(&shown, "it is longer than any row can be".to_owned()));
            return Ok(());
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed);
        match self.header.clone() {
            None => self.find_header(&text),
            Some(header) => self.read_line(&header, &text, matches!(text, Cow::Owned(_)), take),
        }
    }

    fn find_header(&mut self, line: &str) -> Result<(), TextError> {
        if let Some(header) = Header::read(line.trim_start_matches('\u{feff}')) {
            header.check(self.facts.cluster.is_some())?;
            self.header = Some(Arc::new(header));
            return Ok(());
        }
        self.chatter += line.len() + 1;
        if self.chatter > CHATTER_LIMIT { Err(TextError::NoHeader) } else { Ok(()) }
    }

    fn read_line(
        &mut self,
        header: &Header,
        text: &str,
        is_lossy: bool,
        take: &mut TextTaker<'_>,
    ) -> Result<(), TextError> {
        let count = memchr_iter(header.delimiter, text.as_bytes()).count();
        let wanted = header.titles.len() - usize::from(!header.is_closed);
        let Some(mut open) = self.open.take() else {
            return self.begin_row(header, text, count, wanted, is_lossy, take);
        };
        let together = open.delimiters + count;
        if together > wanted || open.text.len() + text.len() > ROW_LIMIT {
            self.open = Some(open);
            self.give_up_open(take);
            return self.begin_row(header, text, count, wanted, is_lossy, take);
        }
        open.text.push('\n');
        open.text.push_str(text);
        (open.delimiters, open.is_lossy) = (together, open.is_lossy || is_lossy);
        if together == wanted {
            return self.row(header, &open.text, open.is_lossy, open.number, take);
        }
        let may_go_on = header.is_free.get(together).is_some_and(|is_free| *is_free);
        self.open = Some(open);
        if !may_go_on {
            self.give_up_open(take);
        }
        Ok(())
    }

    /// A line that begins a row, or is one. It goes on in the next line only where people write what they like.
    fn begin_row(
        &mut self,
        header: &Header,
        text: &str,
        count: usize,
        wanted: usize,
        is_lossy: bool,
        take: &mut TextTaker<'_>,
    ) -> Result<(), TextError> {
        match count.cmp(&wanted) {
            Ordering::Equal => return self.row(header, text, is_lossy, self.number, take),
            Ordering::Greater if header.ends_in_free_text => {
                return self.row(header, text, is_lossy, self.number, take);
            }
            Ordering::Less if header.is_free[count.min(header.is_free.len() - 1)] && count > 0 => {
                self.open = Some(Open { text: text.to_owned(), delimiters: count, is_lossy, number: self.number });
            }
            _ if text.is_empty() => {}
            _ => take(self.number, cut(text, miscounted(header, count, wanted))),
        }
        Ok(())
    }

    /// A row with all its values; or the titles once more, where several answers were put together.
    fn row(
        &mut self,
        header: &Header,
        text: &str,
        is_lossy: bool,
        number: u64,
        take: &mut TextTaker<'_>,
    ) -> Result<(), TextError> {
        let text = if header.is_closed {
            match text.as_bytes().last() {
                Some(last) if *last == header.delimiter => &text[..text.len() - 1],
                _ => {
                    take(number, cut(text, "it does not end as the titles do".to_owned()));
                    return Ok(());
                }
            }
        } else {
            text
        };
        self.delimiters.clear();
        self.delimiters.extend(memchr_iter(header.delimiter, text.as_bytes()));
        let values = Values { header, text, delimiters: &self.delimiters, is_lossy };
        if !self.has_rows
            && self.facts.zone.is_none()
            && let Some(time) = values.zoneless()
        {
            return Err(TextError::NoZone(time.to_owned()));
        }
        let found = row::read(&values, &self.facts, &mut self.lists);
        if matches!(found, TextRow::Rejected(_))
            && let Some(next) = Header::read(text)
        {
            // Rows behind other titles are read by those; where they lack a column, by none.
            if next.titles != header.titles {
                match next.check(self.facts.cluster.is_some()) {
                    Ok(()) => self.header = Some(Arc::new(next)),
                    Err(error) => take(number, cut(text, format!("titles of other columns: {error}"))),
                }
            }
            return Ok(());
        }
        self.has_rows = true;
        take(number, found);
        Ok(())
    }

    fn give_up_open(&mut self, take: &mut TextTaker<'_>) {
        if let Some(open) = self.open.take() {
            take(open.number, cut(&open.text, "values are missing behind it".to_owned()));
        }
    }
}

fn miscounted(header: &Header, count: usize, wanted: usize) -> String {
    let columns = header.titles.len();
    if count > wanted {
        let delimiter = char::from(header.delimiter).escape_default();
        format!(
            "it has more than {columns} values: a `{delimiter}` stands in one of them, and nobody can tell in which"
        )
    } else {
        format!("it has {} values, and there are {columns} columns", count + usize::from(!header.is_closed))
    }
}

fn cut(text: &str, reason: String) -> TextRow {
    let raw = text.chars().take(SHOWN_LETTERS).collect();
    TextRow::Rejected(RejectedRow { raw, reason, stamp: None, is_cut: true })
}
