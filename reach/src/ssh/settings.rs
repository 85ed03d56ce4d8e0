//! How a host is reached: by whom its connection is opened, through what, and how often at most.

use std::{path::PathBuf, time::Duration};

/// Who opens the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A person, who is asked for a second factor by ssh itself. We attach to what is open and never connect.
    ByPerson,
    /// We do, with keys alone and never with a question, one for all processes of the user.
    ByUs,
}

/// How a site's host is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSettings {
    /// The site's login nodes, as ssh knows them: names of the user's `ssh_config(5)`, or `user@host`. The first one with
    /// an open connection counts; where none has, the first one that can be connected.
    pub hosts: Vec<String>,
    /// Hosts to pass through (ssh(1), `-J`), where the user's `ssh_config` does not say it.
    pub jump: Option<String>,
    /// Who opens the connection.
    pub opening: Opening,
    /// The least time between two attempts to connect, by all processes of the user together.
    pub pause: Duration,
    /// A folder of this user alone, for sockets where the user's `ssh_config` names none, and for the times of attempts.
    pub folder: PathBuf,
    /// Who we were there when we were there first: another one is refused. None where that is not known yet.
    pub user: Option<String>,
    /// A configuration file in place of the user's (ssh(1), `-F`).
    pub configuration: Option<PathBuf>,
}
