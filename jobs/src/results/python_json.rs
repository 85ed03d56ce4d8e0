//! JSON as Python's `json` writes it: with `NaN`, `Infinity` and `-Infinity`, which RFC 8259 does not have
//! (Python's documentation of `json.dump`, `allow_nan`, is true unless a program says otherwise).

use serde_json::Value;
use std::borrow::Cow;

/// The words, the longer one of a pair first.
const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// Reads a text; the three words become strings, which [`number`] reads. What nests deeper than `serde_json` goes (128 levels) is
/// a mistake of the text.
pub(super) fn parse(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(&with_quotes(text)).map_err(|error| error.to_string())
}

/// A number, or one of the words.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(word) => match word.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// Puts quotes around the words where they stand outside of strings.
fn with_quotes(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.windows(3).any(|part| part == b"NaN" || part == b"Inf") {
        return Cow::Borrowed(text);
    }
    let (mut quoted, mut rest, mut is_string) = (Vec::with_capacity(text.len() + 64), text, false);
    while let Some((&byte, behind)) = rest.split_first() {
        let word = WORDS.into_iter().find(|word| !is_string && rest.starts_with(word));
        let taken = match (word, byte) {
            (Some(word), _) => {
                quoted.push(b'"');
                quoted.extend_from_slice(word);
                quoted.push(b'"');
                rest = &rest[word.len()..];
                continue;
            }
            (None, b'\\') if is_string => rest.len().min(2),
            (None, b'"') => {
                is_string = !is_string;
                1
            }
            (None, _) => 1,
        };
        quoted.extend_from_slice(&rest[..taken]);
        rest = if taken == 1 { behind } else { &rest[taken..] };
    }
    Cow::Owned(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_words_are_numbers_outside_of_strings_alone() {
        let value = parse(br#"{"a": NaN, "b": [-Infinity, Infinity], "NaN \" Infinity": "NaN, \\", "c": 1e3}"#);
        let value = value.expect("Python's JSON");
        assert!(number(&value["a"]).is_some_and(f64::is_nan));
        assert_eq!(number(&value["b"][0]), Some(f64::NEG_INFINITY));
        assert_eq!(number(&value["b"][1]), Some(f64::INFINITY));
        assert_eq!(value["NaN \" Infinity"], "NaN, \\");
        assert_eq!(number(&value["c"]), Some(1000.0));
    }

    #[test]
    fn other_words_and_depths_are_mistakes() {
        for text in ["", "{\"a\": nan}", "{\"a\": NaNN}", "{\"a\": -NaN}", "{\"a\": 1", "\"NaN\\"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
        assert_eq!(number(&Value::Bool(true)), None);
        assert_eq!(number(&Value::String("N/A".to_owned())), None);
    }
}
