//! Scopes: whose jobs one reading of a cluster covers.

use model::UserName;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whose jobs were asked for, and by whom. As text `user:ada`, `all:carol` or `site:olga`.
///
/// What was read in one scope says nothing about another: each has a cursor and an observation of its own. All that
/// is visible is named after its reader, because clusters hide jobs (`PrivateData` of slurm.conf(5)): what an ordinary
/// person sees with `--all-users` may be as little as their own jobs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// This person's own jobs.
    User(UserName),
    /// Every job that this person may see.
    All(UserName),
    /// Every job of the cluster, as this person says who runs it.
    Site(UserName),
}

/// Why a text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope such as `user:ada`, `all:carol` or `site:olga`")]
pub struct ScopeError(pub String);

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(formatter, "user:{user}"),
            Self::All(reader) => write!(formatter, "all:{reader}"),
            Self::Site(reader) => write!(formatter, "site:{reader}"),
        }
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let bad = || ScopeError(text.to_owned());
        let (sort, name) = text.split_once(':').ok_or_else(bad)?;
        let user = name.parse().map_err(|_| bad())?;
        match sort {
            "user" => Ok(Self::User(user)),
            "all" => Ok(Self::All(user)),
            "site" => Ok(Self::Site(user)),
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for text in ["user:ada", "all:carol", "site:olga"] {
            assert_eq!(text.parse::<Scope>().expect(text).to_string(), text);
        }
        for text in ["", "all", "user:", "all:", "site:", "group:hai", "ada"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }
}
