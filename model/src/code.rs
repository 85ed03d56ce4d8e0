//! Which code a job runs, and which repositories beside it are written down.

use serde::{Deserialize, Serialize};

/// What a job file says of its code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Whether the job runs what lay in its working directory's repository when it was submitted, and not what lies there when
    /// it starts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_frozen: bool,
    /// Further repositories that the job uses: folders, as a node reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
}

impl Code {
    /// Whether nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
