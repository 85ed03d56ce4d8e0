//! The digest of what was decided: SHA-256 of canonical bytes of its fields.
//!
//! The bytes are `pakt/decided/v1`, a newline, the kind as text, and the content. A value that is absent is none of the
//! fields, so that a later release can add some. An object is the text `{` and a list of its fields by name, in the order of
//! their bytes, each a text and a value; an array is the text `[` and a list of values. A truth is a list with 0 or 1. A person is a
//! list of pseudonym and commitment, as bytes: the digest stays when the name goes.

use super::{Domain, EvidenceError, FieldWriter, PersonMark, base64};
use crate::DecidedKind;
use model::Principal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// The digest of a decision's content: 32 bytes, as text in base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DecidedDigest([u8; 32]);

/// The name under which a person stands in a content.
const PERSON: &str = "person";

/// A person, in a content.
pub(crate) fn person(user: &str, site: Option<&str>) -> Value {
    let mut named = serde_json::Map::from_iter([("user".to_owned(), Value::from(user))]);
    if let Some(site) = site {
        named.insert("site".to_owned(), Value::from(site));
    }
    Value::from_iter([(PERSON, Value::Object(named))])
}

/// The person that a value is, where it is one.
pub(crate) fn person_in(value: &Value) -> Option<Principal> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    serde_json::from_value(object.get(PERSON)?.clone()).ok()
}

impl DecidedDigest {
    /// Of a content; `mark_of` says how leaves name a person. None where it does not know one, or the content has what no
    /// release writes.
    pub(crate) fn of<E>(
        kind: DecidedKind,
        content: &Value,
        mark_of: &mut dyn FnMut(&Principal) -> Result<Option<PersonMark>, E>,
    ) -> Result<Option<Self>, E> {
        let mut writer = FieldWriter::new(Domain::Decided);
        writer.put_text(kind.as_str());
        let is_whole = put(&mut writer, content, mark_of)?;
        Ok(is_whole.then(|| Self(Sha256::digest(writer.as_bytes()).into())))
    }

    /// Of a decision that only takes others back.
    pub(crate) fn of_nothing(kind: DecidedKind) -> Self {
        let mut writer = FieldWriter::new(Domain::Decided);
        writer.put_text(kind.as_str()).put_nothing();
        Self(Sha256::digest(writer.as_bytes()).into())
    }

    /// The digest with these bytes.
    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as a leaf has them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Writes a value. Whether it could be.
fn put<E>(
    writer: &mut FieldWriter,
    value: &Value,
    mark_of: &mut dyn FnMut(&Principal) -> Result<Option<PersonMark>, E>,
) -> Result<bool, E> {
    if let Some(principal) = person_in(value) {
        let mark = mark_of(&principal)?;
        writer.put_list(mark, |writer, mark| {
            writer.put_bytes(mark.pseudonym.as_bytes()).put_bytes(mark.commitment.as_bytes());
        });
        return Ok(mark.is_some());
    }
    match value {
        Value::Null => writer.put_nothing(),
        Value::Bool(truth) => writer.put_list([i64::from(*truth)], |writer, truth| {
            writer.put_integer(truth);
        }),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => writer.put_integer(integer),
            None => return Ok(false),
        },
        Value::String(text) => writer.put_text(text),
        Value::Array(values) => {
            writer.put_text("[");
            let items = values.iter().map(|value| (None, value)).collect();
            return put_items(writer, items, mark_of);
        }
        Value::Object(fields) => {
            writer.put_text("{");
            let there = fields.iter().filter(|(_, value)| !value.is_null());
            let mut items: Vec<_> = there.map(|(name, value)| (Some(name.as_str()), value)).collect();
            items.sort_unstable_by_key(|(name, _)| *name);
            return put_items(writer, items, mark_of);
        }
    };
    Ok(true)
}

fn put_items<E>(
    writer: &mut FieldWriter,
    items: Vec<(Option<&str>, &Value)>,
    mark_of: &mut dyn FnMut(&Principal) -> Result<Option<PersonMark>, E>,
) -> Result<bool, E> {
    let (mut is_whole, mut failed) = (true, None);
    writer.put_list(items, |writer, (name, value)| {
        if let Some(name) = name {
            writer.put_text(name);
        }
        match put(writer, value, mark_of) {
            Ok(could) => is_whole &= could,
            Err(error) => failed = Some(error),
        }
    });
    failed.map_or(Ok(is_whole), Err)
}

impl fmt::Display for DecidedDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&base64::encode(&self.0))
    }
}

impl fmt::Debug for DecidedDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for DecidedDigest {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let bytes = base64::decode_array(text);
        bytes.map(Self).ok_or_else(|| EvidenceError::malformed("a digest", "it is not 32 bytes in base64"))
    }
}

impl TryFrom<String> for DecidedDigest {
    type Error = EvidenceError;

    fn try_from(text: String) -> Result<Self, EvidenceError> {
        text.parse()
    }
}

impl From<DecidedDigest> for String {
    fn from(digest: DecidedDigest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Commitment, Pseudonym};
    use serde_json::json;
    use std::convert::Infallible;

    fn digest(content: &Value) -> Option<DecidedDigest> {
        let mark =
            PersonMark { pseudonym: Pseudonym::from_bytes([1; 16]), commitment: Commitment::from_bytes([2; 32]) };
        let mut mark_of = |who: &Principal| Ok::<_, Infallible>((who.user.as_str() == "ada").then_some(mark));
        let Ok(digest) = DecidedDigest::of(DecidedKind::Policy, content, &mut mark_of);
        digest
    }

    #[test]
    fn what_differs_has_another_digest() {
        let contents = [
            json!({}),
            json!([]),
            json!("{"),
            json!({ "a": 1 }),
            json!({ "a": "1" }),
            json!({ "a": true }),
            json!({ "a": [1] }),
            json!({ "a": ["b"], "b": 1 }),
            json!({ "a": ["b", "b", 1] }),
            json!({ "a": { "b": 1 } }),
            json!({ "a": null, "b": 1 }),
            person("ada", None),
            json!({ "a": person("ada", Some("jupiter")) }),
        ];
        let digests: Vec<_> = contents.iter().map(|content| digest(content).expect("whole")).collect();
        for (place, one) in digests.iter().enumerate() {
            assert!(!digests[..place].contains(one), "{}", contents[place]);
        }
        assert_ne!(digests[0], DecidedDigest::of_nothing(DecidedKind::Policy));
    }

    #[test]
    fn order_and_absence_are_no_difference() {
        let one: Value = serde_json::from_str(r#"{"b":1,"a":{"d":2,"c":null}}"#).expect("read");
        assert_eq!(digest(&one), digest(&json!({ "a": { "d": 2 }, "b": 1 })));
    }

    #[test]
    fn who_is_not_known_and_what_is_no_integer_have_none() {
        assert_eq!(digest(&json!({ "user": person("bob", None) })), None);
        assert_eq!(digest(&json!([[1.5]])), None);
    }
}
