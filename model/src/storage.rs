//! Storage areas: what a site calls its file systems, and who can see them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an area is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StorageRole {
    /// A person's home: small, backed up.
    Home,
    /// A project's permanent space.
    Project,
    /// Fast and purged.
    Scratch,
    /// Faster and purged sooner.
    Flash,
    /// Large, for data sets.
    Data,
    /// Tape.
    Archive,
    /// On the node, gone with the job.
    NodeLocal,
}

/// From where an area is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StorageContext {
    /// A login node.
    Login,
    /// A compute node.
    Compute,
    /// A node for moving data.
    Mover,
}

/// One area of a site. It is visible in exactly the contexts for which it has a path or a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageArea {
    /// What it is for.
    pub role: StorageRole,
    /// Literal path prefix by context: `/e/scratch`. JUPITER's `/p` has one for login nodes alone.
    #[serde(default)]
    pub paths: BTreeMap<StorageContext, String>,
    /// The variable that holds its path, by context: `SCRATCH`.
    #[serde(default)]
    pub variables: BTreeMap<StorageContext, String>,
    /// After how many days unused files are deleted; none where they stay.
    #[serde(default)]
    pub purge_days: Option<u32>,
    /// Whether it is backed up, where that is known.
    #[serde(default)]
    pub backup: Option<bool>,
    /// The command that shows the quota of bytes.
    #[serde(default)]
    pub byte_quota_command: Option<String>,
    /// The command that shows the quota of files.
    #[serde(default)]
    pub inode_quota_command: Option<String>,
    /// What else a user should know.
    #[serde(default)]
    pub note: Option<String>,
}

impl StorageArea {
    /// Whether it can be seen from there.
    pub fn is_visible_from(&self, context: StorageContext) -> bool {
        self.paths.contains_key(&context) || self.variables.contains_key(&context)
    }
}
