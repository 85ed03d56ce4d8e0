//! What the script of a sweep is told of it, and the file of its cells.

use crate::quote;
use model::{Follows, GpuVendor, Harness, MODEL_PARAMETER, Placement, Sweep};
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
    /// The chain that is followed, where one is.
    follow: Option<FollowWords>,
}

/// The values of `scripts/follow.sh.j2`.
#[derive(Debug, Serialize)]
struct FollowWords {
    /// The chain's job.
    job: String,
    /// Of each start of a checkpoint the tasks, quoted for the shell.
    tasks: Vec<String>,
    /// Of the checkpoints of so many steps the first is taken.
    every: Option<u64>,
    /// Whether a comma in a path would be read as the end of it.
    refuses_commas: bool,
    /// The most checkpoints that are taken.
    most: usize,
}

impl FollowWords {
    fn of(sweep: &Sweep) -> Option<Self> {
        let Follows { job, tasks, every, .. } = sweep.follows.as_ref()?;
        let evaluation = sweep.evaluation.as_ref();
        Some(Self {
            // A job that is only planned follows one that is there.
            job: job.map(|job| job.to_string()).unwrap_or_default(),
            tasks: tasks.iter().map(|tasks| quote::word(tasks)).collect(),
            every: *every,
            refuses_commas: evaluation.is_some_and(|it| it.harness == Harness::LmEval),
            most: sweep.follows.as_ref().map_or(0, Follows::most_checkpoints),
        })
    }
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
            follow: FollowWords::of(sweep),
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
