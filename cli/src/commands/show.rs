//! `pakt show JOB`

use super::{
    Context,
    asked::{age, freshness},
    ends::{self, End},
    provenance, view,
};
use crate::{
    failure::Failure,
    output::{Answer, explained_hold, hold, instant},
};
use jobs::{
    House,
    directory::{Attempt, Checkpoints},
    show::{Shown, show},
    silence::Silent,
    sweep::CellCounts,
};
use model::Follows;
use serde_json::json;
use std::collections::BTreeMap;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job: its id or the start of it, the scheduler's id, or a name
    pub job: String,
    /// Ask the scheduler now, and not what any command of yours was told a short time ago
    #[arg(long)]
    pub fresh: bool,
    /// Show what it is made of instead: commits and changes of its code, image, modules, script, releases
    #[arg(long, conflicts_with = "fresh")]
    pub provenance: bool,
}

/// Shows the job.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look().await?;
    if arguments.provenance {
        return provenance::run(&house, &arguments.job).await;
    }
    let shown = show(&house, &arguments.job, freshness(arguments.fresh)).await?;
    Ok(answer(&house, &shown))
}

/// The job in full.
pub(super) fn answer(house: &House, shown: &Shown) -> Answer {
    let Shown { intent, submitted, read_back, attempts, ended, .. } = shown;
    let mut lines = vec![
        ("job", intent.id.to_string()),
        ("name", intent.name.to_string()),
        ("project", intent.project.to_string()),
        ("made", format!("{} by {} on {}", instant(intent.made_at), intent.principal, intent.host)),
        ("state", dated_state(house, shown)),
    ];
    lines.extend(silence_line(house, shown).map(|text| ("silent", text)));
    if let Some(placement) = &intent.placement {
        lines.push(("placement", view::placement_line(placement)));
    }
    if let Some(note) = submitted {
        let found = if note.was_found { ", found by its stamp" } else { "" };
        let whose = if house.is_local() { "local job" } else { "slurm job" };
        lines.push((whose, format!("{}, since {}{found}", note.scheduler_job, instant(note.at))));
    }
    for drift in read_back.iter().flat_map(|read| &read.drift) {
        lines.push(("changed", drift.clone()));
    }
    let is_sweep = intent.sweep().is_some();
    lines.extend(sweep_lines(shown));
    for link in shown.links.iter().filter(|_| !is_sweep) {
        let state = match (&link.class, &link.state) {
            (Some(class), _) => format!("ended, {class}"),
            (None, Some(state)) => state.to_string(),
            (None, None) if link.is_past => "ended with no word".to_owned(),
            (None, None) => "not asked".to_owned(),
        };
        let at = if submitted.as_ref().is_some_and(|note| note.scheduler_job == link.sent.scheduler_job) {
            ", the one at work"
        } else {
            ""
        };
        lines.push(("link", format!("{} as {}: {state}{at}", link.sent.link, link.sent.scheduler_job)));
    }
    for attempt in attempts.iter().filter(|_| !is_sweep) {
        let end = attempt.exit_code.map_or_else(|| "no end seen".to_owned(), |code| format!("exit code {code}"));
        let (from, to) = (view::instant_or(attempt.started_at, "?"), view::instant_or(attempt.ended_at, "?"));
        let (job, restart) = (attempt.scheduler_job, attempt.restart);
        lines.push(("attempt", format!("{job} restart {restart}: {from} to {to}, {end}{}", told_line(attempt))));
    }
    if let Some(progress) = shown.progress.as_ref().filter(|_| !is_sweep) {
        lines.push(("progress", format!("{}/{} {}", progress.step, progress.total, progress.note)));
    }
    lines.extend(checkpoint_line(shown).map(|text| ("checkpoint", text)));
    let is_following = intent.follows().is_some();
    lines.extend(follows_line(shown).map(|text| ("follows", text)));
    lines.extend(chain_line(shown).map(|text| (if is_following { "links" } else { "chain" }, text)));
    for bad in &shown.bad_nodes {
        lines.push(("left out", format!("{}, because of {} at {}", bad.node, bad.why, instant(bad.since))));
    }
    lines.push(("hold", hold_line(shown)));
    lines.extend(renewal_line(shown).map(|text| ("renewed", text)));
    if let Some(at) = ended.as_ref().and_then(|ended| ended.at) {
        lines.push(("ended", instant(at)));
    }
    if let Some(End { why, next }) = ends::told(shown) {
        lines.extend([("why", why), ("next", next)]);
    }
    lines.push(("directory", shown.directory.display().to_string()));
    lines.push(("log", shown.log.display().to_string()));
    let text: String = lines.iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect();
    Answer::new(text, json(shown))
        .with_notes(shown.unasked.iter().map(|why| format!("note: the state may be old: {why}")))
        .with_notes(shown.notes.iter().map(|note| format!("note: {note}")))
}

