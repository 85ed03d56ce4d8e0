//! How a site counts: a small formula over what was allocated.

use crate::{GpuCount, Tres};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A site's charging formula. Weights are milli-resources per allocated thing and second, so that halves are exact.
///
/// JUPITER counts 288 cores a node, `nodes: 288000`; HoreKa one GPU-hour a GPU, `gpus: 1000`;
/// LUMI's shared nodes the largest of several slices, `largest: [...]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeRule {
    /// So much for each allocated node.
    Nodes(u64),
    /// So much for each allocated GPU, as the scheduler counts GPUs.
    Gpus(u64),
    /// So much for each allocated CPU, as the scheduler counts CPUs.
    Cpus(u64),
    /// So much for each GiB of allocated memory.
    MemoryGib(u64),
    /// The largest of several: slices of a node.
    Largest(Vec<ChargeRule>),
}

impl fmt::Display for ChargeRule {
    /// Writes `nodes:288000`, `largest(gpus:1000,cpus:125)`: the same for the same rule, always.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(weight) => write!(formatter, "nodes:{weight}"),
            Self::Gpus(weight) => write!(formatter, "gpus:{weight}"),
            Self::Cpus(weight) => write!(formatter, "cpus:{weight}"),
            Self::MemoryGib(weight) => write!(formatter, "memory_gib:{weight}"),
            Self::Largest(rules) => {
                let rules: Vec<String> = rules.iter().map(Self::to_string).collect();
                write!(formatter, "largest({})", rules.join(","))
            }
        }
    }
}

impl ChargeRule {
    /// Whether CPUs change the charge.
    pub fn counts_cpus(&self) -> bool {
        match self {
            Self::Cpus(_) => true,
            Self::Largest(rules) => rules.iter().any(Self::counts_cpus),
            Self::Nodes(_) | Self::Gpus(_) | Self::MemoryGib(_) => false,
        }
    }

    /// The weight of an allocation in milli-resources per second; none where the row lacks what the formula needs.
    pub fn milli_per_second(&self, allocated: &Tres) -> Option<u64> {
        self.milli_per_second_with(allocated, allocated.gpus())
    }

    /// The same, with a count of GPUs that is known otherwise.
    pub fn milli_per_second_with(&self, allocated: &Tres, gpus: GpuCount) -> Option<u64> {
        match self {
            Self::Nodes(weight) => allocated.nodes?.checked_mul(*weight),
            Self::Cpus(weight) => allocated.cpus?.checked_mul(*weight),
            Self::MemoryGib(weight) => allocated.memory_mib?.div_ceil(1024).checked_mul(*weight),
            Self::Gpus(weight) => match gpus {
                GpuCount::Tracked(gpus) => gpus.checked_mul(*weight),
                GpuCount::Untracked => None,
            },
            Self::Largest(rules) => {
                let weights: Option<Vec<u64>> =
                    rules.iter().map(|rule| rule.milli_per_second_with(allocated, gpus)).collect();
                weights?.into_iter().max()
            }
        }
    }
}
