//! Units: what is counted, and where.

use crate::{NameError, SiteName};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::{fmt, str::FromStr};

/// The native resource that is counted, as the site calls it: `gh200`, `core`, `node`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceClass(SmolStr);

/// A unit of account, `site:class`: `jupiter:gh200`, `horeka:h100`, `jupiter:core`. Its scale is fixed: milli-seconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Unit {
    site: SiteName,
    class: ResourceClass,
}

/// Why a text is no unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No colon between site and resource.
    #[error("`{0}` is not a unit such as `jupiter:gh200` (site, colon, resource)")]
    Shape(String),
    /// The part in front of the colon is no site name.
    #[error(transparent)]
    Site(#[from] NameError),
    /// The part behind the colon is no resource class.
    #[error("`{0}` is not a resource class: lower-case letters, digits, `-` and `.`, starting with a letter")]
    Class(String),
}

impl ResourceClass {
    /// The class of whole nodes.
    pub fn node() -> Self {
        Self(SmolStr::new_static("node"))
    }

    /// The class as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What an hour of it is called: `core-h`, `node-h`, `CPU-h`, and `GPU-h` for every accelerator.
    pub fn hour_word(&self) -> &'static str {
        match self.0.as_str() {
            "core" => "core-h",
            "cpu" => "CPU-h",
            "node" => "node-h",
            "nhr-core" => "NHR core-h",
            _ => "GPU-h",
        }
    }
}

impl TryFrom<String> for ResourceClass {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Self, UnitError> {
        let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        if starts_well && text.len() <= 32 && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(UnitError::Class(text))
        }
    }
}

impl From<ResourceClass> for String {
    fn from(class: ResourceClass) -> Self {
        class.0.into()
    }
}

impl Unit {
    /// The unit of one resource class at one site.
    pub const fn new(site: SiteName, class: ResourceClass) -> Self {
        Self { site, class }
    }

    /// The site where it is counted.
    pub const fn site(&self) -> &SiteName {
        &self.site
    }

    /// What is counted.
    pub const fn class(&self) -> &ResourceClass {
        &self.class
    }

    /// What an hour of it is called where it is shown.
    pub fn hour_word(&self) -> &'static str {
        self.class.hour_word()
    }
}

impl FromStr for Unit {
    type Err = UnitError;

    /// Reads a unit as a person types it: in any case of letters, because no unit has a capital one.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        text.to_ascii_lowercase().try_into()
    }
}

impl TryFrom<String> for Unit {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Self, UnitError> {
        let (site, class) = text.split_once(':').ok_or_else(|| UnitError::Shape(text.clone()))?;
        Ok(Self { site: site.parse()?, class: class.to_owned().try_into()? })
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.to_string()
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.site, self.class.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_a_site_and_a_resource() {
        let unit: Unit = "jupiter:gh200".parse().expect("a unit");
        assert_eq!((unit.site().as_str(), unit.class().as_str()), ("jupiter", "gh200"));
        assert_eq!(unit.to_string(), "jupiter:gh200");
        assert_eq!(unit.hour_word(), "GPU-h");
        assert_eq!("Jupiter:GH200".parse(), Ok(unit), "people write it so");
        assert!(Unit::try_from("Jupiter:GH200".to_owned()).is_err(), "records do not");
        for text in ["jupiter", "jupiter:", ":gh200", "ju piter:core", "a:b:c"] {
            assert!(text.parse::<Unit>().is_err(), "{text}");
        }
    }
}
