//! Results of evaluations: what is to be said of their files, and what programs read.

use crate::{failure::Failure, wiring::value_text};
use jobs::{
    Gravity,
    results::{Results, Told, ToldKind},
};
use model::{Replaced, ScoreMatrix, agreeing, counted};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// So many remarks are told; `--json` has all of them.
const MOST: usize = 40;

/// Notes beside the scores.
pub(crate) fn result_notes(results: &Results) -> Vec<String> {
    let Results { matrix, replaced, told, .. } = results;
    let mut notes: Vec<String> = told.iter().map(remark).collect();
    notes.extend(other_values(replaced, matrix));
    notes.extend(matrix.mixed_versions().into_iter().map(|(task, versions)| {
        let versions = versions.join(", ");
        format!(
            "note: scores of `{}` are of several versions of the task, which may not compare: {versions}",
            task.task
        )
    }));
    if notes.len() > MOST {
        let more = notes.len() - MOST;
        notes.truncate(MOST);
        notes.push(format!("and {more} more; `--json` has all of them"));
    }
    let missing = matrix.missing().count();
    if missing > 0 {
        let all = missing + matrix.scores().count();
        notes.push(format!("note: {missing} of {} {} missing", counted(all, "score"), agreeing(missing, "is", "are")));
    }
    notes
}

fn remark(told: &Told) -> String {
    let Told { file, line, kind, what } = told;
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    match kind {
        ToldKind::Note => format!("note: {file}{line}: {what}"),
        ToldKind::Entry => format!("warning: {file}{line}: left out: {what}"),
        ToldKind::NoResult | ToldKind::Unreachable => format!("warning: {file}{line}: not read: {what}"),
    }
}

/// Which files told other values of the same cells: a file of lines may have a source a line.
fn other_values(replaced: &[Replaced], matrix: &ScoreMatrix) -> impl Iterator<Item = String> {
    let file = |source: usize| matrix.sources().get(source).map_or("", |source| source.file.as_str());
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in replaced.iter().filter(|one| one.differing > 0) {
        *counts.entry((file(one.dropped), file(one.kept))).or_default() += one.differing;
    }
    counts.into_iter().map(|((dropped, kept), differing)| {
        let (scores, stand) = (counted(differing, "score"), agreeing(differing, "stands", "stand"));
        format!("note: {scores} of {dropped} {stand} with another value in {kept}, which is later and counts")
    })
}

/// With what the command ends: what was read was printed, and what was not is bad news.
pub(crate) fn results_code(results: &Results) -> u8 {
    match results.told.iter().map(|told| told.kind).max() {
        None | Some(ToldKind::Note) => 0,
        Some(ToldKind::Entry | ToldKind::NoResult) => Failure::code(Gravity::Usage),
        Some(ToldKind::Unreachable) => Failure::code(Gravity::Unreachable),
    }
}

/// The same for programs. A value that is no number is `null` there, and its text says which.
pub(crate) fn results_json(results: &Results, written: &[Value]) -> Value {
    let Results { matrix, replaced, told, files } = results;
    let scores: Vec<Value> = matrix
        .scores()
        .map(|(_, score)| {
            let mut fields = json!(score);
            fields["value_text"] = json!(value_text(score.value));
            fields
        })
        .collect();
    let missing: Vec<Value> = matrix.missing().map(|at| of_missing(matrix, at)).collect();
    let mixed: Vec<Value> = matrix
        .mixed_versions()
        .into_iter()
        .map(|(task, versions)| json!({ "task": task.task, "n_shot": task.n_shot, "versions": versions }))
        .collect();
    json!({
        "version": 1,
        "files": files,
        "scores": scores,
        "missing": missing,
        "sources": matrix.sources(),
        "replaced": replaced,
        "mixed_versions": mixed,
        "told": told,
        "written": written,
    })
}

fn of_missing(matrix: &ScoreMatrix, [subject, task, metric]: [usize; 3]) -> Value {
    let (subject, task, by) = (&matrix.subjects()[subject], &matrix.tasks()[task], &matrix.metrics()[metric]);
    json!({
        "model": subject.model, "step": subject.step, "task": task.task, "n_shot": task.n_shot,
        "metric": by.metric, "filter": by.filter, "unit": by.unit,
    })
}
