//! Who makes a GPU.

use serde::{Deserialize, Serialize};

/// Who makes the GPUs; decides the flag of a container runtime and the variables that libraries read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GpuVendor {
    /// CUDA.
    Nvidia,
    /// `ROCm`.
    Amd,
    /// Level Zero.
    Intel,
}

impl GpuVendor {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nvidia, Self::Amd, Self::Intel];

    /// As a job file and a profile spell it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nvidia => "nvidia",
            Self::Amd => "amd",
            Self::Intel => "intel",
        }
    }

    /// As its maker spells it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nvidia => "NVIDIA",
            Self::Amd => "AMD",
            Self::Intel => "Intel",
        }
    }
}
