//! The kinds of failures, as policies tell them apart.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What made an attempt fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// It reached its limit.
    Walltime,
    /// It had to make room for another job.
    Preemption,
    /// The machine: a node, a GPU, a link.
    NodeFault,
    /// It used more memory than the node gave it.
    HostOom,
    /// It used more memory than a GPU has.
    GpuOom,
    /// Its processes lost each other (NCCL, RCCL, MPI, rendezvous), and nothing says why.
    Communication,
    /// Storage: full, slow, gone.
    Io,
    /// It did nothing that can be seen for too long.
    Hung,
    /// What it needs was not there: a module, a library, a program.
    Setup,
    /// Its own code.
    UserCode,
    /// Somebody ended it.
    Cancelled,
    /// Nobody can tell.
    Unknown,
}

impl FailureClass {
    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Walltime => "walltime",
            Self::Preemption => "preemption",
            Self::NodeFault => "node-fault",
            Self::HostOom => "host-oom",
            Self::GpuOom => "gpu-oom",
            Self::Communication => "communication",
            Self::Io => "io",
            Self::Hung => "hung",
            Self::Setup => "setup",
            Self::UserCode => "user-code",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}
