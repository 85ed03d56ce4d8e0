//! `pakt results JOB`: the cells of a sweep.

use super::{Context, submit, view};
use crate::{
    failure::Failure,
    output::{Answer, Table},
};
use jobs::Gravity;
use jobs::submit::Submission;
use jobs::sweep::{CellState, ReportedCell, SweepReport, missing, report};
use model::counted;
use serde_json::json;

/// So many cells are shown: all, or of more those that are not done.
const MOST_SHOWN: usize = 40;

/// Shows the cells of the job one by one; of many those that are not done.
pub(super) async fn run(job: &str, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look().await?;
    let found = report(&house, job).await.map_err(|error| match error.gravity {
        // It may have been meant as a folder.
        Gravity::Usage => {
            let why = format!("`{job}` is no file and no folder here, and {}: {}", error.what, error.why);
            Failure::usage(
                "no results were read",
                why,
                "name a folder with results, or a job with a sweep: `pakt jobs` lists them",
            )
        }
        _ => error.into(),
    })?;
    Ok(Answer::new(text(&found), for_programs(&found)))
}

/// Submits the cells that are missing as a new job.
pub(super) async fn run_missing(job: &str, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let Some(missing) = missing(&house, job).await? else {
        let found = report(&house, job).await?;
        let open = found.cells.iter().filter(|cell| cell.state != CellState::Done).count();
        let text = if open == 0 {
            "nothing is missing: all cells are done\n".to_owned()
        } else {
            format!(
                "nothing is missing: {} not done are in the hands of jobs that are not over\n",
                counted(open, "cell")
            )
        };
        return Ok(Answer::new(text, json!({ "version": 1, "cells": 0, "job": null })));
    };
    let cells = missing.cells;
    let submission = Submission { file: missing.file, again: false, anyway: None, checkpoint: None };
    let answer = jobs::submit::submit(&house, submission).await?;
    let mut shown = submit::shown(&answer);
    shown.json = json!({ "version": 1, "cells": cells, "job": shown.json });
    Ok(shown)
}

fn text(found: &SweepReport) -> String {
    let of = |state: CellState| found.cells.iter().filter(|cell| cell.state == state).count();
    let missing = found.missing().count();
    let mut text = format!("{} of {} done", of(CellState::Done), counted(found.cells.len(), "cell"));
    for (state, word) in WORDS.into_iter().filter(|(state, _)| *state != CellState::Done && of(*state) > 0) {
        text.push_str(&format!(", {} {word}", of(state)));
    }
    text.push('\n');
    let are_few = found.cells.len() <= MOST_SHOWN;
    let open: Vec<&ReportedCell> = found.cells.iter().filter(|cell| are_few || cell.state != CellState::Done).collect();
    if open.is_empty() {
        return text;
    }
    let mut table = Table::new(&["cell", "values", "state", "code", "started", "job", "link"]);
    for cell in open.iter().take(MOST_SHOWN) {
        let record = cell.record.as_ref();
        let code = record.and_then(|record| record.exit_code).map_or_else(|| "-".to_owned(), |code| code.to_string());
        let started = view::instant_or(record.and_then(|record| record.started_at), "-");
        let state = WORDS.into_iter().find(|(state, _)| *state == cell.state).map_or("", |(_, word)| word);
        let row = [cell.cell.to_string(), cell.values.clone(), state.to_owned(), code, started];
        table.row(row.into_iter().chain([cell.job.to_string(), cell.link.to_string()]));
    }
    text.push_str(&table.text());
    if open.len() > MOST_SHOWN {
        text.push_str(&format!("and {} more; `--json` has all\n", open.len() - MOST_SHOWN));
    }
    if missing > 0 {
        let id = found.intent.id;
        text.push_str(&format!("next: `pakt results {id} --missing` submits {}\n", counted(missing, "missing cell")));
    }
    text
}

const WORDS: [(CellState, &str); 5] = [
    (CellState::Done, "done"),
    (CellState::Failed, "failed"),
    (CellState::Running, "running"),
    (CellState::Stopped, "ended with its link"),
    (CellState::Waiting, "not begun"),
];

/// A cell with its values by the names of their parameters.
fn of_cell(found: &SweepReport, cell: &ReportedCell) -> serde_json::Value {
    let mut json = json!(cell);
    let values = found.intent.sweep().and_then(|sweep| Some((&sweep.parameters, sweep.cells.get(cell.cell - 1)?)));
    if let Some((parameters, values)) = values {
        let pairs = parameters.iter().zip(values).map(|(name, value)| (name.to_string(), json!(value)));
        json["values"] = serde_json::Value::Object(pairs.collect());
    }
    json
}

fn for_programs(found: &SweepReport) -> serde_json::Value {
    json!({
        "version": 1, "id": found.intent.id, "name": found.intent.name,
        "cells": found.cells.iter().map(|cell| of_cell(found, cell)).collect::<Vec<_>>(),
        "missing": found.missing().map(|cell| cell.cell).collect::<Vec<_>>(),
    })
}
