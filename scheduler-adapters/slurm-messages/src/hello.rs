//! What the helper says of itself before it is asked anything.

use serde::{Deserialize, Serialize};

/// The version of these messages. Either side refuses another one's: both are built from one tree.
pub const PROTOCOL: u32 = 1;

/// The helper, the library it was built for, and the cluster it speaks to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`] of the helper.
    pub protocol: u32,
    /// The helper's own version.
    pub helper: String,
    /// The release of the headers it was built with: `22.05.8`.
    pub headers: String,
    /// The version of the library it runs with: 38 of `libslurm.so.38`.
    pub library: u32,
    /// The cluster's name.
    pub cluster: String,
    /// The columns of [`Question::Jobs`](crate::Question::Jobs), as `squeue -O` names them.
    pub job_columns: Vec<String>,
    /// The columns of [`Question::Runs`](crate::Question::Runs), as `sacct` titles them: those of this release.
    pub run_columns: Vec<String>,
    /// Why nothing can be submitted this way; none where it can.
    pub submits_not: Option<String>,
}
