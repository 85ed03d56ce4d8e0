//! Who makes a GPU.

use serde::{Deserialize, Serialize};

/// Who makes the GPUs; decides the flag of a container runtime and the variables that libraries read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GpuVendor {
    /// CUDA.
    Nvidia,
    /// `ROCm`.
    Amd,
    /// Level Zero.
    Intel,
}
