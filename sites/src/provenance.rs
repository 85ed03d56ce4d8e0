//! Where a value comes from, as of when, and how sure that is.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How sure a value is, the least sure first. A guess warns and never blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Nobody was seen to say so; to be checked at the site.
    Guess,
    /// A user's script or note says so: it worked for someone.
    UserReport,
    /// The centre's own pages or tools say so.
    Documented,
}

/// The day, month or year up to which a value was seen to hold: `2026-09-02`, `2026-05`, `2024`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AsOf(String);

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The page, file or person that says so.
    pub source: String,
    /// As of when.
    pub as_of: AsOf,
    /// How sure that is.
    pub confidence: Confidence,
}

impl AsOf {
    /// The date as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_number = |part: &str, digits: usize, least: u32, most: u32| {
            part.len() == digits && part.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number))
        };
        let is_date = match parts.as_slice() {
            [year] => is_number(year, 4, 1990, 2999),
            [year, month] => is_number(year, 4, 1990, 2999) && is_number(month, 2, 1, 12),
            [year, month, day] => {
                is_number(year, 4, 1990, 2999) && is_number(month, 2, 1, 12) && is_number(day, 2, 1, 31)
            }
            _ => false,
        };
        is_date.then(|| Self(text.to_owned())).ok_or_else(|| {
            format!("`{text}` is not a date: write the day, the month or the year, such as 2026-09-02, 2026-09 or 2026")
        })
    }
}

impl TryFrom<String> for AsOf {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<AsOf> for String {
    fn from(as_of: AsOf) -> Self {
        as_of.0
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Guess => "guess",
            Self::UserReport => "user report",
            Self::Documented => "documented",
        })
    }
}
