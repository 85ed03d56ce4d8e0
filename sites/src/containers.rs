//! What starts containers at a partition, and what it needs to be told.

use model::{ChosenImage, ContainerRuntime};
use serde::{Deserialize, Serialize};

/// One container runtime of a partition. What it is told of GPUs follows from who makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Containers {
    /// Which.
    pub runtime: ContainerRuntime,
    /// Modules that bring it, where it is not there by itself.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Further words for it.
    #[serde(default)]
    pub options: Vec<String>,
    /// What a container is shown beside the storage areas that compute nodes see.
    #[serde(default)]
    pub binds: Vec<String>,
    /// What the site's own configuration shows every container, so that it need not be shown again.
    #[serde(default)]
    pub bound: Vec<String>,
}

/// Addresses that Apptainer fetches (apptainer-run(1)).
const FETCHED: [&str; 5] = ["docker", "library", "oras", "https", "http"];

/// What an image is, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageForm {
    /// A file of Apptainer's and Singularity's.
    Sif,
    /// A file of Enroot's, which Apptainer reads too.
    Squashfs,
    /// To be fetched from a Docker registry.
    Docker,
    /// To be fetched from elsewhere.
    Fetched,
    /// An address of which nothing is known.
    Strange,
    /// A folder, or a file whose name does not tell.
    Other,
}

impl ImageForm {
    pub(crate) fn of(image: &ChosenImage<'_>) -> Self {
        let is_named = |ending: &str| image.image.to_lowercase().ends_with(ending);
        match image.scheme() {
            Some("docker") => Self::Docker,
            Some(scheme) if FETCHED.contains(&scheme) => Self::Fetched,
            Some(_) => Self::Strange,
            None if is_named(".sif") => Self::Sif,
            None if is_named(".sqsh") || is_named(".squashfs") => Self::Squashfs,
            None => Self::Other,
        }
    }
}

impl Containers {
    /// Whether the runtime starts such an image. Pyxis takes squashfs files and Docker's registries alone
    /// (<https://github.com/NVIDIA/pyxis>, `--container-image`).
    pub(crate) fn starts(&self, form: ImageForm) -> bool {
        match self.runtime {
            ContainerRuntime::Apptainer | ContainerRuntime::Singularity => form != ImageForm::Strange,
            ContainerRuntime::Pyxis => matches!(form, ImageForm::Squashfs | ImageForm::Docker),
        }
    }
}
