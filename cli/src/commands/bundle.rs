//! `pakt settle --bundle`: what was written to the bundle, in words.

use super::Context;
use crate::{
    failure::Failure,
    output::{Answer, instant},
    wiring,
};
use jobs::{
    Gravity, House,
    bundle::{BundleReport, BundleWish, write},
};
use model::{Timestamp, agreeing, counted};
use serde_json::json;
use std::path::Path;

/// So many warnings are told; the rest is counted.
const MOST_WARNINGS: usize = 20;

/// Writes; beside the answer why it is not all that accounting has, where that is so.
pub(super) async fn written(
    folder: &Path,
    all_users: bool,
    since: Option<Timestamp>,
    house: &House,
    context: &Context,
) -> Result<(Answer, Option<Failure>), Failure> {
    let key = wiring::bundle_key(&context.configuration)?;
    let report = write(house, BundleWish { folder, key: &key, since, all_users }).await?;
    let json = json!({ "version": 1, "settled": null, "sealed": 0, "bundle": report });
    let answer = Answer::new(text(&report), json).with_notes(notes(&report));
    let rows = report.rejected.len();
    let failure = (rows > 0).then(|| {
        let why = format!(
            "{} of accounting {} not taken in: whoever merges it does not count their hours",
            counted(rows, "row"),
            agreeing(rows, "was", "were")
        );
        let next = "look at the warnings; every `pakt settle --bundle` tries them again";
        Failure { gravity: Gravity::Unknown, ..Failure::usage("the bundle does not have everything", why, next) }
    });
    Ok((answer, failure))
}

fn text(report: &BundleReport) -> String {
    let BundleReport { file, fingerprint, runs, batches, running, pending, settled_until, .. } = report;
    format!(
        "{}: {} written, {} in all; jobs: {running} running, {pending} waiting; read until {}\n  \
         signed with key {fingerprint}\n",
        file.display(),
        counted(*runs, "run"),
        counted(*batches, "batch"),
        instant(*settled_until)
    )
}

fn notes(report: &BundleReport) -> Vec<String> {
    let mut notes: Vec<String> =
        report.rejected.iter().take(MOST_WARNINGS).map(|row| format!("warning: not taken in: {row}")).collect();
    let more = report.rejected.len().saturating_sub(MOST_WARNINGS);
    if more > 0 {
        notes.push(format!("warning: and {}; `--json` has them all", counted(more, "more such row")));
    }
    if !report.runaway.is_empty() {
        notes.push(format!(
            "warning: accounting says that {} {} limit, and the queue does not know {}",
            counted(report.runaway.len(), "run"),
            agreeing(report.runaway.len(), "goes on, long after its", "go on, long after their"),
            agreeing(report.runaway.len(), "it", "them")
        ));
    }
    notes.extend(report.notes.iter().map(|note| format!("note: {note}")));
    notes
}
