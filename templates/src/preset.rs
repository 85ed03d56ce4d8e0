//! Presets: the kinds of job file that `pakt init` can begin. Which there are stands in [`presets`](crate::presets).

use crate::{TemplateError, presets::PRESETS};
use model::{Architecture, GpuVendor, Launch, WallTime};
use std::fmt;

/// GPUs that something is built for, and the processors beside them.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Who makes the GPUs.
    pub vendor: GpuVendor,
    /// The processors.
    pub architectures: &'static [Architecture],
}

/// How many GPUs a preset asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GpuWish {
    /// All of one node; none where there are none.
    Node,
    /// One; none where there are none.
    One,
    /// At least so many, on whole nodes.
    Whole(u32),
}

/// A kind of job file.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// How its job is started, which not every site can.
    pub launch: Launch,
    /// How many GPUs it asks for.
    pub gpus: GpuWish,
    /// Whether it can do nothing without one.
    pub needs_gpus: bool,
    /// For which GPUs, and processors beside them, there is what it starts.
    pub builds: &'static [Build],
    /// What it takes of each GPU's memory, in GiB; 0 where that is up to the person.
    pub gpu_gib: u64,
    /// The wall time that it asks for where the partition has so much.
    pub time: WallTime,
    /// Whether it starts its program by `pakt_checkpoints.py`.
    pub reports: bool,
    /// Its file of `job_files/`.
    pub(crate) text: &'static str,
}

impl Preset {
    /// All of them.
    pub const ALL: &'static [Self] = PRESETS;

    /// The one of a name; an error tells the nearest name, and all.
    pub fn named(text: &str) -> Result<&'static Self, TemplateError> {
        Self::ALL.iter().find(|preset| preset.name == text).ok_or_else(|| TemplateError::UnknownPreset {
            text: text.to_owned(),
            nearest: nearest(text),
            all: Self::ALL.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", "),
        })
    }

    /// How many nodes it asks for, of nodes with so many GPUs.
    pub const fn nodes(&self, gpus_per_node: u32) -> u32 {
        match self.gpus {
            GpuWish::Whole(count) if gpus_per_node > 0 => count.div_ceil(gpus_per_node),
            _ => 1,
        }
    }
}

impl PartialEq for Preset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name)
    }
}

/// The preset whose name takes the fewest insertions, deletions and replacements, where each letter that both begin
/// with makes up for two of them: `eval` means `evaluate`.
fn nearest(text: &str) -> &'static str {
    let lower = text.to_lowercase();
    let shared = |name: &str| name.chars().zip(lower.chars()).take_while(|(left, right)| left == right).count();
    // More than twice any name: the sum stays above zero.
    let cost = |name: &&str| distance(&lower, name) + 64 - 2 * shared(name).min(32);
    Preset::ALL.iter().map(|preset| preset.name).min_by_key(cost).unwrap_or_default()
}

/// The Levenshtein distance of two texts, by letters.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (place, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = place + 1;
        for (column, other) in right.chars().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for preset in Preset::ALL {
            assert_eq!(Preset::named(&preset.to_string()).expect("its own name"), preset);
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        for (text, near) in [
            ("trian", "train"),
            ("training", "train"),
            ("eval", "evaluate"),
            ("Evaluation", "evaluate"),
            ("cmd", "command"),
            ("openmpi", "mpi"),
            ("mpirun", "mpi"),
            ("Megatron-LM", "megatron"),
            ("lm_eval", "lm-eval"),
            ("trainer", "train"),
            ("teuken", "teuken-train"),
        ] {
            match Preset::named(text) {
                Err(TemplateError::UnknownPreset { nearest, .. }) => assert_eq!(nearest, near, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
