//! Sites that are reached from this machine through the person's own ssh.

use serde::Deserialize;
use std::path::PathBuf;

/// One site below `ssh:`; what is absent comes from the site's profile and from the person's `ssh_config`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SshSite {
    /// Its login nodes, as ssh knows them.
    pub hosts: Vec<String>,
    /// Hosts to pass through.
    pub jump: Option<String>,
    /// Who opens the connection.
    pub opened_by: Option<OpenedBy>,
    /// A configuration of ssh in place of the person's.
    pub configuration: Option<PathBuf>,
    /// The program at the site that speaks with Slurm's own library.
    pub slurm_helper: Option<PathBuf>,
}

/// Who opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OpenedBy {
    /// A person, before Pakt is called.
    Person,
    /// Pakt, with keys alone.
    Pakt,
}
