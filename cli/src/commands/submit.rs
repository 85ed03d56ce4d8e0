//! `pakt submit FILE...`

use super::{Context, asked::with_costs, choice, job_file, other_ledgers, submit_many, view, watch};
use crate::{
    failure::Failure,
    output::{Answer, decision, explained_hold},
    wiring::{Decision, Freshness},
};
use jobs::directory::Checkpoint;
use jobs::ledger_marks::meet_other_ledgers;
use jobs::outlook::Advice;
use jobs::submit::{Submission, SubmitAnswer, SubmitOutcome, SubmittedSweep};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `submit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job files; each may hold several jobs as YAML documents, and `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Watch the job until it is over; of one job
    #[arg(long, short)]
    pub watch: bool,
    /// What of jobs that were submitted before.
    #[command(flatten)]
    pub anew: Anew,
    /// Go on where the ledger refuses; the reason is recorded
    #[arg(long, value_name = "REASON", value_parser = super::view::reason)]
    pub anyway: Option<String>,
    /// Begin the chain at a checkpoint of an earlier job; of one job
    #[arg(long, value_name = "STEP:PATH", conflicts_with = "rest")]
    pub checkpoint: Option<Checkpoint>,
    #[command(flatten)]
    pub arrays: TaskOptions,
    /// Say how many synced writes and processes it took, and what was asked of the site
    #[arg(long)]
    pub costs: bool,
}

/// How many jobs that are alike are sent.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct TaskOptions {
    /// Send each of many jobs by itself, also those that could be tasks of one Slurm array
    #[arg(long)]
    pub no_array: bool,
    /// Of the jobs that become tasks of one array let at most so many run at once
    #[arg(long, value_name = "N", conflicts_with = "no_array", value_parser = clap::value_parser!(u32).range(1..))]
    pub at_once: Option<u32>,
}

/// What becomes of jobs that were submitted before.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Anew {
    /// Make a new job even while an earlier one of this file is not over
    #[arg(long)]
    pub again: bool,
    /// Of many jobs leave out those that were submitted before and are over
    #[arg(long, conflicts_with = "again")]
    pub rest: bool,
}

/// Submits the jobs; one alone is watched where that is wanted.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let mut files = job_file::read_all(&arguments.files, context).await?;
    let Some(file) = (if files.len() == 1 && !arguments.anew.rest { files.pop() } else { None }) else {
        if arguments.checkpoint.is_some() {
            let why = "`--checkpoint` is for one job, and these are several";
            return Err(Failure::usage("nothing was submitted", why, "submit the one that is to go on by itself"));
        }
        return submit_many::run(&arguments, files, context).await;
    };
    if arguments.arrays.at_once.is_some() {
        let why = "`--at-once` is for jobs that become tasks of an array, and this is one job";
        return Err(Failure::usage("nothing was submitted", why, "leave it out"));
    }
    let choice = choice::to_submit(context, &file, arguments.anew.again).await?;
    let house = choice.house.clone();
    let submission =
        Submission { file, again: arguments.anew.again, anyway: arguments.anyway, checkpoint: arguments.checkpoint };
    let answer = jobs::submit::submit(&house, submission).await?;
    let id = answer.id;
    let mut shown = shown(&answer);
    for line in choice.lines() {
        shown.text.push_str(&format!("site: {line}\n"));
    }
    shown.json["sites"] = choice.json();
    shown.notes.extend(other_ledgers::notes(meet_other_ledgers(&house).await));
    let shown = with_costs(shown, &house, arguments.costs);
    if !arguments.watch {
        return Ok(shown);
    }
    let interrupt = watch::interrupt()?;
    context.screen.note(&shown.text);
    for note in &shown.notes {
        context.screen.note(note);
    }
    Box::pin(watch::watch(&house, context, &id.to_string(), Freshness::Shared, interrupt)).await
}

/// What the policy says to a job that is not simply covered.
pub(super) fn said(advice: &Advice) -> String {
    let Advice { decision: said, unit, zone, wants_resubmission, is_free_known, .. } = advice;
    let so_far = if *is_free_known { "" } else { ", as far as the books know" };
    let again = *wants_resubmission && matches!(said, Decision::LowPriority { until: Some(_), .. });
    let again = if again { "; a job that waits then has to be submitted again to start as usual" } else { "" };
    format!("note: by the policy of its budget, {}{so_far}{again}", decision(said, unit, zone))
}

/// What `submit` and `sbatch` say.
pub(super) fn shown(answer: &SubmitAnswer) -> Answer {
    let word = match answer.outcome {
        SubmitOutcome::New => "submitted",
        SubmitOutcome::Resumed => "submitted (it had been begun before)",
        SubmitOutcome::Already => "was submitted before and is not over",
    };
    let mut text = format!("job {} {word} as {}\n", answer.id, answer.scheduler_job);
    match (&answer.hold, &answer.no_hold) {
        (Some((unit, amount)), None) => {
            text.push_str(&format!("held: {}\n", explained_hold(unit, *amount, answer.factors.as_ref())));
        }
        (_, Some(why)) => text.push_str(&format!("held: nothing: {why}\n")),
        (None, None) => text.push_str("held: nothing\n"),
    }
    if let Some(sweep) = &answer.sweep {
        let SubmittedSweep { cells, links } = sweep;
        text.push_str(&format!("cells: {cells}, in {} of {links} links\n", answer.links.len()));
    }
    if !answer.sent_now.is_empty() {
        let links: Vec<String> =
            answer.sent_now.iter().map(|sent| format!("link {} as {}", sent.link, sent.scheduler_job)).collect();
        let word = if answer.outcome == SubmitOutcome::Already { "goes on with" } else { "behind it" };
        text.push_str(&format!("{word}: {}\n", links.join(", ")));
    }
    for drift in &answer.drift {
        text.push_str(&format!("changed by the site: {drift}\n"));
    }
    match answer.sweep {
        Some(_) => text.push_str("logs: `pakt logs JOB --cell N`, each link has its own\n"),
        None => text.push_str(&format!("log:  {}\n", answer.log.display())),
    }
    if answer.outcome == SubmitOutcome::Already {
        text.push_str("next: `--again` makes a second job of the same file\n");
    }
    let is_told = |advice: &&Advice| advice.is_known() && advice.decision != Decision::Allow;
    let advice = answer.advice.as_ref().filter(is_told).map(said);
    let notes = view::doubts(&answer.doubts).into_iter().chain(advice);
    let notes = notes.chain(answer.notes.iter().map(|note| format!("note: {note}")));
    Answer::new(text, for_programs(answer)).with_notes(notes)
}

/// A submitted job for programs.
pub(super) fn for_programs(answer: &SubmitAnswer) -> Value {
    json!({
        "version": 1, "id": answer.id, "scheduler_job": answer.scheduler_job, "outcome": answer.outcome, "links": answer.links, "sweep": answer.sweep,
        "hold": answer.hold.as_ref().map(|(unit, amount)| json!({ "unit": unit, "amount": amount, "factors": answer.factors })),
        "advice": answer.advice, "no_hold": answer.no_hold, "drift": answer.drift, "notes": answer.notes, "doubts": answer.doubts,
        "log": answer.log,
    })
}
