//! A YAML document with the place of every value, bounded against hostile input.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_yaml::Spanned;
use sites::YamlMistake;
use std::{fmt, ops::Range};

/// The longest job file that is read, in bytes.
pub(super) const LONGEST_BYTES: usize = 256 * 1024;

/// Where something stands in a file; lines and columns count from 1, the length is in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// How many characters to underline, at least one.
    pub length: usize,
}

impl Place {
    /// The start of a file.
    pub const START: Self = Self { line: 1, column: 1, length: 1 };
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    /// Where it is written, in bytes of the file; where an alias stands for it, at the alias' anchor.
    bytes: Range<usize>,
}

/// What a value is. Scalars keep their text: `time: 00:10:00` and `name: 7` are read by whoever knows the field.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping with its place.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) place: Place,
}

/// A whole file.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) root: Node,
}

impl Document {
    /// Reads a document; on failure what is wrong and the place.
    pub(super) fn read(text: &str) -> Result<Self, (YamlMistake, Place)> {
        if text.len() > LONGEST_BYTES {
            let what = format!("the file is longer than {LONGEST_BYTES} bytes");
            return Err((YamlMistake { what, next: Some("is it the right file?") }, Place::START));
        }
        let options = serde_yaml::options! {
            budget: serde_yaml::budget! {
                max_events: 20_000,
                max_nodes: 10_000,
                max_aliases: 100,
                max_anchors: 100,
                max_depth: 32,
                max_documents: 1,
                max_total_scalar_bytes: LONGEST_BYTES,
            },
        };
        let root: Spanned<Value> =
            serde_yaml::from_str_with_options(text, options).map_err(|error| parse_failure(&error))?;
        let mut root = node(root);
        for part in KEPT {
            keep_text(&mut root, text, part);
        }
        Ok(Self { root })
    }

    /// The place that a field path such as `resources.time` or `site[1]` names, or of the nearest part above it.
    pub fn locate(&self, path: &str) -> Place {
        let mut node = &self.root;
        let mut place = match &node.value {
            Value::Map(entries) => entries.first().map_or(Place::START, |(key, _)| key.place),
            _ => node.place,
        };
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match (&node.value, step.strip_suffix(']').and_then(|index| index.parse::<usize>().ok())) {
                (Value::List(items), Some(index)) => items.get(index).map(|item| (item, item.place)),
                (Value::Map(entries), _) => entries.iter().find(|(key, _)| key.text == step).map(|(key, value)| {
                    let is_scalar = matches!(value.value, Value::Scalar(_));
                    (value, if is_scalar { value.place } else { key.place })
                }),
                _ => None,
            };
            let Some((found, at)) = next else { break };
            (node, place) = (found, at);
        }
        place
    }
}

fn parse_failure(error: &serde_yaml::Error) -> (YamlMistake, Place) {
    let place = error.location().map_or(Place::START, |location| place_of(location, 1));
    (YamlMistake::of(error), place)
}

fn place_of(location: serde_yaml::Location, least: usize) -> Place {
    let number = |count: u64| usize::try_from(count).unwrap_or(1).max(1);
    Place {
        line: number(location.line()),
        column: number(location.column()),
        length: usize::try_from(location.span().len()).unwrap_or(1).clamp(least, 200),
    }
}

fn node(spanned: Spanned<Value>) -> Node {
    let span = spanned.defined.span();
    let byte = |at: Option<u64>| at.and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
    let start = byte(span.byte_offset());
    let bytes = start..start.saturating_add(byte(span.byte_len()));
    Node { place: place_of(spanned.referenced, 1), value: spanned.value, bytes }
}

/// The parts of a job file whose values reach a program as they are written: `1e-4` and `3.0` are other words than `0.0001` and `3`.
const KEPT: [&[&str]; 3] = [&["environment", "variables"], &["sweep"], &["evaluate"]];

/// Gives scalars below a part that were read as numbers or booleans their text again.
fn keep_text(node: &mut Node, text: &str, part: &[&str]) {
    let Some((name, below)) = part.split_first() else { return keep_all(node, text) };
    if let Value::Map(entries) = &mut node.value {
        let wanted = entries.iter_mut().filter(|(key, _)| key.text == *name);
        wanted.for_each(|(_, value)| keep_text(value, text, below));
    }
}

