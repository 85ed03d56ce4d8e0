//! Canonical bytes of a sequence of fields: what is hashed for a leaf, a commitment, a content digest.
//!
//! The bytes are the domain's name and a newline, then each field: one byte that says what it is, then
//!
//! | byte | field | followed by |
//! |---|---|---|
//! | 0x00 | no value | nothing |
//! | 0x01 | text | length in bytes, UTF-8 |
//! | 0x02 | bytes | length, bytes |
//! | 0x03 | integer | two's complement |
//! | 0x04 | list | each item: 0x05 and its fields; at the end 0x06 |
//!
//! with lengths and integers in 8 bytes, most significant first. A reader always knows where a field ends, so two different
//! sequences never give the same bytes. All names of domains end where their newline stands, none begins with 0x00 or
//! 0x01: what is hashed here is never the content of a node or leaf of the tree.

use super::TreeHash;

const NOTHING: u8 = 0x00;
const TEXT: u8 = 0x01;
const BYTES: u8 = 0x02;
const INTEGER: u8 = 0x03;
const LIST: u8 = 0x04;
const ITEM: u8 = 0x05;
const END: u8 = 0x06;

/// What the bytes are for. The number changes with the meaning or the order of the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A leaf of the tree.
    Entry,
    /// The personal part of an entry.
    Person,
    /// What the salt of an entry's own commitment is made of.
    Salt,
    /// A row as a site's accounting gave it.
    Content,
    /// What was decided.
    Decided,
}

impl Domain {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "pakt/entry/v1",
            Self::Person => "pakt/person/v1",
            Self::Salt => "pakt/salt/v1",
            Self::Content => "pakt/content/v1",
            Self::Decided => "pakt/decided/v1",
        }
    }
}

/// Writes fields one after another into canonical bytes.
#[derive(Clone, Debug)]
pub struct FieldWriter {
    bytes: Vec<u8>,
}

impl FieldWriter {
    /// A writer without fields.
    pub fn new(domain: Domain) -> Self {
        let mut writer = Self { bytes: Vec::with_capacity(512) };
        writer.restart(domain);
        writer
    }

    /// Drops the fields and begins anew, in the memory that is there.
    pub fn restart(&mut self, domain: Domain) {
        self.bytes.clear();
        self.bytes.extend_from_slice(domain.name().as_bytes());
        self.bytes.push(b'\n');
    }

    /// A text, byte for byte: letters that only look alike are different.
    pub fn put_text(&mut self, text: &str) -> &mut Self {
        self.put_counted(TEXT, text.as_bytes())
    }

    /// Bytes: an id, a hash.
    pub fn put_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.put_counted(BYTES, bytes)
    }

    /// An integer: an amount, seconds since the epoch, a number.
    pub fn put_integer(&mut self, integer: i64) -> &mut Self {
        self.bytes.push(INTEGER);
        self.bytes.extend_from_slice(&integer.to_be_bytes());
        self
    }

    /// The place of a value that is not there; it differs from an empty text and from zero.
    pub fn put_nothing(&mut self) -> &mut Self {
        self.bytes.push(NOTHING);
        self
    }

    /// The value as `put` writes it, or nothing.
    pub fn put_option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) -> &mut Self {
        match value {
            Some(value) => put(self, value),
            None => {
                self.put_nothing();
            }
        }
        self
    }

    /// A list; `put` writes the fields of one item.
    pub fn put_list<T>(&mut self, items: impl IntoIterator<Item = T>, mut put: impl FnMut(&mut Self, T)) -> &mut Self {
        self.bytes.push(LIST);
        for item in items {
            self.bytes.push(ITEM);
            put(self, item);
        }
        self.bytes.push(END);
        self
    }

    /// The bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of the leaf with these bytes (RFC 6962, section 2.1).
    pub fn leaf_hash(&self) -> TreeHash {
        TreeHash::of_leaf(&self.bytes)
    }

    fn put_counted(&mut self, sort: u8, bytes: &[u8]) -> &mut Self {
        self.bytes.push(sort);
        self.bytes.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.bytes.extend_from_slice(bytes);
        self
    }
}
