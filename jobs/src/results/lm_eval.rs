//! Results of the LM Evaluation Harness (EleutherAI/lm-evaluation-harness), versions 0.4.x: `results_<time>.json`.
//!
//! Read from files of 0.4.2, 0.4.5, 0.4.9 and 0.4.13, which lie beside this crate's tests, and from `lm_eval/evaluator.py` and
//! `lm_eval/loggers/evaluation_tracker.py` of 0.4.13. A task's entry has a value as `metric,filter`, its standard error as
//! `metric_stderr,filter` (`"N/A"` where there is none), and words and counts in names without a comma.

use super::{
    page::{Page, ToldKind},
    python_json::number,
    step,
};
use model::{NameError, Score, ScoredBy, ScoredTask, Subject, Timestamp};
use serde_json::{Map, Value};
use std::time::Duration;

/// The name of the harness in a source.
const HARNESS: &str = "lm-evaluation-harness";

/// The arguments that name a model, in the order in which the harness looks at them.
const MODEL_ARGUMENTS: [&str; 6] = ["peft", "delta", "pretrained", "model", "path", "engine"];

/// The longest word of a version that is kept, in bytes.
const LONGEST_VERSION: usize = 100;

/// Whether a text is one of these files.
pub(super) fn is_one(value: &Value) -> bool {
    value.get("results").is_some_and(Value::is_object)
}

/// Reads all scores.
pub(super) fn read(file: &Value, page: &mut Page) {
    let subject = match subject(file) {
        Ok(subject) => subject,
        Err(why) => return page.tell(ToldKind::NoResult, why),
    };
    let source = page.source(|source| {
        source.harness = Some(HARNESS.to_owned());
        source.harness_version = file.get("lm_eval_version").and_then(word);
        source.git_hash = file.get("git_hash").and_then(word);
        source.at = file.get("date").and_then(instant);
    });
    if let Some(limit) = file.pointer("/config/limit").filter(|limit| !limit.is_null()) {
        page.tell(ToldKind::Note, format!("it was made with `--limit {limit}`: a part of each task's samples"));
    }
    let before = page.count();
    for (name, entry) in entries(file) {
        match TaskReader::of(file, name, &subject, source) {
            Ok(task) => task.read(entry, page),
            Err(error) => page.tell(ToldKind::Entry, error.to_string()),
        }
    }
    if page.count() == before {
        page.tell(ToldKind::NoResult, "no task in it has a value in a name such as `acc,none`");
    }
}

/// The entries of tasks and groups; a group stands in both lists.
fn entries(file: &Value) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    let list = |name: &str| file.get(name).and_then(Value::as_object);
    let results = list("results");
    let groups = list("groups").into_iter().flatten();
    let groups = groups.filter(move |(name, _)| results.is_some_and(|results| !results.contains_key(*name)));
    results.into_iter().flatten().chain(groups).filter_map(|(name, entry)| Some((name, entry.as_object()?)))
}

/// What was evaluated. Files before 0.4.3 have no `model_name`, and the arguments of the command line as one text.
fn subject(file: &Value) -> Result<Subject, String> {
    let argument = |name: &str| match file.pointer("/config/model_args") {
        Some(Value::Object(arguments)) => arguments.get(name).and_then(word),
        Some(Value::String(text)) => text
            .split(',')
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.to_owned()),
        _ => None,
    };
    let named = file.get("model_name").and_then(word);
    let name = named.or_else(|| MODEL_ARGUMENTS.into_iter().find_map(argument));
    let name = name.or_else(|| file.pointer("/config/model").and_then(word));
    let name = name.ok_or("it does not say which model was evaluated")?;
    let revision = argument("revision").or_else(|| file.pointer("/config/model_revision").and_then(word));
    step::subject(&name, revision.as_deref()).map_err(|error| error.to_string())
}

/// A task's part of a file.
struct TaskReader<'file> {
    subject: &'file Subject,
    source: usize,
    task: ScoredTask,
    directions: Option<&'file Value>,
    samples: Option<u64>,
    version: Option<String>,
    is_group: bool,
}

impl<'file> TaskReader<'file> {
    fn of(file: &'file Value, name: &str, subject: &'file Subject, source: usize) -> Result<Self, NameError> {
        let of_task = |list: &str| file.get(list).and_then(|list| list.get(name));
        let n_shot = of_task("n-shot").or_else(|| of_task("configs").and_then(|config| config.get("num_fewshot")));
        let has_tasks = |tasks: &Value| tasks.as_array().is_some_and(|tasks| !tasks.is_empty());
        Ok(Self {
            subject,
            source,
            task: ScoredTask {
                task: name.parse()?,
                n_shot: n_shot.and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok()),
            },
            directions: of_task("higher_is_better"),
            samples: of_task("n-samples").and_then(|samples| samples.get("effective")).and_then(Value::as_u64),
            version: of_task("versions").and_then(version),
            is_group: of_task("groups").is_some() || of_task("group_subtasks").is_some_and(has_tasks),
        })
    }

    fn read(&self, entry: &Map<String, Value>, page: &mut Page) {
        for (name, value) in entry {
            // What has no comma is a word or a count.
            let Some((metric, filter)) = name.split_once(',') else { continue };
            if metric.ends_with("_stderr") {
                continue;
            }
            let stderr = entry.get(&format!("{metric}_stderr,{filter}"));
            match self.score(metric, filter, value, stderr) {
                Ok(score) => page.take(score),
                Err(why) => page.tell(ToldKind::Entry, why),
            }
        }
    }

    fn score(&self, metric: &str, filter: &str, value: &Value, stderr: Option<&Value>) -> Result<Score, String> {
        let task = &self.task.task;
        let Some(value) = number(value) else {
            return Err(format!("`{metric},{filter}` of `{task}` is no number"));
        };
        let words = |error: NameError| error.to_string();
        // The harness writes `none` where no filter was asked for.
        let filter = Some(filter).filter(|filter| *filter != "none");
        let by = ScoredBy {
            metric: metric.parse().map_err(words)?,
            filter: filter.map(str::parse).transpose().map_err(words)?,
            unit: None,
        };
        Ok(Score {
            subject: self.subject.clone(),
            task: self.task.clone(),
            by,
            value,
            stderr: stderr.and_then(number),
            higher_is_better: self.directions.and_then(|said| said.get(metric)).and_then(Value::as_bool),
            samples: self.samples,
            task_version: self.version.clone(),
            is_group: self.is_group,
            source: self.source,
        })
    }
}

/// A word that says something.
fn word(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The version of a task: a number in YAML, or a word.
pub(super) fn version(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    (text.len() <= LONGEST_VERSION && !text.chars().any(char::is_control)).then_some(text)
}

/// An instant as seconds since 1970, or as RFC 3339 has it.
pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => {
            let seconds = Duration::try_from_secs_f64(number.as_f64()?).ok()?.as_secs();
            Some(Timestamp::from_epoch_seconds(i64::try_from(seconds).ok()?))
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
