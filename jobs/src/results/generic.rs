//! The simple form, for evaluations that no harness writes: one object a score, in a line, in a list, or alone.
//!
//! `model`, `task`, `metric` and `value` are needed. A field that is not known is told and hides nothing.

use super::{
    lm_eval::{instant, version},
    page::{Page, ToldKind},
    python_json::number,
    step,
};
use model::{FilterName, Score, ScoreSource, ScoredBy, ScoredTask, Subject};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

type Fields = Map<String, Value>;

/// Reads one score.
pub(super) fn read(entry: Value, page: &mut Page) {
    let Value::Object(mut entry) = entry else {
        return page.tell(ToldKind::Entry, "it is no object with `model`, `task`, `metric` and `value`");
    };
    match score(&mut entry, page) {
        Ok(score) => page.take(score),
        Err(why) => page.tell(ToldKind::Entry, why),
    }
}

fn score(entry: &mut Fields, page: &mut Page) -> Result<Score, String> {
    let subject = subject(entry)?;
    let task = ScoredTask { task: needed(entry, "task")?, n_shot: field(entry, "n_shot")? };
    let filter = field(entry, "filter")?.filter(|filter: &FilterName| filter.as_str() != "none");
    let by = ScoredBy { metric: needed(entry, "metric")?, filter, unit: field(entry, "unit")? };
    let value = measured(entry, "value")?.ok_or_else(|| lacks("value"))?;
    let stderr = measured(entry, "stderr")?;
    let (higher_is_better, samples) = (field(entry, "higher_is_better")?, field(entry, "samples")?);
    let task_version = field::<Value>(entry, "version")?.as_ref().and_then(version);
    let source = source(entry, page)?;
    if let Some(name) = entry.keys().next() {
        page.tell(ToldKind::Note, format!("there is no field `{name}`, which is passed over"));
    }
    let is_group = false;
    Ok(Score { subject, task, by, value, stderr, higher_is_better, samples, task_version, is_group, source })
}

/// A step that is written down is none that a name has to say.
fn subject(entry: &mut Fields) -> Result<Subject, String> {
    let model: String = needed(entry, "model")?;
    let subject = match field(entry, "step")? {
        Some(step) => model.parse().map(|model| Subject { model, step: Some(step) }),
        None => step::subject(&model, None),
    };
    subject.map_err(|error| error.to_string())
}

fn source(entry: &mut Fields, page: &mut Page) -> Result<usize, String> {
    let (harness, harness_version) = (field(entry, "harness")?, field(entry, "harness_version")?);
    let git_hash = field(entry, "git_hash")?;
    let date: Option<Value> = field(entry, "date")?;
    let at = date.as_ref().and_then(instant);
    if date.is_some() && at.is_none() {
        page.tell(ToldKind::Note, "`date` is neither a time such as `2026-11-23T22:14:00Z` nor seconds since 1970");
    }
    Ok(page.source(|source| {
        *source = ScoreSource { harness, harness_version, git_hash, at, ..source.clone() };
    }))
}

/// Takes a field that may be missing or `null`.
fn field<Kind: DeserializeOwned>(entry: &mut Fields, name: &str) -> Result<Option<Kind>, String> {
    match entry.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value).map(Some).map_err(|error| format!("`{name}`: {error}")),
    }
}

fn needed<Kind: DeserializeOwned>(entry: &mut Fields, name: &str) -> Result<Kind, String> {
    field(entry, name)?.ok_or_else(|| lacks(name))
}

fn measured(entry: &mut Fields, name: &str) -> Result<Option<f64>, String> {
    let value: Option<Value> = field(entry, name)?;
    value.map(|value| number(&value).ok_or_else(|| format!("`{name}` is no number"))).transpose()
}

fn lacks(name: &str) -> String {
    format!("there is no `{name}`")
}
