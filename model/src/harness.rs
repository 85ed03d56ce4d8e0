//! A sweep that evaluates: each of its starts gives one model several tasks, so that the model is loaded once for them.

use crate::{JobId, WallTime};
use serde::{Deserialize, Serialize};

/// The variable of a start that names the model, as the node reads a path.
pub const MODEL_PARAMETER: &str = "PAKT_MODEL";
/// The variable of a start that tells the step of training of a checkpoint; empty where the model is none.
pub const STEP_PARAMETER: &str = "PAKT_STEP";
/// The variable of a start that names its tasks, with commas between them.
pub const TASKS_PARAMETER: &str = "PAKT_TASKS";
/// The variable of a start that names the folder for its results.
pub const RESULTS_VARIABLE: &str = "PAKT_RESULTS";
/// The variable of a start that tells at which port of the node its model server is to listen.
pub const PORT_VARIABLE: &str = "PAKT_PORT";

/// What evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harness {
    /// The LM Evaluation Harness, which is told model, tasks and folder on its command line.
    LmEval,
    /// Whatever the job runs; it finds them in variables, and writes scores in a form that is known.
    Command,
}

/// How a job evaluates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What evaluates.
    pub harness: Harness,
    /// The server that it asks; none where it loads the model itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serve: Option<Serve>,
}

/// A model server that runs beside what evaluates, for as long as one start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serve {
    /// What starts it, as shell text.
    pub run: String,
    /// The path that it answers with 200 once it is ready.
    pub health: String,
    /// How long that may take.
    pub ready_within: WallTime,
}

/// A chain whose checkpoints are evaluated as they come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follows {
    /// The chain, as it was named.
    pub chain: String,
    /// Its job; none until it was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Of each start of a checkpoint the tasks, with commas between them.
    pub tasks: Vec<String>,
    /// Of the checkpoints of so many steps the first is taken; none for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
}

impl Follows {
    const MOST_STARTS: usize = 10_000;

    /// The most checkpoints of the chain that are evaluated: what is started is bounded.
    pub fn most_checkpoints(&self) -> usize {
        Self::MOST_STARTS / self.tasks.len().clamp(1, Self::MOST_STARTS)
    }
}

/// What one start of an evaluation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationStart<'a> {
    /// The model, as the node reads it.
    pub model: &'a str,
    /// The step of training; none of a model that is no checkpoint.
    pub step: Option<u64>,
    /// The tasks, at least one.
    pub tasks: Vec<&'a str>,
}

impl<'a> EvaluationStart<'a> {
    /// Of the values of [`MODEL_PARAMETER`], [`STEP_PARAMETER`] and [`TASKS_PARAMETER`]; none of other values.
    pub fn of(values: &'a [String]) -> Option<Self> {
        let [model, step, tasks] = values else { return None };
        Some(Self { model, step: step.parse().ok(), tasks: tasks.split(',').collect() })
    }

    /// The values of the parameters.
    pub fn values(&self) -> Vec<String> {
        let step = self.step.map(|step| step.to_string()).unwrap_or_default();
        vec![self.model.to_owned(), step, self.tasks.join(",")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_what_its_values_say() {
        let start = EvaluationStart { model: "$A/7b", step: Some(100), tasks: vec!["sums", "words"] };
        let values = start.values();
        assert_eq!(values, ["$A/7b", "100", "sums,words"]);
        assert_eq!(EvaluationStart::of(&values), Some(start));
        assert_eq!(EvaluationStart::of(&values[..2]), None);
        let no_step = ["7b", "", "sums"].map(str::to_owned);
        assert_eq!(EvaluationStart::of(&no_step).map(|start| (start.step, start.tasks)), Some((None, vec!["sums"])));
    }
}
