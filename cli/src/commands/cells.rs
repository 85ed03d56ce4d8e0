//! `pakt results JOB`: the cells of a sweep, and the scores of an evaluation.

use super::{Context, results, submit, view};
use crate::{
    failure::Failure,
    output::{Answer, Table},
    wiring::short_names,
};
use jobs::submit::Submission;
use jobs::sweep::{CellState, ReportedCell, SweepReport, missing, report};
use jobs::{Gravity, directory::Served};
use model::counted;
use serde_json::json;

/// So many cells are shown: all, or of more those that are not done.
const MOST_SHOWN: usize = 40;

/// Shows the cells of the job one by one, of many those that are not done; of an evaluation its scores, and the cells without one.
pub(super) async fn run(job: &str, arguments: &results::Arguments, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look().await?;
    let mut found = report(&house, job).await.map_err(|error| match error.gravity {
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
    if found.is_evaluation() {
        return evaluation(&mut found, arguments);
    }
    if arguments.are_of_scores() {
        let why = format!(
            "`{job}` is no file and no folder here, and of the job with a sweep there are cells, and no scores"
        );
        return Err(Failure::usage("no results were read", why, "name the folder in which the results lie"));
    }
    Ok(Answer::new(text(&found), for_programs(&found)).with_notes(continued(&found)))
}

/// What the arguments want of the scores, with the cells that have none.
fn evaluation(found: &mut SweepReport, arguments: &results::Arguments) -> Result<Answer, Failure> {
    let scores = found.take_scores(&arguments.wanted())?;
    let is_empty = scores.matrix.scores().next().is_none();
    if is_empty && arguments.are_of_scores() {
        let why = format!("of {} of the job none has a score that is wanted", counted(found.cells.len(), "cell"));
        return Err(Failure::usage(
            "no results were read",
            why,
            "`pakt results` of the job alone says where each stands",
        ));
    }
    let Answer { text: of_scores, json: results, notes, code, is_product, .. } = results::shown(arguments, &scores)?;
    let mut json = for_programs(found);
    json["results"] = results;
    let text = match (arguments.are_of_scores(), is_empty) {
        (true, _) => of_scores,
        (false, true) => text(found),
        (false, false) => format!("{of_scores}{}", text(found)),
    };
    let notes = notes.into_iter().chain(continued(found)).collect();
    Ok(Answer { notes, code, is_product, ..Answer::new(text, json) })
}

/// What the model servers of an evaluation took, and what came of it.
fn served_line(served: &Served) -> String {
    let Served { servers, seconds, seconds_until_ready, gpu_seconds, prompt_tokens, generated_tokens, uncounted } =
        *served;
    let took = if gpu_seconds > 0 { format!("{gpu_seconds} GPU-s") } else { format!("{seconds} s") };
    let tokens = match servers - uncounted {
        0 => "they told no tokens".to_owned(),
        _ if uncounted > 0 => {
            format!("{prompt_tokens} tokens read and {generated_tokens} written, and {uncounted} told none")
        }
        _ => format!("{prompt_tokens} tokens read and {generated_tokens} written"),
    };
    let ready = format!("{seconds_until_ready} of {seconds} s until they were ready");
    format!("servers: {servers} in {took}, {ready}: {tokens}\n")
}

/// That a later job was asked for, and all cells are told.
fn continued(found: &SweepReport) -> Option<String> {
    let (id, asked) = (found.intent.id, found.asked);
    (id != asked).then(|| format!("note: job {asked} has missing cells of job {id}, all of whose cells these are"))
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
    let served = found.served.as_ref().filter(|served| served.servers > 0).map(served_line);
    let mut text = format!("{} of {} done", of(CellState::Done), counted(found.cells.len(), "cell"));
    for (state, word) in WORDS.into_iter().filter(|(state, _)| *state != CellState::Done && of(*state) > 0) {
        text.push_str(&format!(", {} {word}", of(state)));
    }
    text.push('\n');
    text.extend(served);
    let are_few = found.cells.len() <= MOST_SHOWN && !found.is_evaluation();
    let open: Vec<&ReportedCell> = found.cells.iter().filter(|cell| are_few || cell.state != CellState::Done).collect();
    if open.is_empty() {
        return text;
    }
    let shown = &open[..open.len().min(MOST_SHOWN)];
    text.push_str(&table(shown, found.is_evaluation()).text());
    if open.len() > MOST_SHOWN {
        text.push_str(&format!("and {} more; `--json` has all\n", open.len() - MOST_SHOWN));
    }
    if missing > 0 {
        let id = found.intent.id;
        text.push_str(&format!("next: `pakt results {id} --missing` submits {}\n", counted(missing, "missing cell")));
    }
    text
}

/// The cells as a table: those of a sweep with their values, those of an evaluation with model, step and task.
fn table(cells: &[&ReportedCell], is_evaluation: bool) -> Table {
    let told = if is_evaluation { &["model", "step", "task"][..] } else { &["values"] };
    let columns: Vec<&str> =
        ["cell"].iter().chain(told).chain(&["state", "code", "started", "job", "link"]).copied().collect();
    let mut table = Table::new(&columns);
    let value = |cell: &ReportedCell, name: &str| {
        cell.values.iter().find(|(known, _)| known == name).map_or_else(|| "-".to_owned(), |(_, value)| value.clone())
    };
    let models: Vec<String> = cells.iter().map(|cell| value(cell, "model")).collect();
    let models = short_names(models.iter().map(String::as_str).collect());
    for (cell, model) in cells.iter().zip(models) {
        let told = if is_evaluation {
            vec![model.to_owned(), value(cell, "step"), value(cell, "task")]
        } else {
            vec![cell.title()]
        };
        let record = cell.record.as_ref();
        let code = record.and_then(|record| record.exit_code).map_or_else(|| "-".to_owned(), |code| code.to_string());
        let started = view::instant_or(record.and_then(|record| record.started_at), "-");
        let state = WORDS.into_iter().find(|(state, _)| *state == cell.state).map_or("", |(_, word)| word);
        let link = cell.link.map_or_else(|| "-".to_owned(), |link| link.to_string());
        let rest = [state.to_owned(), code, started, cell.job.to_string(), link];
        table.row([cell.cell.to_string()].into_iter().chain(told).chain(rest));
    }
    table
}

const WORDS: [(CellState, &str); 6] = [
    (CellState::Done, "done"),
    (CellState::Unscored, "without a score"),
    (CellState::Failed, "failed"),
    (CellState::Running, "running"),
    (CellState::Stopped, "ended with its link"),
    (CellState::Waiting, "not begun"),
];

fn for_programs(found: &SweepReport) -> serde_json::Value {
    json!({
        "version": 1, "id": found.intent.id, "name": found.intent.name, "served": found.served,
        "cells": found.cells,
        "missing": found.missing().map(|cell| cell.cell).collect::<Vec<_>>(),
    })
}
