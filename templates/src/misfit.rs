//! Why a preset is not for a partition.

use crate::{GpuWish, PartitionPreset, Preset, error::launch_name};
use model::{Architecture, GpuVendor, Launch};
use std::fmt;

/// The first thing of a partition that a preset cannot do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Nothing there starts jobs so.
    Launch(Launch),
    /// It wants GPUs, and none are known of.
    NoGpus,
    /// There is nothing of it for GPUs of this vendor.
    Vendor {
        /// Whose they are.
        vendor: GpuVendor,
        /// Whose they have to be.
        wanted: Vec<GpuVendor>,
    },
    /// There is nothing of it for these processors beside GPUs of that vendor.
    Architecture {
        /// The processors.
        architecture: Architecture,
        /// Whose the GPUs are.
        vendor: GpuVendor,
    },
    /// It takes more memory of a GPU than there is, in GiB.
    Memory {
        /// What it takes.
        wanted: u64,
        /// What there is.
        there: u64,
        /// What the GPU is called.
        gpu_model: String,
    },
    /// It takes more nodes than a job has.
    Nodes {
        /// GPUs that it asks for.
        gpus: u32,
        /// The nodes that have so many.
        nodes: u32,
        /// The most that a job has.
        most: u32,
    },
}

impl Misfit {
    /// What is in the way of a preset on a partition; none where it can run, as far as is known.
    pub fn of(preset: &Preset, partition: &PartitionPreset) -> Option<Self> {
        if !(partition.launches.is_empty() || partition.launches.contains(&preset.launch)) {
            return Some(Self::Launch(preset.launch));
        }
        let Some(vendor) = partition.gpu_vendor.filter(|_| partition.gpus_per_node > 0) else {
            return preset.needs_gpus.then_some(Self::NoGpus);
        };
        Self::of_builds(preset, vendor, partition.architecture)
            .or_else(|| Self::of_memory(preset, partition))
            .or_else(|| Self::of_nodes(preset, partition))
    }

    fn of_builds(preset: &Preset, vendor: GpuVendor, architecture: Architecture) -> Option<Self> {
        let Some(build) = preset.builds.iter().find(|build| build.vendor == vendor) else {
            return Some(Self::Vendor { vendor, wanted: preset.builds.iter().map(|build| build.vendor).collect() });
        };
        (!build.architectures.contains(&architecture)).then_some(Self::Architecture { architecture, vendor })
    }

    fn of_memory(preset: &Preset, partition: &PartitionPreset) -> Option<Self> {
        let there = partition.gpu_gib.filter(|there| *there < preset.gpu_gib)?;
        Some(Self::Memory { wanted: preset.gpu_gib, there, gpu_model: partition.gpu_model.clone() })
    }

    fn of_nodes(preset: &Preset, partition: &PartitionPreset) -> Option<Self> {
        let GpuWish::Whole(gpus) = preset.gpus else { return None };
        let nodes = preset.nodes(partition.gpus_per_node);
        let most = partition.most_nodes.filter(|most| *most < nodes)?;
        Some(Self::Nodes { gpus, nodes, most })
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Launch(launch) => {
                write!(formatter, "it is started by `launch: {}`, and nothing there does that", launch_name(*launch))
            }
            Self::NoGpus => formatter.write_str("it takes GPUs, and the profile knows of none there"),
            Self::Vendor { vendor, wanted } => {
                let wanted: Vec<&str> = wanted.iter().map(|wanted| wanted.title()).collect();
                write!(
                    formatter,
                    "it is for GPUs of {}, and those there are of {}",
                    wanted.join(" and "),
                    vendor.title()
                )
            }
            Self::Architecture { architecture, vendor } => {
                write!(formatter, "there is nothing of it for {architecture} with GPUs of {}", vendor.title())
            }
            Self::Memory { wanted, there, gpu_model } => write!(
                formatter,
                "it takes {wanted} GiB of each GPU's memory, and a GPU there ({gpu_model}) has {there} GiB"
            ),
            Self::Nodes { gpus, nodes, most } => {
                write!(formatter, "it takes {gpus} GPUs, which are {nodes} nodes there, and a job has at most {most}")
            }
        }
    }
}
