//! How a container is started at a partition.

use serde::{Deserialize, Serialize};

/// What starts containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerRuntime {
    /// `apptainer exec`, in front of the program.
    Apptainer,
    /// `singularity exec`, in front of the program.
    Singularity,
    /// Enroot by its Slurm plug-in: options of `srun`.
    Pyxis,
}

impl ContainerRuntime {
    /// As a profile spells it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Apptainer => "apptainer",
            Self::Singularity => "singularity",
            Self::Pyxis => "pyxis",
        }
    }
}

/// What a container runtime needs to be told at a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerRules {
    /// Which.
    pub runtime: ContainerRuntime,
    /// Modules that bring it, where it is not there by itself.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Further words for it.
    #[serde(default)]
    pub options: Vec<String>,
    /// Directories that the container is shown where the node has them; `$NAME` is expanded there.
    #[serde(default)]
    pub binds: Vec<String>,
    /// Directories that the runtime shows every container by itself.
    #[serde(default)]
    pub bound: Vec<String>,
}
