//! Accounts: where amounts of a unit lie. Per unit all of them together always sum to zero.

use model::{ProgrammeName, ProjectName, ResourceClass, SiteName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An account of the double entry. As text `programme/GCS`, `budget/atlas`, `opening/atlas`, `used/jupiter/gh200`.
///
/// An account's amount is what was credited to it less what was debited: a programme's is negative, what it gave away;
/// a budget's is what is left; `used` and `opening` are what was consumed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Account {
    /// Who grants.
    Programme(ProgrammeName),
    /// What a project may spend.
    Budget(ProjectName),
    /// What a project had consumed before the ledger began.
    Opening(ProjectName),
    /// What a project has forfeited, less what it was forgiven.
    Expired(ProjectName),
    /// What was consumed of a resource at a site.
    Used(SiteName, ResourceClass),
    /// What was given back of it, by its negative amount.
    Refunded(SiteName, ResourceClass),
    /// What people changed by hand.
    Adjusted(SiteName, ResourceClass),
}

/// Why a text is no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an account such as `budget/atlas` or `used/jupiter/gh200`")]
pub struct AccountError(pub String);

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Programme(programme) => write!(formatter, "programme/{programme}"),
            Self::Budget(project) => write!(formatter, "budget/{project}"),
            Self::Opening(project) => write!(formatter, "opening/{project}"),
            Self::Expired(project) => write!(formatter, "expired/{project}"),
            Self::Used(site, class) => write!(formatter, "used/{site}/{}", class.as_str()),
            Self::Refunded(site, class) => write!(formatter, "refunded/{site}/{}", class.as_str()),
            Self::Adjusted(site, class) => write!(formatter, "adjusted/{site}/{}", class.as_str()),
        }
    }
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let read = || {
            let (sort, rest) = text.split_once('/')?;
            match sort {
                "programme" => rest.parse().ok().map(Self::Programme),
                "budget" => rest.parse().ok().map(Self::Budget),
                "opening" => rest.parse().ok().map(Self::Opening),
                "expired" => rest.parse().ok().map(Self::Expired),
                "used" => resource(rest).map(|(site, class)| Self::Used(site, class)),
                "refunded" => resource(rest).map(|(site, class)| Self::Refunded(site, class)),
                "adjusted" => resource(rest).map(|(site, class)| Self::Adjusted(site, class)),
                _ => None,
            }
        };
        read().ok_or_else(|| AccountError(text.to_owned()))
    }
}

fn resource(text: &str) -> Option<(SiteName, ResourceClass)> {
    let (site, class) = text.split_once('/')?;
    Some((site.parse().ok()?, ResourceClass::try_from(class.to_owned()).ok()?))
}

impl TryFrom<String> for Account {
    type Error = AccountError;

    fn try_from(text: String) -> Result<Self, AccountError> {
        text.parse()
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accounts_are_read_as_they_are_written() {
        for text in [
            "programme/GCS",
            "budget/atlas",
            "opening/atlas",
            "expired/atlas",
            "used/jupiter/gh200",
            "refunded/jupiter/gh200",
            "adjusted/jupiter/gh200",
        ] {
            assert_eq!(text.parse::<Account>().expect(text).to_string(), text);
        }
        for text in ["", "budget", "budget/", "used/jupiter", "used/jupiter/GH200", "owed/atlas", "budget/a/b"] {
            assert!(text.parse::<Account>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "((used|budget|programme)/)?.{0,30}") {
            drop(text.parse::<Account>());
        }
    }
}
