//! What a ledger remembers of a bundle that it took in.

use crate::evidence::{Fingerprint, TreeHash};
use model::{SiteName, UserName};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What the holder of a key is believed to say. More than about themselves only where a person said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyTrust {
    /// About their own runs.
    #[default]
    Own,
    /// About everybody's whom they saw: they coordinate accounts, or operate the cluster.
    Everybody,
    /// As the site: what is signed with this key gives way to nothing else.
    Site,
}

impl KeyTrust {
    const ALL: [Self; 3] = [Self::Own, Self::Everybody, Self::Site];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Everybody => "everybody",
            Self::Site => "site",
        }
    }
}

/// Why a text does not say what a key is believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of `own`, `everybody`, `site`")]
pub struct KeyTrustError(pub String);

impl FromStr for KeyTrust {
    type Err = KeyTrustError;

    fn from_str(text: &str) -> Result<Self, KeyTrustError> {
        Self::ALL.into_iter().find(|trust| trust.as_str() == text).ok_or_else(|| KeyTrustError(text.to_owned()))
    }
}

/// How far a bundle was taken in, and with which key it was signed. The first key of a person at a site is believed; another
/// one only where somebody says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleMark {
    /// What tells the bundle from others.
    pub chain: TreeHash,
    /// Whose accounting it has.
    pub site: SiteName,
    /// Who read it.
    pub user: UserName,
    /// Their key.
    pub key: Fingerprint,
    /// What it is believed to say.
    pub trust: KeyTrust,
    /// The last batch that was taken in.
    pub number: u64,
    /// Its hash.
    pub last: TreeHash,
}

/// Says how far a bundle was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepBundle {
    /// How far.
    pub mark: BundleMark,
    /// Whether a person has looked at a key that differs from the known one.
    pub accepts_key: bool,
}
