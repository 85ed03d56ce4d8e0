//! A principal: who acts.

use crate::{SiteName, UserName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who acts, as far as it is known. On a login node without a token it is the user of the operating system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// The login name.
    pub user: UserName,
    /// Where that name is valid; none on a machine that is no known site.
    pub site: Option<SiteName>,
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.site {
            Some(site) => write!(formatter, "{}@{site}", self.user),
            None => write!(formatter, "{}", self.user),
        }
    }
}
