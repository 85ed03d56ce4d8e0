//! What the script of a sweep is told of it, and the file of its cells.

use crate::quote;
use model::{GpuVendor, MODEL_PARAMETER, Placement, Sweep};
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
    /// What a cell is called.
    noun: &'static str,
    /// Whether each start has a folder for its results, and has to write some.
    has_results: bool,
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
            noun: if sweep.evaluation.is_some() { "start" } else { "cell" },
            has_results: sweep.evaluation.is_some(),
        }
    }
}

/// The file `cells` of a job directory: a line for each cell, `lr=1e-4 seed=2`, each value quoted for the shell. The model of an evaluation
/// is a path that the node expands.
pub fn render_cells(sweep: &Sweep) -> String {
    let is_path = |name: &str| sweep.evaluation.is_some() && name == MODEL_PARAMETER;
    let mut text = String::new();
    for cell in &sweep.cells {
        let pairs = sweep.parameters.iter().zip(cell);
        let quoted = |name: &str, value: &str| if is_path(name) { quote::path(value) } else { quote::word(value) };
        let words: Vec<String> =
            pairs.map(|(name, value)| format!("{name}={}", quoted(name.as_str(), value))).collect();
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}
