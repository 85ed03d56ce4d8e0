//! Reads the fields of one mapping, collecting mistakes instead of stopping at the first.

use super::document::{Key, Node, Place, Value};
use crate::nearest::nearest;
use model::Finding;
use std::{cell::RefCell, fmt::Display, str::FromStr};

/// What was found so far, with places.
pub(super) type Findings = RefCell<Vec<(Place, Finding)>>;

/// Words that belong to parts of Pakt that do not exist yet: an honest answer instead of "unknown field".
const RESERVED: [(&str, &str); 2] = [("data", "staging data"), ("telemetry", "GPU telemetry")];

/// One mapping of the document, being read.
pub(super) struct Fields<'a> {
    path: String,
    place: Place,
    entries: &'a [(Key, Node)],
    findings: &'a Findings,
}

impl<'a> Fields<'a> {
    /// The fields of a node that must be a mapping; a mistake and no fields where it is something else.
    pub(super) fn of(path: &str, node: &'a Node, findings: &'a Findings) -> Self {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                let what = format!("`{}` holds a single value, not fields", shown(path));
                let finding =
                    Finding::error(path, what, "write its fields indented below it, one `name: value` a line");
                findings.borrow_mut().push((node.place, finding));
                &[]
            }
        };
        Self { path: path.to_owned(), place: node.place, entries, findings }
    }

    /// The mapping below a field; empty where the field is absent.
    pub(super) fn below(&self, name: &str) -> Self {
        let path = self.path_of(name);
        match self.entry(name) {
            Some((key, node)) => {
                let mut below = Self::of(&path, node, self.findings);
                below.place = key.place;
                below
            }
            None => Self { path, place: self.place, entries: &[], findings: self.findings },
        }
    }

    /// Whether a field is there and not empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|(_, node)| !matches!(node.value, Value::Null))
    }

    /// Whether a field is there with nothing behind it.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|(_, node)| matches!(node.value, Value::Null))
    }

    /// Reports every field that is not one of `known`, with the nearest name or the word that it is reserved.
    pub(super) fn only(&self, known: &[&str]) {
        for (key, _) in self.entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let path = self.path_of(&key.text);
            let reserved = RESERVED.iter().find(|(word, _)| self.path.is_empty() && *word == key.text);
            let finding = match (reserved, nearest(&key.text, known)) {
                (Some((word, purpose)), _) => Finding::error(
                    path,
                    format!("`{word}` is reserved for {purpose}, which this version of Pakt does not do"),
                    "take it out; `pakt --version` and the changelog tell when it comes",
                ),
                (None, Some(near)) => {
                    Finding::error(path, format!("there is no field `{}`", key.text), format!("did you mean `{near}`?"))
                }
                (None, None) => Finding::error(
                    path,
                    format!("there is no field `{}`", key.text),
                    format!("the fields here are: {}", known.join(", ")),
                ),
            };
            self.push(key.place, finding);
        }
    }

    /// A field's text; none where it is absent, a mistake where it is no scalar.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, node) = self.entry(name)?;
        match &node.value {
            Value::Scalar(text) => Some(text.clone()),
            Value::Null => None,
            Value::List(_) | Value::Map(_) => {
                let what = format!("`{}` must be a single value", shown(&self.path_of(name)));
                self.mistake(name, what, "write one value behind the colon");
                None
            }
        }
    }

    /// A field read by its type's own parser; a mistake with the parser's words.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, name: &str, next: &str) -> Option<T> {
        let text = self.text(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.mistake(name, error.to_string(), next);
                None
            }
        }
    }

    /// A whole number from `least` on.
    pub(super) fn count(&self, name: &str, least: u32) -> Option<u32> {
        let text = self.text(name)?;
        match text.parse::<u32>() {
            Ok(count) if count >= least => Some(count),
            _ => {
                let what = format!("`{text}` is not a whole number from {least} on");
                self.mistake(name, what, format!("for example `{name}: {}`", least.max(1)));
                None
            }
        }
    }

    /// A whole number from 1 to `most`.
    pub(super) fn up_to(&self, name: &str, most: u32) -> Option<u32> {
        let count = self.count(name, 1)?;
        if count > most {
            self.mistake(name, format!("{count} is more than {most}"), format!("write a number from 1 to {most}"));
            return None;
        }
        Some(count)
    }

    /// One word of a list of words, with the nearest one as hint.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let next = nearest(&text, &known)
                .map_or_else(|| format!("one of: {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
            self.mistake(name, format!("`{text}` is not a `{name}`"), next);
        }
        found
    }

    /// A list of texts; a single value counts as a list of one.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let Some((_, node)) = self.entry(name) else { return Vec::new() };
        match &node.value {
            Value::Null => Vec::new(),
            Value::Scalar(text) => vec![text.clone()],
            Value::List(items) => items.iter().filter_map(|item| self.item(name, item)).collect(),
            Value::Map(_) => {
                let what = format!("`{}` must be a list", shown(&self.path_of(name)));
                self.mistake(name, what, "write its items as `- item`, one a line");
                Vec::new()
            }
        }
    }

    /// Whether the field is written as a single value.
    pub(super) fn is_scalar(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|(_, node)| matches!(node.value, Value::Scalar(_)))
    }

    /// Whether the field is written as a list.
    pub(super) fn is_list(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|(_, node)| matches!(node.value, Value::List(_)))
    }

    /// Whether the field is written as a mapping.
    pub(super) fn is_map(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|(_, node)| matches!(node.value, Value::Map(_)))
    }

    /// The keys of a mapping whose keys are free.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.entries.iter().map(|(key, _)| key.text.as_str())
    }

    /// The keys and texts of a mapping whose keys are free.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let entries = self.entries.iter();
        entries
            .filter_map(|(key, _)| Some((key.text.clone(), self.text(&key.text).or_else(|| self.empty(&key.text))?)))
            .collect()
    }

    /// The mappings of a list of them; a mistake for an item that is none.
    pub(super) fn mappings(&self, name: &str) -> Vec<Self> {
        let path = self.path_of(name);
        let Some((_, node)) = self.entry(name) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.mistake(
                name,
                format!("`{}` must be a list", shown(&path)),
                "write its items as `- { name: value }`, one a line",
            );
            return Vec::new();
        };
        let item = |(index, item)| Self::of(&format!("{path}[{index}]"), item, self.findings);
        items.iter().enumerate().map(item).collect()
    }

    fn empty(&self, name: &str) -> Option<String> {
        self.entry(name).filter(|(_, node)| matches!(node.value, Value::Null)).map(|_| String::new())
    }

    fn item(&self, name: &str, item: &Node) -> Option<String> {
        if let Value::Scalar(text) = &item.value {
            Some(text.clone())
        } else {
            let what = format!("an item of `{}` must be a single value", shown(&self.path_of(name)));
            self.push(item.place, Finding::error(self.path_of(name), what, "quote it if it holds a colon"));
            None
        }
    }

    /// A field that must be there.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>, example: &str) -> Option<T> {
        if value.is_none() && !self.has(name) {
            let path = self.path_of(name);
            let what = format!("`{}` is missing", shown(&path));
            self.push(self.place, Finding::error(path, what, format!("add `{name}: {example}`")));
        }
        value
    }

    /// Records a mistake at a field of this mapping.
    pub(super) fn mistake(&self, name: &str, what: impl Into<String>, next: impl Into<String>) {
        let place = self.entry(name).map_or(self.place, |(key, node)| match node.value {
            Value::Scalar(_) => node.place,
            _ => key.place,
        });
        self.push(place, Finding::error(self.path_of(name), what, next));
    }

    /// Records a mistake at the name of a field of this mapping.
    pub(super) fn key_mistake(&self, name: &str, what: impl Into<String>, next: impl Into<String>) {
        let place = self.entry(name).map_or(self.place, |(key, _)| key.place);
        self.push(place, Finding::error(self.path_of(name), what, next));
    }

    /// Records a mistake at an item of a list in this mapping, or at the single value that stands for the list.
    pub(super) fn item_mistake(&self, name: &str, index: usize, what: impl Into<String>, next: impl Into<String>) {
        let item = self.entry(name).and_then(|(_, node)| match &node.value {
            Value::List(items) => items.get(index),
            _ => Some(node),
        });
        let place = item.map_or(self.place, |item| item.place);
        self.push(place, Finding::error(format!("{}[{index}]", self.path_of(name)), what, next));
    }

    /// Records a doubt at a field of this mapping.
    pub(super) fn doubt(&self, name: &str, what: impl Into<String>, next: impl Into<String>) {
        let place = self.entry(name).map_or(self.place, |(key, _)| key.place);
        self.push(place, Finding::warning(self.path_of(name), what, next));
    }

    fn push(&self, place: Place, finding: Finding) {
        self.findings.borrow_mut().push((place, finding));
    }

    fn entry(&self, name: &str) -> Option<&'a (Key, Node)> {
        self.entries.iter().find(|(key, _)| key.text == name)
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the job file" } else { path }
}
