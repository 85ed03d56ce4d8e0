//! What the script of a sweep is told of it, and the file of its cells.

use crate::quote;
use model::{GpuVendor, Placement, Sweep};
use serde::Serialize;

/// The values of `scripts/sweep.sh.j2`; all of them numbers and words of ours.
#[derive(Debug, Serialize)]
pub(crate) struct SweepWords {
    pack: u32,
    side_by_side: u32,
    /// The variable that says which GPUs a process uses, where cells side by side part them.
    gpu_variable: Option<&'static str>,
    /// All GPUs of the node's share, for whom the scheduler did not set it.
    gpus: String,
}

impl SweepWords {
    /// Of a sweep where it was placed.
    pub(crate) fn of(placement: &Placement, sweep: &Sweep) -> Self {
        let gpus = placement.share.gpus;
        let variable = placement.gpu_vendor.map(|vendor| match vendor {
            GpuVendor::Nvidia => "CUDA_VISIBLE_DEVICES",
            GpuVendor::Amd => "ROCR_VISIBLE_DEVICES",
            GpuVendor::Intel => "ZE_AFFINITY_MASK",
        });
        Self {
            pack: sweep.pack,
            side_by_side: sweep.side_by_side,
            gpu_variable: variable.filter(|_| gpus > 0 && sweep.side_by_side > 1),
            gpus: (0..gpus).map(|gpu| gpu.to_string()).collect::<Vec<_>>().join(","),
        }
    }
}

/// The file `cells` of a job directory: a line for each cell, `lr=1e-4 seed=2`, each value quoted for the shell.
pub fn render_cells(sweep: &Sweep) -> String {
    let mut text = String::new();
    for cell in &sweep.cells {
        let pairs = sweep.parameters.iter().zip(cell);
        let words: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", quote::word(value))).collect();
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}
