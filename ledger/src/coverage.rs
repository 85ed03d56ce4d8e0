//! Coverage: which runs were read, by whom, with which rights. What nobody has read is in no balance, and the books say so.

use crate::{Binding, Scope};
use model::{AccountName, ClusterName, SiteName, Timestamp, UserName, Window};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

/// What whoever read accounting may see of other people's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReaderRights {
    /// Nothing: their own runs.
    #[serde(rename = "self")]
    Own,
    /// Everybody's of some accounts.
    Coordinator,
    /// Everybody's: as an operator, or because the cluster hides nothing.
    Operator,
    /// Everybody's, as those say who run the cluster.
    Site,
}

/// Why a text is no rights of a reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of `self`, `coordinator`, `operator`, `site`")]
pub struct ReaderRightsError(pub String);

impl ReaderRights {
    const ALL: [Self; 4] = [Self::Own, Self::Coordinator, Self::Operator, Self::Site];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Coordinator => "coordinator",
            Self::Operator => "operator",
            Self::Site => "site",
        }
    }

    /// Whether everybody's runs of every account were seen.
    pub const fn sees_all(self) -> bool {
        matches!(self, Self::Operator | Self::Site)
    }
}

impl FromStr for ReaderRights {
    type Err = ReaderRightsError;

    fn from_str(text: &str) -> Result<Self, ReaderRightsError> {
        Self::ALL.into_iter().find(|rights| rights.as_str() == text).ok_or_else(|| ReaderRightsError(text.to_owned()))
    }
}

/// One reading of a cluster's accounting that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Where.
    pub site: SiteName,
    /// On which cluster.
    pub cluster: ClusterName,
    /// Whose runs were asked for, and by whom.
    pub scope: Scope,
    /// What the reader could see of others; none where nobody knows.
    pub rights: Option<ReaderRights>,
    /// The Slurm accounts of which the reader coordinates or saw somebody else's run, `None` for runs without an account: of
    /// these the reader saw everybody's.
    pub whole_accounts: Vec<Option<AccountName>>,
    /// Those of which the books have somebody else's run of that time, which the reader did not see, although they saw others
    /// before. The ledger finds them out by itself.
    pub hidden_accounts: Vec<Option<AccountName>>,
    /// Every run of the scope that ended inside it was taken in.
    pub window: Window,
    /// When it was read.
    pub observed_at: Timestamp,
}

impl Coverage {
    /// The reading put together with those of its scope that it touches and that say the same, and those that it takes the
    /// place of. One between whose date and its own another one said something else stays by itself: what a reader sees is
    /// told from the order of readings.
    pub(crate) fn among(&self, known: &[Self]) -> (Self, Vec<Self>) {
        let (mut joined, mut replaced) = (self.clone(), Vec::new());
        let mut left: Vec<&Self> = known.iter().collect();
        while let Some(place) = left.iter().position(|other| joined.takes(other, known)) {
            let other = left.swap_remove(place);
            joined.window.from = joined.window.from.min(other.window.from);
            joined.window.to = joined.window.to.max(other.window.to);
            joined.observed_at = joined.observed_at.max(other.observed_at);
            replaced.push(other.clone());
        }
        (joined, replaced)
    }

    fn takes(&self, other: &Self, known: &[Self]) -> bool {
        let touches = other.window.from <= self.window.to && self.window.from <= other.window.to;
        let between = self.observed_at.min(other.observed_at)..=self.observed_at.max(other.observed_at);
        let is_other = |third: &Self| !third.says_what(self) && between.contains(&third.observed_at);
        touches && other.says_what(self) && !known.iter().any(is_other)
    }

    fn says_what(&self, other: &Self) -> bool {
        let said = |reading: &Self| {
            let accounts = |accounts: &[Option<AccountName>]| accounts.iter().cloned().collect::<BTreeSet<_>>();
            (reading.rights, accounts(&reading.whole_accounts), accounts(&reading.hidden_accounts))
        };
        said(self) == said(other)
    }
}

/// What says whose runs the books have: who pays for which, and which were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundAndRead {
    /// The bindings, in the order in which they were made.
    pub bindings: Vec<Binding>,
    /// The readings.
    pub coverage: Vec<Coverage>,
}

/// Somebody who read everybody's runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeReader {
    /// Who.
    pub reader: UserName,
    /// With which rights; none where nobody knows more than that others were seen.
    pub rights: Option<ReaderRights>,
    /// In which stretches, in order, none touching the next.
    pub windows: Vec<Window>,
}

/// What is known of the runs of one account in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCoverage {
    /// The stretches of which everybody's runs were read, in order, none touching the next.
    pub whole: Vec<Window>,
    /// By whom.
    pub whole_by: Vec<WholeReader>,
    /// Outside of those: the stretches of which only these persons' own runs were read.
    pub own: BTreeMap<UserName, Vec<Window>>,
    /// The stretches that nobody read at all.
    pub unread: Vec<Window>,
}