/// Where the job stands, and how old that is where it is not of now.
fn dated_state(house: &House, shown: &Shown) -> String {
    let age = age(house, shown.observed_at, shown.was_shared).filter(|_| shown.ended.is_none());
    age.map_or_else(|| state(shown), |age| format!("{}, {age}", state(shown)))
}

/// That nothing is seen of a job that runs, and what to do.
fn silence_line(house: &House, shown: &Shown) -> Option<String> {
    let silence = shown.silence?;
    let told = view::silence(Some(silence), house.clock.now());
    let (told, name) = (told.trim_start_matches(", "), &shown.intent.name);
    Some(match silence.of {
        Silent::Script => {
            format!("{told}: its script was killed, or its node is gone; `pakt cancel {name}` gives it up")
        }
        Silent::Program => format!(
            "{told}: no line of its log, no progress, no checkpoint; `pakt logs {name}` has the last ones, `on_failure.hung_after` ends \
             a program that hangs"
        ),
    })
}

fn state(shown: &Shown) -> String {
    match (&shown.ended, &shown.sighting, &shown.submitted) {
        (None, Some(_), _) if shown.is_paused() => "PAUSED".to_owned(),
        (Some(ended), _, _) => match &ended.note {
            Some(note) => format!("{}, {note}", ended.state),
            None => ended.state.to_string(),
        },
        (None, Some(seen), _) if seen.state.is_pending() => format!("{} ({})", seen.state, seen.reason),
        (None, Some(seen), _) => seen.state.to_string(),
        (None, None, Some(_)) => "UNKNOWN".to_owned(),
        (None, None, None) => "begun, not sent; `pakt submit` of the same file goes on".to_owned(),
    }
}

/// By what an attempt of a chain was told to save, and whether it did; or by what it failed.
fn told_line(attempt: &Attempt) -> String {
    let (Some(class), Some(told)) = (&attempt.class, &attempt.told) else {
        return attempt.failure.as_ref().map(|failure| format!("; it failed by {failure}")).unwrap_or_default();
    };
    let by = match told.as_str() {
        "limit" => "ahead of its limit".to_owned(),
        "time" => "when the chain's time was used up".to_owned(),
        "hung" => "when nothing was seen of it for too long".to_owned(),
        signal => format!("by {signal}"),
    };
    let saved = if class == "checkpointed" { "and saved" } else { "and did not save" };
    format!("; it was told {by}, {saved}")
}

/// The last checkpoint of those that the program named.
fn checkpoint_line(shown: &Shown) -> Option<String> {
    let Checkpoints { last, gone } = &shown.checkpoints;
    match (last, gone) {
        (None, 0) => None,
        (None, gone) => Some(format!("none is there of the last {gone} that the program named")),
        (Some(last), 0) => Some(format!("step {}, {}", last.step, last.path.display())),
        (Some(last), gone) => {
            Some(format!("step {}, {}; {gone} named after it are gone", last.step, last.path.display()))
        }
    }
}

/// How far a sweep is: its links as the scheduler shows them, and its cells as their own files do.
fn sweep_lines(shown: &Shown) -> Vec<(&'static str, String)> {
    let Some(cells) = shown.cells else { return Vec::new() };
    let Some(sweep) = shown.intent.sweep() else { return vec![("cells", cells_line(cells))] };
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for link in shown.links.iter().filter(|_| shown.ended.is_none()) {
        let state = link.state.as_ref().map_or_else(|| "not shown".to_owned(), ToString::to_string);
        *states.entry(state).or_default() += 1;
    }
    let states: Vec<String> = states.into_iter().map(|(state, count)| format!("{count} {state}")).collect();
    let states = if states.is_empty() { String::new() } else { format!(": {}", states.join(", ")) };
    let sent = format!("{} of {} were sent{states}", shown.links.len(), sweep.links());
    let mut told = vec![("links", sent), ("cells", cells_line(cells))];
    told.extend(shown.over.as_ref().map(|over| ("sweep", format!("over: {over}"))));
    told
}

fn cells_line(cells: CellCounts) -> String {
    let parts = [
        (cells.unscored, "without a score"),
        (cells.failed, "failed"),
        (cells.running, "running"),
        (cells.stopped, "ended with a link"),
        (cells.waiting, "not begun"),
    ];
    let others: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}")).collect();
    format!("{} of {} are done{others}", cells.done, cells.all)
}