fn keep_all(node: &mut Node, text: &str) {
    match &mut node.value {
        Value::Null => {}
        Value::Scalar(scalar) => {
            let written = text.get(node.bytes.clone()).unwrap_or_default();
            if is_number(written) || is_boolean(written) {
                written.clone_into(scalar);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| keep_all(item, text)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| keep_all(value, text)),
    }
}

/// Whether a plain scalar may be a number to a reader of YAML.
fn is_number(written: &str) -> bool {
    written.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        && written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._:".contains(&byte))
}

/// Whether it is a boolean to one, or was to one of YAML 1.1.
fn is_boolean(written: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off", "y", "n"].iter().any(|word| written.eq_ignore_ascii_case(word))
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a scalar, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(node(item));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let place = place_of(key.referenced, key.value.chars().count().max(1));
            let value = node(entries.next_value::<Spanned<Value>>()?);
            map.push((Key { text: key.value, place }, value));
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_located_where_they_stand() {
        let text = "name: tiny\nsite: [jupiter, horeka]\nresources:\n  nodes: 2\n  time: \"00:10:00\"\n";
        let document = Document::read(text).expect("well formed");
        for (path, line, column) in [
            ("name", 1, 7),
            ("site[1]", 2, 17),
            ("resources", 3, 1),
            ("resources.nodes", 4, 10),
            ("resources.time", 5, 9),
            ("resources.memory", 3, 1),
            ("", 1, 1),
        ] {
            let place = document.locate(path);
            assert_eq!((place.line, place.column), (line, column), "{path}");
        }
    }

    /// The text of a field of a part.
    fn at(document: &Document, part: &str, field: &str) -> String {
        let below = |node: &Node, name: &str| match &node.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.text == name).expect("there").1.clone(),
            other => panic!("{other:?}"),
        };
        match below(&below(&document.root, part), field).value {
            Value::Scalar(text) => text,
            other => panic!("{field}: {other:?}"),
        }
    }

    #[test]
    fn values_for_a_program_keep_their_text_and_no_others() {
        for (written, text) in [
            ("1e-4", "1e-4"),
            ("3.0", "3.0"),
            ("+5", "+5"),
            (".5", ".5"),
            ("007", "007"),
            ("0x10", "0x10"),
            ("true", "true"),
            ("True", "True"),
            ("no", "no"),
            ("!!binary aGVsbG8=", "hello"),
            ("12:30:00", "12:30:00"),
            ("-1", "-1"),
            ("plain words", "plain words"),
            ("'1e-4'", "1e-4"),
            ("\"1e-4\"", "1e-4"),
            ("&anchor 1e-4", "1e-4"),
            ("!!str 1e-4", "1e-4"),
            ("1e-4 # said", "1e-4"),
            ("|-\n  1e-4\n  2", "1e-4\n2"),
            ("größe", "größe"),
        ] {
            for before in ["", "ä: ö\n", "# x\r\n"] {
                let text_of = format!("{before}sweep:\n  value: {}\n  other: x\n", written.replace('\n', "\n  "));
                let document = Document::read(&text_of).expect("well formed");
                let found = at(&document, "sweep", "value");
                assert_eq!(found, text, "{written}");
            }
        }
        let document = Document::read("a: &lr 1e-4\nsweep: { b: *lr, c: 2e0 }\n").expect("well formed");
        assert_eq!((at(&document, "sweep", "b"), at(&document, "sweep", "c")), ("1e-4".into(), "2e0".into()));
        let document = Document::read("resources: { nodes: 0x2, exact: 2.0, exclusive: yes }\n").expect("well formed");
        let read = ["nodes", "exact", "exclusive"].map(|name| at(&document, "resources", name));
        assert_eq!(read, ["2", "2", "true"], "what is read as a number or a word stays one");
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let below = level - 1;
            let aliases = vec![format!("*a{below}"); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let (mistake, _) = Document::read(&text).expect_err("refused");
        assert!(mistake.what.contains("more than a file of this kind may"), "{}", mistake.what);
    }

    #[test]
    fn a_broken_document_names_its_line() {
        let (_, place) = Document::read("name: x\nresources: {nodes: 2\n").expect_err("refused");
        assert!(place.line >= 2, "{place:?}");
        let (mistake, place) = Document::read("name: x\nname: y\n").expect_err("refused");
        assert_eq!((mistake.what.as_str(), place.line), ("`name` is written twice", 2));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "([a-z]{1,4}: |- |\\[|\\{|\\}|&a|\\*a|\n| |.){0,80}") {
            if let Ok(document) = Document::read(&text) {
                let _ = document.locate("resources.time");
            }
        }
    }
}
