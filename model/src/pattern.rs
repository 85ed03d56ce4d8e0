//! Patterns of names: `*` stands for any run of characters, `#` for one digit, everything else for itself.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The longest pattern, in bytes.
const LONGEST: usize = 200;

/// A pattern that a person wrote. It has at least one character that stands for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pattern such as `llm-*`: at most 200 bytes on one line, and not of `*` and `#` alone")]
pub struct PatternError(String);

impl Pattern {
    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        matches(&self.0, text)
    }

    /// How many characters stand for themselves: the more, the more it says.
    pub fn literals(&self) -> usize {
        self.0.chars().filter(|letter| !is_open(*letter)).count()
    }
}

const fn is_open(letter: char) -> bool {
    matches!(letter, '*' | '#')
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let is_fit = text.len() <= LONGEST && !text.chars().any(char::is_control) && !text.chars().all(is_open);
        if is_fit { Ok(Self(text.to_owned())) } else { Err(PatternError(text.to_owned())) }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether the whole text matches the pattern.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // For each prefix of the pattern: which prefixes of the text it matches. No recursion, so no pattern is slow.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match wanted {
                '*' => reached[at] || (at > 0 && next[at - 1]),
                '#' => at > 0 && reached[at - 1] && text[at - 1].is_ascii_digit(),
                letter => at > 0 && reached[at - 1] && text[at - 1] == letter,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::{Pattern, matches};

    #[test]
    fn stars_and_digits() {
        for (pattern, text, expected) in [
            ("jrc####", "jrc0123", true),
            ("jrc####", "jrcx123", false),
            ("jpbo-*", "jpbo-001-03", true),
            ("jpbo-*", "xjpbo-001", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("hkn####.*", "hkn0405.localdomain", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_a_person_says_something() {
        for (text, literals) in
            [("llm-*", Some(4)), ("run##", Some(3)), ("a", Some(1)), ("*", None), ("", None), ("*#", None)]
        {
            assert_eq!(text.parse::<Pattern>().ok().map(|pattern| pattern.literals()), literals, "{text}");
        }
        assert!("x".repeat(201).parse::<Pattern>().is_err() && "a\nb".parse::<Pattern>().is_err());
    }
}
