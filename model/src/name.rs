//! Names: of people's things and of a site's. Each is a type of its own, so that two of them cannot be exchanged. Short ones,
//! as nearly all are, lie in the value itself: a row of accounting has eight of them, and an import millions of rows.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::{fmt, str::FromStr};

/// Why a text is no name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {rule}")]
pub struct NameError {
    /// What was read.
    pub text: String,
    /// Which kind of name was wanted.
    pub what: &'static str,
    /// What such a name looks like.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(SmolStr);

        impl $type {
            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(text) {
                    Ok(Self(SmolStr::new(text)))
                } else {
                    Err(NameError { text: text.to_owned(), what: $what, rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.into()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    };
}

/// Ours: short, safe in a path, in a shell word and in Slurm's comma-separated lists.
fn is_plain(text: &str, longest: usize) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.len() <= longest
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Of an evaluation: whatever a harness wrote, paths and blanks included, on one line and of a bounded length.
fn is_told(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control)
}

/// Theirs: whatever a site wrote, as long as it cannot break a line, a list or an option.
fn is_foreign(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && !text.starts_with('-')
        && !text
            .chars()
            .any(|letter| letter.is_control() || letter.is_whitespace() || matches!(letter, ',' | '|' | '='))
}

name!(
    /// What a person calls a job; the stamp is appended to it for the scheduler.
    JobName, "job name", "letters, digits, `-`, `_` and `.`, at most 64, starting with a letter or digit",
    |text| is_plain(text, 64)
);
name!(
    /// A project: the group's name for what spends.
    ProjectName, "project name", "letters, digits, `-`, `_` and `.`, at most 64, starting with a letter or digit",
    |text| is_plain(text, 64)
);
name!(
    /// A parameter of a sweep: the program finds its value in the variable of that name.
    ParameterName, "parameter name", "letters, digits and `_`, at most 64, starting with a letter or `_`",
    |text| text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
);
name!(
    /// A programme that grants time: `GCS`, `EuroHPC`, `NHR`, `Helmholtz`, `MPG`.
    ProgrammeName, "programme name", "letters, digits, `-`, `_` and `.`, at most 64, starting with a letter or digit",
    |text| is_plain(text, 64)
);
name!(
    /// A site of the catalogue: `jupiter`, `horeka`, `local`.
    SiteName, "site name", "lower-case letters, digits and `-`, at most 32, starting with a letter",
    |text| text.starts_with(|first: char| first.is_ascii_lowercase()) && text.len() <= 32
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
);
name!(
    /// Slurm's name of a cluster (`ClusterName` in slurm.conf).
    ClusterName, "cluster name", "no blanks, commas, `|` or `=`, not starting with `-`", is_foreign
);
name!(
    /// A partition of a cluster.
    PartitionName, "partition name", "no blanks, commas, `|` or `=`, not starting with `-`", is_foreign
);
name!(
    /// A Slurm account, a site's name for a budget.
    AccountName, "account name", "no blanks, commas, `|` or `=`, not starting with `-`", is_foreign
);
name!(
    /// A quality of service of a cluster.
    QosName, "QOS name", "no blanks, commas, `|` or `=`, not starting with `-`", is_foreign
);
name!(
    /// A person's login name at a site.
    UserName, "user name", "no blanks, commas, `|` or `=`, not starting with `-`", is_foreign
);
name!(
    /// A type of GPU as people name it: `h100`, `A100-80`; compared without regard to case and signs.
    GpuType, "GPU type", "letters, digits, `-`, `_` and `.`, at most 64, starting with a letter or digit",
    |text| is_plain(text, 64)
);

name!(
    /// A model that is evaluated: its name on a hub, or the folder it lies in.
    ModelName, "name of a model", "one line of at most 1024 bytes", |text| is_told(text, 1024)
);
name!(
    /// A task of an evaluation, or a group of them: `arc_easy`, `mmlu`.
    TaskName, "name of an evaluation's task", "one line of at most 256 bytes", |text| is_told(text, 256)
);
name!(
    /// What is measured in an evaluation: `acc`, `exact_match`.
    MetricName, "name of a metric", "one line of at most 256 bytes", |text| is_told(text, 256)
);
name!(
    /// How answers are read before they are measured: `strict-match`.
    FilterName, "name of a filter", "one line of at most 256 bytes", |text| is_told(text, 256)
);
name!(
    /// The unit of a score: `%`, `bits`.
    ScoreUnit, "unit of a score", "one line of at most 64 bytes", |text| is_told(text, 64)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_names_are_safe_in_paths_and_lists() {
        for text in ["train-7b", "A.b_c", "7b"] {
            assert_eq!(text.parse::<JobName>().expect(text).as_str(), text);
        }
        for text in ["", "-x", ".hidden", "a b", "a/b", "a,b", "a\n", "ä", &"x".repeat(65)] {
            assert!(text.parse::<JobName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_harness_may_write_any_line_of_a_bounded_length() {
        for text in ["/scratch/ada/7b v2", "openai/gpt=x,y", "ü", &"x".repeat(1024)] {
            assert_eq!(text.parse::<ModelName>().expect(text).as_str(), text);
        }
        for text in ["", "a\nb", "a\u{1b}[2J", &"x".repeat(1025)] {
            assert!(text.parse::<ModelName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_sites_names_are_kept_as_they_are() {
        for text in ["hk-project-p0024043", "grete:shared", "A100", "a+b"] {
            assert_eq!(text.parse::<PartitionName>().expect(text).to_string(), text);
        }
        for text in ["", "--uid=0", "a,b", "a|b", "a b", "a=b", "a\tb"] {
            assert!(text.parse::<AccountName>().is_err(), "{text:?}");
        }
    }
}
