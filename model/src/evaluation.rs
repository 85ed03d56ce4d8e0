//! What an evaluation says: a score of a model at a task by a metric, and whence it comes.
//!
//! Scores are measured and no amounts: they are floating-point numbers here, as harnesses write them.

use crate::{FilterName, MetricName, ModelName, ScoreUnit, TaskName, Timestamp};
use serde::{Deserialize, Serialize};

/// What is evaluated: a model, at a step of its training where it is a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The model, as the harness was told it, without the checkpoint.
    pub model: ModelName,
    /// The step of training; none where the name has none.
    pub step: Option<u64>,
}

/// At what it is evaluated. The number of examples in the prompt makes a task another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScoredTask {
    /// Its name in the harness.
    pub task: TaskName,
    /// The number of examples in the prompt; none where nobody said, as for groups of tasks.
    pub n_shot: Option<u32>,
}

/// By what it is measured. The filter of the answers and the unit make a metric another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScoredBy {
    /// Its name in the harness.
    pub metric: MetricName,
    /// How answers were read before they were measured; none where they were taken as they came.
    pub filter: Option<FilterName>,
    /// The unit of the value; none where nobody said, or where it has none.
    pub unit: Option<ScoreUnit>,
}

/// One value of an evaluation. It is written for programs and not read back: JSON has no number for a value that is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// What was evaluated.
    #[serde(flatten)]
    pub subject: Subject,
    /// At what.
    #[serde(flatten)]
    pub task: ScoredTask,
    /// By what.
    #[serde(flatten)]
    pub by: ScoredBy,
    /// The value as it was told, which may be no number or infinite.
    pub value: f64,
    /// Its standard error; none where nobody said.
    pub stderr: Option<f64>,
    /// Whether more is better; none where nobody said.
    pub higher_is_better: Option<bool>,
    /// How many samples were evaluated.
    pub samples: Option<u64>,
    /// The version of the task, as the harness has it.
    pub task_version: Option<String>,
    /// Whether it is of several tasks together.
    pub is_group: bool,
    /// Whence, as a place in the list of sources that stands beside the scores.
    pub source: usize,
}

/// Whence scores come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScoreSource {
    /// The file, as it was found.
    pub file: String,
    /// The BLAKE3 digest of the file's bytes, in hexadecimal digits.
    pub digest: String,
    /// The program that evaluated.
    pub harness: Option<String>,
    /// Its version, where it says so.
    pub harness_version: Option<String>,
    /// The commit of the folder that it ran in, where it says so.
    pub git_hash: Option<String>,
    /// When the evaluation began, as its file says.
    pub at: Option<Timestamp>,
    /// When the file was last written, which decides where its text has no date.
    pub modified_at: Option<Timestamp>,
}

impl ScoreSource {
    /// The instant by which later scores go before earlier ones.
    pub fn told_at(&self) -> Option<Timestamp> {
        self.at.or(self.modified_at)
    }
}
