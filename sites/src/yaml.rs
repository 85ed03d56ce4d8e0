//! What the YAML reader says, in our own words: the reader's own speak of its options and of its parser's states.

use serde_yaml::{Error, budget::BudgetBreach};

/// What is wrong with a YAML file, and what to do where that is not the same for every such mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlMistake {
    /// What is wrong, without its place.
    pub what: String,
    /// What to do about it.
    pub next: Option<&'static str>,
}

impl YamlMistake {
    /// The reader's error in our words; where the error stands is asked of the error itself.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => Self::of(error),
            Error::ExternalMessage { msg, .. } => of_syntax(msg),
            Error::DuplicateMappingKey { key, .. } => {
                let field = key.as_ref().map_or_else(|| "a field".to_owned(), |key| format!("`{key}`"));
                advised(format!("{field} is written twice"), "keep one of the two")
            }
            Error::Budget { breach, .. } => of_bound(breach),
            Error::AliasReplayCounterOverflow { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. }
            | Error::RecursiveReferencesRequireWeakTypes { .. } => too_many_references(),
            Error::UnknownAnchor { .. } => unknown_reference(),
            Error::MultipleDocuments { .. } => several_documents(),
            Error::Eof { .. } => plain("the file ends where a value is wanted"),
            Error::UnsupportedTag { tag, .. } => advised(format!("`{tag}` is not understood"), "take it out"),
            other => of_value(other),
        }
    }
}

/// Values of a wrong kind.
fn of_value(error: &Error) -> YamlMistake {
    match error {
        // Words of our own types come this way; where the reader itself speaks so, it does in plain sentences.
        Error::Message { msg, .. } => plain(without_place(msg)),
        Error::SerdeUnknownField { field, expected, .. } => {
            plain(format!("there is no field `{field}`; the fields here are: {}", expected.join(", ")))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            plain(format!("`{variant}` is none of: {}", expected.join(", ")))
        }
        Error::SerdeMissingField { field, .. } => plain(format!("`{field}` is missing")),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            plain(format!("{} stands where {} is wanted", kind(unexpected), kind(expected)))
        }
        Error::SerdeInvalidLength { len, expected, .. } => {
            plain(format!("there are {len} items where {} is wanted", kind(expected)))
        }
        Error::InvalidScalar { ty, .. } => plain(format!("the value is not {}", kind(ty))),
        Error::Unexpected { expected, .. } => plain(format!("{} is wanted here", kind(expected))),
        Error::NonFiniteFloat { value, .. } => plain(format!("`{value}` is no number that can be used")),
        Error::NullIntoString { .. } => plain("the value is empty, and a text is wanted"),
        _ => plain("the value is of a kind that is not understood here"),
    }
}

/// The reader names types as programs do.
fn kind(name: &str) -> String {
    let word = match name {
        "bool" | "boolean" => "`true` or `false`",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "an integer" => "a whole number",
        "f32" | "f64" | "floating point" => "a number",
        "string" | "a string" | "string scalar" | "scalar" => "a text",
        "unit" | "null" | "unit value" => "nothing",
        "seq" | "sequence" | "a sequence" | "sequence start" => "a list",
        "map" | "mapping" | "a map" | "mapping start" => "a group of fields",
        other if other.starts_with("struct ") => "a group of fields",
        other => other,
    };
    word.to_owned()
}

/// The bounds that keep a hostile file from filling the memory.
fn of_bound(breach: &BudgetBreach) -> YamlMistake {
    match breach {
        BudgetBreach::Depth { .. } | BudgetBreach::InclusionDepth { .. } => {
            advised("its fields are nested too deep", "write it flatter: no file of this kind needs so many levels")
        }
        BudgetBreach::Aliases { .. }
        | BudgetBreach::Anchors { .. }
        | BudgetBreach::AliasAnchorRatio { .. }
        | BudgetBreach::MergeKeys { .. } => too_many_references(),
        BudgetBreach::Documents { .. } => several_documents(),
        _ => advised("it holds more than a file of this kind may", "is it the right file?"),
    }
}

fn too_many_references() -> YamlMistake {
    advised("it refers to parts of itself too often (`&name`, `*name`)", "write the values out")
}

fn several_documents() -> YamlMistake {
    advised("there are several documents in it, divided by `---`", "keep one a file")
}

fn unknown_reference() -> YamlMistake {
    advised(
        "`*` refers to a part of the file, and there is none of that name",
        "put text that begins with `*` in quotes",
    )
}

