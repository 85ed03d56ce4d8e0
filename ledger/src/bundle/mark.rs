//! What a ledger remembers of a bundle that it took in.

use crate::evidence::{Fingerprint, TreeHash};
use model::{SiteName, UserName};
use serde::{Deserialize, Serialize};

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
