//! The first line of a bundle: whose it is.

use super::FORMAT;
use crate::evidence::{Fingerprint, VerifierKey};
use model::{Principal, SiteName, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// The longest name of a program, in bytes.
const MOST_NAME_BYTES: usize = 128;

/// Whose a bundle is, and the key that signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleHeader {
    /// The site whose accounting was read.
    pub site: SiteName,
    /// Who read it.
    pub user: UserName,
    /// Their key.
    pub key: VerifierKey,
    /// When the bundle was begun.
    pub began_at: Timestamp,
    /// Random bits: two bundles of one person are never the same one.
    pub mark: u128,
    /// The program and its release.
    pub made_by: String,
}

/// The line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    format: String,
    site: SiteName,
    user: UserName,
    key: String,
    began_at: Timestamp,
    mark: String,
    made_by: String,
}

impl BundleHeader {
    /// Whoever read the accounting, as the ledger names them.
    pub fn reader(&self) -> Principal {
        Principal { user: self.user.clone(), site: Some(self.site.clone()) }
    }

    /// What people compare the key by.
    pub fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    pub(super) fn line(&self) -> Result<Vec<u8>, String> {
        let line = Line {
            format: FORMAT.to_owned(),
            site: self.site.clone(),
            user: self.user.clone(),
            key: self.key.to_string(),
            began_at: self.began_at,
            mark: format!("{:032x}", self.mark),
            made_by: self.made_by.clone(),
        };
        serde_json::to_vec(&line).map_err(|error| error.to_string())
    }

    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let format: Format =
            serde_json::from_slice(line).map_err(|_| "it does not begin as a bundle does".to_owned())?;
        if format.format != FORMAT {
            return Err(format!("its format is not `{FORMAT}`: another release of pakt may read it"));
        }
        let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if line.made_by.len() > MOST_NAME_BYTES {
            return Err(format!("`made_by` is longer than {MOST_NAME_BYTES} bytes"));
        }
        let key = line.key.parse().map_err(|error: crate::evidence::EvidenceError| error.to_string())?;
        let mark =
            u128::from_str_radix(&line.mark, 16).map_err(|_| "`mark` is not 32 hexadecimal digits".to_owned())?;
        let Line { site, user, began_at, made_by, .. } = line;
        Ok(Self { site, user, key, began_at, mark, made_by })
    }
}

/// As much of a first line as every release has.
#[derive(Deserialize)]
struct Format {
    format: String,
}
