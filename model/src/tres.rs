//! Trackable resources: what a job was given, as `AllocTRES` of sacct(1) lists it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many GPUs, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GpuCount {
    /// The scheduler counted them; for the whole allocation, all nodes together.
    Tracked(u64),
    /// The site does not track GPUs, or the row says nothing: this is not zero.
    Untracked,
}

/// A list such as `billing=576,cpu=576,gres/gpu=8,gres/gpu:gh200=8,node=2`. Every part is optional: JUPITER leaves out `mem`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tres {
    /// CPUs: cores or hardware threads, as the site counts them.
    pub cpus: Option<u64>,
    /// Whole nodes.
    pub nodes: Option<u64>,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// The site's own billing weight.
    pub billing: Option<u64>,
    /// `gres/gpu`, the total.
    pub gpus_total: Option<u64>,
    /// `gres/gpu:TYPE`; these repeat the total and are never added to it.
    pub gpus_by_type: BTreeMap<String, u64>,
}

impl Tres {
    /// Reads a TRES list; parts of other kinds (`energy`, `fs/disk`, licences) are passed over. None where a part that
    /// matters is no number: a row that cannot be read in full is not read in part.
    pub fn read(text: &str) -> Option<Self> {
        let mut tres = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=')?;
            match key {
                "cpu" => tres.cpus = Some(value.parse().ok()?),
                "node" => tres.nodes = Some(value.parse().ok()?),
                "billing" => tres.billing = Some(value.parse().ok()?),
                "mem" => tres.memory_mib = Some(memory_mib(value)?),
                "gres/gpu" => tres.gpus_total = Some(value.parse().ok()?),
                _ => {
                    if let Some(kind) = key.strip_prefix("gres/gpu:") {
                        tres.gpus_by_type.insert(kind.to_owned(), value.parse().ok()?);
                    }
                }
            }
        }
        Some(tres)
    }

    /// The GPUs: the total where it stands, else the sum of the types; never both added up.
    pub fn gpus(&self) -> GpuCount {
        match (self.gpus_total, self.gpus_by_type.is_empty()) {
            (Some(total), _) => GpuCount::Tracked(total),
            (None, false) => GpuCount::Tracked(self.gpus_by_type.values().sum()),
            (None, true) => GpuCount::Untracked,
        }
    }
}

/// Reads Slurm's memory: a number with `K`, `M` (also the default), `G` or `T`; decimals appear without `--noconvert`.
fn memory_mib(text: &str) -> Option<u64> {
    let (digits, numerator, denominator) = match text.chars().next_back()? {
        'K' => (&text[..text.len() - 1], 1, 1024),
        'M' => (&text[..text.len() - 1], 1, 1),
        'G' => (&text[..text.len() - 1], 1024, 1),
        'T' => (&text[..text.len() - 1], 1024 * 1024, 1),
        _ => (text, 1, 1),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    if fraction.is_empty() {
        return u64::try_from(u128::from(whole) * numerator / denominator).ok();
    }
    let millionths: u64 = format!("{fraction:0<6}").parse().ok()?;
    let scaled = u128::from(whole) * 1_000_000 + u128::from(millionths);
    u64::try_from(scaled * numerator / denominator / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gpus_are_never_counted_twice() {
        for (text, gpus) in [
            ("billing=576,cpu=576,gres/gpu=8,gres/gpu:gh200=8,node=2", GpuCount::Tracked(8)),
            ("cpu=4,gres/gpu:a100=2,gres/gpu:h100=1", GpuCount::Tracked(3)),
            ("cpu=4,gres/gpu=0", GpuCount::Tracked(0)),
            ("cpu=4,mem=10G,node=1", GpuCount::Untracked),
            ("", GpuCount::Untracked),
        ] {
            assert_eq!(Tres::read(text).expect(text).gpus(), gpus, "{text}");
        }
    }

    #[test]
    fn memory_in_any_of_slurms_forms() {
        for (text, mib) in [("mem=1720000M", 1_720_000), ("mem=10G", 10_240), ("mem=1.50G", 1_536), ("mem=512", 512)] {
            assert_eq!(Tres::read(text).expect(text).memory_mib, Some(mib), "{text}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_in_full_is_not_read_in_part() {
        for text in ["cpu=x", "gres/gpu:a100=", "cpu", "gres/gpu=-1", "mem=lots"] {
            assert_eq!(Tres::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "([a-z/:]{1,8}=[0-9KMGT.]{0,24},?|.){0,8}") {
            let _ = Tres::read(&text).map(|tres| tres.gpus());
        }
    }
}
