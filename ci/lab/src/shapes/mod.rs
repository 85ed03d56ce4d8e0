//! What the clusters of the lab look like. Each shape is data; `render` turns it into Slurm's configuration.
//!
//! The shapes follow the real systems where that matters to a program that submits and accounts: how GPUs are asked
//! for, what is exclusive, where limits sit, whether an account is needed, what the database tells to whom.

mod cluster;
mod horeka;
mod jupiter;
mod raven;

pub use cluster::{Account, AskedForQos, Gpus, NodeGroup, Partition, Shape};

use crate::LabError;

/// Every shape of the lab.
pub const SHAPES: &[&Shape] = &[&jupiter::JUPITER, &horeka::HOREKA, &raven::RAVEN];

/// The shape of that name.
pub fn shape(name: &str) -> Result<&'static Shape, LabError> {
    SHAPES.iter().copied().find(|shape| shape.name == name).ok_or_else(|| LabError::UnknownCluster {
        name: name.to_owned(),
        known: SHAPES.iter().map(|shape| shape.name).collect::<Vec<_>>().join(", "),
    })
}