/// What the scanner and the parser say, by the words that stay the same; each with what people wrote to hear it.
fn of_syntax(message: &str) -> YamlMistake {
    const KNOWN: &[(&str, &str, &str)] = &[
        ("tab", "a tab stands here", "indent by blanks, and put a text with tabs in quotes"),
        ("unclosed bracket", "a bracket is opened and never closed", "close it, or put a text with brackets in quotes"),
        ("bracket", "a bracket is closed that was not opened so", "pair them, or put a text with brackets in quotes"),
        (
            "unclosed quote",
            "a quote is opened and never closed",
            "close it, or put a text with quotes into other quotes",
        ),
        ("trailing content after", "something follows a text in quotes", "put the whole value in one pair of quotes"),
        ("unknown escape", "`\\` begins something unknown in a text in quotes", "write `\\\\`, or use single quotes"),
        ("unexpected EOF", "the file ends inside a bracket", "close it, or put a text with brackets in quotes"),
        (
            "mapping values are not allowed",
            "a second `:` stands where a value should end",
            "put a text with `: ` in quotes",
        ),
        ("':'", "`:` stands where it means nothing", "write `name: value`, and put a text with `:` in quotes"),
        ("unexpected character", "a value begins with a letter that YAML keeps for itself", "put the value in quotes"),
        ("anchor or alias", "a value begins with `*` or `&`", "put the value in quotes"),
        ("unknown anchor", "a value begins with `*`", "put the value in quotes"),
        ("'-'", "a line of a list does not fit the ones above it", "indent every `- item` alike"),
        ("block sequence", "a list begins where none can", "begin it on a line of its own, below its field"),
        ("expected key", "this line does not fit the ones above it", "indent the fields of a group alike"),
        ("indent", "this line is indented as nothing above it is", "indent the fields of a group alike"),
        ("simple key", "this line is no `name: value`", "write `name: value`, and indent the lines of a long text"),
        ("',' or", "a comma or the closing bracket is missing", "put commas between the items, and close the bracket"),
        (
            "recursion limit",
            "its fields are nested too deep",
            "write it flatter: no file of this kind needs so many levels",
        ),
        ("<document start>", "the file begins with what is no field", "begin it with `name: value`"),
        ("document", "there are several documents in it, divided by `---`", "keep one a file"),
        ("directive", "a line begins with `%`", "put the value in quotes"),
        ("exceeds", "it holds more than a file of this kind may", "is it the right file?"),
    ];
    let known = KNOWN.iter().find(|(words, ..)| message.contains(words));
    known.map_or_else(|| plain("this is no YAML"), |(_, what, next)| advised(*what, next))
}

/// The reader repeats the place in its words; callers have it in numbers.
fn without_place(message: &str) -> &str {
    let first = message.lines().next().unwrap_or(message);
    first.rsplit_once(" at line ").map_or(first, |(what, _)| what)
}

fn plain(what: impl Into<String>) -> YamlMistake {
    YamlMistake { what: what.into(), next: None }
}

fn advised(what: impl Into<String>, next: &'static str) -> YamlMistake {
    YamlMistake { what: what.into(), next: Some(next) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code)]
        count: u32,
        #[allow(dead_code)]
        #[serde(default)]
        names: Vec<String>,
    }

    fn said(text: &str) -> String {
        YamlMistake::of(&serde_yaml::from_str::<Sample>(text).expect_err("a mistake")).what
    }

    #[test]
    fn every_mistake_is_told_in_our_words() {
        for (text, what) in [
            ("count: 1\ncount: 2\n", "`count` is written twice"),
            ("count: 1\nsize: 2\n", "there is no field `size`; the fields here are: count, names"),
            ("names: []\n", "`count` is missing"),
            ("count: many\n", "the value is not a whole number"),
            ("count: *other\n", "`*` refers to a part of the file, and there is none of that name"),
            ("count: 1\n\tnames: []\n", "a tab stands here"),
            ("count: 1\nnames: [a, b\n", "a bracket is opened and never closed"),
            ("count: \"1\n", "a quote is opened and never closed"),
            ("count: @x\n", "a value begins with a letter that YAML keeps for itself"),
            ("---\ncount: 1\n---\ncount: 2\n", "there are several documents in it, divided by `---`"),
        ] {
            assert_eq!(said(text), what, "{text}");
        }
    }

    #[test]
    fn a_bound_that_is_passed_is_told_in_our_words() {
        let options =
            || serde_yaml::options! { budget: serde_yaml::budget! { max_depth: 4, max_aliases: 3, max_nodes: 60 } };
        for (text, what) in [
            ("[".repeat(20) + &"]".repeat(20), "its fields are nested too deep"),
            (
                "a: &a 1\nb: [*a, *a, *a, *a, *a]\n".to_owned(),
                "it refers to parts of itself too often (`&name`, `*name`)",
            ),
            ("- x\n".repeat(100), "it holds more than a file of this kind may"),
        ] {
            let read = serde_yaml::from_str_with_options::<serde::de::IgnoredAny>(&text, options());
            assert_eq!(YamlMistake::of(&read.expect_err("too much")).what, what, "{text}");
        }
    }

    #[test]
    fn no_word_of_the_reader_is_left() {
        for text in [
            "a: [b\n",
            "a: }\n",
            "- a\nb: c\n",
            "a: 'b' c\n",
            "a: \"\\q\"\n",
            "a: - b\n",
            "%x\n",
            "a: !x y\n",
            "a: &\n",
        ] {
            let Err(error) = serde_yaml::from_str::<BTreeMap<String, String>>(text) else { continue };
            let said = YamlMistake::of(&error).what;
            for word in ["scalar", "mapping", "sequence", "parsing", "scanning", "Policy", "budget", "serde"] {
                assert!(!said.contains(word), "{text:?}: {said}");
            }
        }
    }
}