/// Which chain an evaluation follows.
fn follows_line(shown: &Shown) -> Option<String> {
    let Follows { chain, job, .. } = shown.intent.follows()?;
    Some(job.filter(|job| job.to_string() != *chain).map_or_else(|| chain.clone(), |job| format!("{chain} ({job})")))
}

/// How many links may still come, or why the chain is over.
fn chain_line(shown: &Shown) -> Option<String> {
    let chain = shown.intent.chain()?;
    let Some(over) = &shown.over else {
        let sent = u32::try_from(shown.links.len()).unwrap_or(u32::MAX);
        let planned = chain.max_links.get().saturating_sub(sent);
        let hours = chain.max_gpu_hours.map(|hours| format!(", within {hours} GPU-h")).unwrap_or_default();
        return Some(format!("{sent} of at most {} links were sent, {planned} are planned{hours}", chain.max_links));
    };
    let link = over.link.map(|link| format!(" behind link {link}")).unwrap_or_default();
    let step = over.step.map(|step| format!(", at step {step}")).unwrap_or_default();
    Some(format!("over{link}: {over}{step}"))
}

fn hold_line(shown: &Shown) -> String {
    match (&shown.hold, &shown.unheld) {
        (Some(taken), _) if taken.is_open() => {
            let remainder = taken.remainder().map_or_else(|error| error.to_string(), |rest| hold(&taken.unit, rest));
            let ceiling = explained_hold(&taken.unit, taken.ceiling, shown.factors.as_ref());
            format!("{ceiling}, of which {remainder} remains")
        }
        (Some(taken), _) => {
            let charged = hold(&taken.unit, taken.charged);
            format!("closed; {charged} of {} was used", hold(&taken.unit, taken.ceiling))
        }
        (None, Some(unheld)) => format!("nothing: {}", unheld.reason),
        (None, None) => "nothing".to_owned(),
    }
}

/// Until when an open hold is kept.
fn renewal_line(shown: &Shown) -> Option<String> {
    if let Some((since, until)) = shown.missed {
        let (since, until) = (instant(since), instant(until));
        return Some(format!("no: nobody has known the job since {since}; given back as lost after {until}"));
    }
    let until = instant(shown.renewed_until?);
    Some(format!("until {until} at least, because the scheduler has the job"))
}

fn json(shown: &Shown) -> serde_json::Value {
    let Shown { intent, sighting, ended, .. } = shown;
    json!({
        "version": 1, "id": intent.id, "name": intent.name, "project": intent.project, "made_at": intent.made_at,
        "scheduler_job": shown.submitted.as_ref().map(|note| note.scheduler_job), "intent": intent, "submitted": shown.submitted, "read_back": shown.read_back,
        "unheld": shown.unheld, "progress": shown.progress, "cells": shown.cells, "checkpoints": shown.checkpoints, "over": shown.over, "cancel": shown.cancel, "ended": ended,
        "state": ends::state(shown), "end": ends::told(shown), "failure": shown.failure, "silence": shown.silence, "bad_nodes": shown.bad_nodes,
        "reason": sighting.as_ref().map(|seen| &seen.reason), "unasked": shown.unasked,
        "observed_at": shown.observed_at,
        "elapsed": sighting.as_ref().map(|seen| seen.elapsed), "time_limit": sighting.as_ref().and_then(|seen| seen.time_limit),
        "links": shown.links, "attempts": shown.attempts.iter().map(|attempt| json!({
            "scheduler_job": attempt.scheduler_job, "restart": attempt.restart, "started_at": attempt.started_at,
            "ended_at": attempt.ended_at, "exit_code": attempt.exit_code, "class": attempt.class, "told": attempt.told,
            "failure": attempt.failure,
            "log_begins_behind_bytes": attempt.log_begins_at,
        })).collect::<Vec<_>>(),
        "hold": hold_json(shown), "directory": shown.directory, "log": shown.log,
    })
}

/// What the ledger knows of the hold, with how its ceiling comes about.
fn hold_json(shown: &Shown) -> serde_json::Value {
    let mut hold = json!(shown.hold);
    if hold.is_object() {
        hold["factors"] = json!(shown.factors);
        hold["renewed_until"] = json!(shown.renewed_until);
        hold["missed_since"] = json!(shown.missed.map(|(since, _)| since));
        hold["lost_after"] = json!(shown.missed.map(|(_, until)| until));
    }
    hold
}
