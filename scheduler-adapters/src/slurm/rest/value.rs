//! Single values of slurmrestd's answers, in whichever form its release writes them.
//!
//! A number is plain, or an object that says whether it is set; a state is a word, or a list of words; what is not there is
//! null, empty, left out, or one of Slurm's numbers for "none". All of that is read alike, so that one reader serves every
//! version of the interface.

use serde_json::Value;
use std::borrow::Cow;

/// Slurm's numbers for no value and for no limit, in 16, 32 and 64 bits (`NO_VAL`, `INFINITE` of `slurm.h`). Those of 16 bits
/// are numbers like any other where 32 are kept, and are not among these.
const NO_VALUE: [u64; 2] = [0xffff_fffe, 0xffff_ffff_ffff_fffe];
const NO_LIMIT: [u64; 2] = [0xffff_ffff, 0xffff_ffff_ffff_ffff];

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Nobody set it.
    Absent,
    /// It has no limit.
    Infinite,
    /// So many.
    Number(u64),
}

/// One object of an answer; what it lacks is null.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'value>(pub(super) &'value Value);

impl<'value> Record<'value> {
    /// The value at the end of a path of names with slashes in front: `/time/limit`.
    pub(super) fn at(self, path: &str) -> &'value Value {
        self.0.pointer(path).unwrap_or(&Value::Null)
    }

    /// A text, or a number in digits; empty where there is none.
    pub(super) fn text(self, path: &str) -> Cow<'value, str> {
        match self.at(path) {
            Value::String(text) => Cow::Borrowed(text),
            value => match count(value) {
                Count::Number(number) => Cow::Owned(number.to_string()),
                _ => Cow::Borrowed(""),
            },
        }
    }

    /// A number; none where it is not set or has no limit.
    pub(super) fn number(self, path: &str) -> Option<u64> {
        match count(self.at(path)) {
            Count::Number(number) => Some(number),
            _ => None,
        }
    }

    /// A number and what it may be instead.
    pub(super) fn count(self, path: &str) -> Count {
        count(self.at(path))
    }

    /// Words with a space between them: of a list, or one alone.
    pub(super) fn words(self, path: &str) -> Cow<'value, str> {
        match self.at(path) {
            Value::Array(words) => match words.as_slice() {
                [Value::String(word)] => Cow::Borrowed(word),
                words => Cow::Owned(words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
            },
            value => Cow::Borrowed(value.as_str().unwrap_or_default()),
        }
    }

    /// The objects of a list.
    pub(super) fn list(self, path: &str) -> &'value [Value] {
        self.at(path).as_array().map_or(&[], Vec::as_slice)
    }
}

fn count(value: &Value) -> Count {
    let is = |name: &str| value.get(name).and_then(Value::as_bool);
    match value {
        Value::Number(number) => number.as_u64().map_or(Count::Absent, of_number),
        Value::String(text) => text.parse().map_or(Count::Absent, of_number),
        Value::Object(_) if is("infinite") == Some(true) => Count::Infinite,
        Value::Object(_) if is("set") == Some(false) => Count::Absent,
        Value::Object(parts) => parts.get("number").and_then(Value::as_u64).map_or(Count::Absent, of_number),
        _ => Count::Absent,
    }
}

const fn of_number(number: u64) -> Count {
    if number == NO_VALUE[0] || number == NO_VALUE[1] {
        Count::Absent
    } else if number == NO_LIMIT[0] || number == NO_LIMIT[1] {
        Count::Infinite
    } else {
        Count::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_in_every_form() {
        for (value, expected) in [
            (json!(5), Count::Number(5)),
            (json!("5"), Count::Number(5)),
            (json!({"set": true, "infinite": false, "number": 5}), Count::Number(5)),
            (json!({"number": 5}), Count::Number(5)),
            (json!({"set": false, "infinite": false, "number": 0}), Count::Absent),
            (json!({"set": false, "infinite": true, "number": 0}), Count::Infinite),
            (json!(4_294_967_294_u64), Count::Absent),
            (json!(18_446_744_073_709_551_614_u64), Count::Absent),
            (json!({"set": true, "infinite": false, "number": 4_294_967_294_u64}), Count::Absent),
            (json!(4_294_967_295_u64), Count::Infinite),
            (json!(65_534), Count::Number(65_534)),
            (json!(null), Count::Absent),
            (json!(-1), Count::Absent),
            (json!("five"), Count::Absent),
            (json!([5]), Count::Absent),
            (json!({}), Count::Absent),
        ] {
            assert_eq!(count(&value), expected, "{value}");
        }
    }

    #[test]
    fn words_and_texts_in_every_form() {
        let value = json!({"a": {"one": ["RUNNING"], "two": ["RUNNING", "COMPLETING"], "word": "PENDING", "n": 7}});
        let record = Record(&value);
        let words = ["/a/one", "/a/two", "/a/word", "/a/n", "/a/x", "/b/c"].map(|path| record.words(path));
        assert_eq!(words, ["RUNNING", "RUNNING COMPLETING", "PENDING", "", "", ""]);
        assert_eq!([record.text("/a/word"), record.text("/a/n"), record.text("/a/one")], ["PENDING", "7", ""]);
        assert_eq!(record.list("/a/two").len(), 2);
        assert!(record.list("/a/word").is_empty());
    }
}
