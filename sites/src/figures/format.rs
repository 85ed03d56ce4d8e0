//! The texts that are understood, and how they are told apart.

use super::text::Line;

/// Which command's text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureFormat {
    /// `jutil project cpuquota -o json`, of JSC.
    Jutil,
    /// `kit_project_usage`, of KIT.
    Kit,
    /// `saldo -b`, of CINECA.
    Saldo,
    /// A table with the columns `project`, `unit`, `granted`, `used`, `since` and `as_of`, by whoever writes one.
    Csv,
}

impl FigureFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Jutil, Self::Kit, Self::Saldo, Self::Csv];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jutil => "jutil",
            Self::Kit => "kit",
            Self::Saldo => "saldo",
            Self::Csv => "csv",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// The program that prints it, as profiles name it; none for a table that anybody may write.
    pub const fn program(self) -> Option<&'static str> {
        match self {
            Self::Jutil => Some("jutil"),
            Self::Kit => Some("kit_project_usage"),
            Self::Saldo => Some("saldo"),
            Self::Csv => None,
        }
    }

    /// Which text it is, by the first line that says anything; none where it looks like neither.
    pub(super) fn detect(lines: &[Line<'_>]) -> Option<Self> {
        let mut said = lines.iter().map(|line| line.text.trim()).filter(|text| !text.is_empty()).peekable();
        if said.peek()?.starts_with(['[', '{']) {
            return Some(Self::Jutil);
        }
        // Above the head there may be a rule of dashes.
        let head = said.find(|text| text.contains(char::is_alphanumeric))?.to_ascii_lowercase();
        if head.contains("totconsumed") {
            return Some(Self::Saldo);
        }
        let is_said = |word: &str| head.split(|letter: char| !letter.is_alphanumeric()).any(|part| part == word);
        match (is_said("used"), is_said("resource"), head.contains([',', ';'])) {
            (true, true, false) => Some(Self::Kit),
            (true, _, true) => Some(Self::Csv),
            _ => None,
        }
    }
}
