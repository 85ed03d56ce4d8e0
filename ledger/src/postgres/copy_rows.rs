//! Rows in the binary form of COPY (PostgreSQL 15, COPY, "Binary Format"): a header, then per row the number of its
//! fields, then per field its length and its bytes, big-endian.

use super::rows::unreadable;
use crate::records::Result;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// No flags, and no extension of the header.
const AFTER_SIGNATURE: [u8; 8] = [0; 8];
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
const ABSENT: [u8; 4] = (-1_i32).to_be_bytes();

/// So many rows are handed to the server at once, where it is to work on them while the next are made: about 100 KB.
pub(super) const PIECE_ROWS: usize = 512;

/// Rows on their way into one table.
pub(super) struct CopyRows {
    bytes: Vec<u8>,
    columns: [u8; 2],
}

impl CopyRows {
    pub(super) fn new(columns: i16, rows: usize) -> Self {
        let mut bytes = Vec::with_capacity(64 + rows * usize::from(columns.unsigned_abs()) * 10);
        bytes.extend_from_slice(SIGNATURE);
        bytes.extend_from_slice(&AFTER_SIGNATURE);
        Self { bytes, columns: columns.to_be_bytes() }
    }

    /// A row of its own, begun, to be added where it comes to its end.
    pub(super) fn begun(&self) -> Self {
        Self { bytes: self.columns.to_vec(), columns: self.columns }
    }

    pub(super) fn add(&mut self, row: &Self) {
        self.bytes.extend_from_slice(&row.bytes);
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What there is so far, to be handed over; the last piece ends the whole.
    pub(super) fn take(&mut self, is_last: bool) -> Vec<u8> {
        if is_last {
            self.bytes.extend_from_slice(&TRAILER);
        }
        let room = Vec::with_capacity(if is_last { 0 } else { self.bytes.capacity() });
        std::mem::replace(&mut self.bytes, room)
    }

    /// Begins a row; its fields follow, in the order of the columns.
    pub(super) fn row(&mut self) {
        self.bytes.extend_from_slice(&self.columns);
    }

    pub(super) fn absent(&mut self) {
        self.bytes.extend_from_slice(&ABSENT);
    }

    /// A `bigint`.
    pub(super) fn number(&mut self, number: i64) {
        let mut field = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        field[4..].copy_from_slice(&number.to_be_bytes());
        self.bytes.extend_from_slice(&field);
    }

    pub(super) fn number_option(&mut self, number: Option<i64>) {
        match number {
            Some(number) => self.number(number),
            None => self.absent(),
        }
    }

    /// An `integer`: the number of a name.
    pub(super) fn name(&mut self, number: i32) {
        let mut field = [0, 0, 0, 4, 0, 0, 0, 0];
        field[4..].copy_from_slice(&number.to_be_bytes());
        self.bytes.extend_from_slice(&field);
    }

    pub(super) fn name_option(&mut self, number: Option<i32>) {
        match number {
            Some(number) => self.name(number),
            None => self.absent(),
        }
    }

    /// The same, of a number as every store has them.
    pub(super) fn numbered(&mut self, number: i64) -> Result<()> {
        self.name(i32::try_from(number).map_err(unreadable)?);
        Ok(())
    }

    pub(super) fn numbered_option(&mut self, number: Option<i64>) -> Result<()> {
        match number {
            Some(number) => self.numbered(number)?,
            None => self.absent(),
        }
        Ok(())
    }

    /// A `smallint`.
    pub(super) fn small(&mut self, number: i16) {
        self.field(&number.to_be_bytes());
    }

    /// A `boolean`.
    pub(super) fn flag(&mut self, is_set: bool) {
        self.field(&[u8::from(is_set)]);
    }

    /// A `text`. PostgreSQL has no character zero, which no scheduler prints: it becomes the sign for what cannot be shown.
    pub(super) fn text(&mut self, text: &str) {
        if text.contains('\0') {
            self.field(text.replace('\0', "\u{fffd}").as_bytes());
        } else {
            self.field(text.as_bytes());
        }
    }

    pub(super) fn text_option(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.absent(),
        }
    }

    /// A `bytea`. PostgreSQL has no field of more than a gigabyte: one of two gigabytes is refused there.
    pub(super) fn field(&mut self, bytes: &[u8]) {
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn field_option(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.field(bytes),
            None => self.absent(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_manual_says() {
        let mut rows = CopyRows::new(7, 1);
        rows.row();
        rows.number(-2);
        rows.name(258);
        rows.small(3);
        rows.flag(true);
        rows.text("a\0b");
        rows.absent();
        rows.number_option(None);
        let mut expected = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x07".to_vec();
        expected.extend_from_slice(b"\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe\0\0\0\x04\0\0\x01\x02");
        expected.extend_from_slice(b"\0\0\0\x02\0\x03\0\0\0\x01\x01\0\0\0\x05a\xef\xbf\xbdb");
        expected.extend_from_slice(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
        assert_eq!(rows.take(true), expected);
    }
}
