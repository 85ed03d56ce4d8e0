//! `pakt resume JOB`, `pakt resume --all`

use super::Context;
use crate::{failure::Failure, output::Answer};
use jobs::{
    JobsError,
    chain::{Advanced, AdvancedFollower},
    directory::SentLink,
    resume::{Resumed, resume, resume_all, resume_directory, settled},
};
use model::{JobId, JobName};
use serde_json::{Value, json};
use std::path::PathBuf;

/// So many links are named, of those that were sent.
const MOST_NAMED: usize = 5;

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The chain or sweep: its id or the start of it, a scheduler's id of a link, or a name
    #[arg(required_unless_present_any = ["all", "directory"], conflicts_with_all = ["all", "directory"])]
    pub job: Option<String>,
    /// Go on with all of your chains and sweeps that are not over; for cron
    #[arg(long)]
    pub all: bool,
    /// Go on with the job of this directory, also where all else that was known of it is lost
    #[arg(long, value_name = "DIR", conflicts_with = "all")]
    pub directory: Option<PathBuf>,
}

/// Sends the links that are due.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let note = settled(&house).await.map(|why| format!("note: not settled yet: {why}"));
    let resumed = match (&arguments.job, &arguments.directory) {
        (Some(job), _) => resume(&house, job).await?,
        (None, Some(directory)) => resume_directory(&house, directory).await?,
        (None, None) => return Ok(of_all(&resume_all(&house).await?).with_notes(note)),
    };
    let json = json!({ "version": 1, "job": for_programs(&resumed) });
    let advanced = resumed.outcome.as_ref().map_err(JobsError::clone)?;
    if let Some(error) = &advanced.not_sent {
        return Err(error.clone().into());
    }
    // Settled is what lies in the folder of the jobs alone.
    let elsewhere = arguments.directory.as_ref().filter(|directory| !directory.starts_with(house.state.root()));
    let elsewhere = elsewhere.map(|_| {
        "note: this job lies outside the folder of your jobs; name its folder as `state:` in the configuration, or nothing is held for it and no other command finds it".to_owned()
    });
    let followers = advanced.followers.iter().filter_map(follower_note);
    Ok(Answer::new(line(&resumed, advanced), json).with_notes(note.into_iter().chain(elsewhere).chain(followers)))
}

/// What was done for an evaluation that follows the chain, or why nothing was.
pub(super) fn follower_note(follower: &AdvancedFollower) -> Option<String> {
    let AdvancedFollower { job, name, outcome } = follower;
    match outcome {
        Ok(Advanced { not_sent: Some(error), .. }) | Err(error) => Some(format!("note: {error}")),
        Ok(Advanced { sent, .. }) if sent.is_empty() => None,
        Ok(Advanced { sent, .. }) => {
            let sent: Vec<String> =
                sent.iter().map(|sent| format!("link {} as {}", sent.link, sent.scheduler_job)).collect();
            Some(format!("note: job {job} ({name}), which follows it, goes on: {}", sent.join(", ")))
        }
    }
}

fn line(resumed: &Resumed, advanced: &Advanced) -> String {
    let (id, name) = (resumed.intent.id, &resumed.intent.name);
    let shown = |sent: &SentLink| format!("link {} as {}", sent.link, sent.scheduler_job);
    let mut sent: Vec<String> = advanced.sent.iter().take(MOST_NAMED).map(shown).collect();
    if advanced.sent.len() > MOST_NAMED {
        sent.push(format!("and {} more", advanced.sent.len() - MOST_NAMED));
    }
    match (&advanced.over, sent.is_empty()) {
        (Some(over), _) => format!("job {id} ({name}) is over: {over}\n"),
        (None, true) => format!("job {id} ({name}) has all the links in the queue that are due\n"),
        (None, false) => format!("job {id} ({name}) goes on: {}\n", sent.join(", ")),
    }
}

/// A line for each, and every failure.
fn of_all(all: &[Resumed]) -> Answer {
    let (mut text, mut notes, mut failures) = (String::new(), Vec::new(), Vec::new());
    for resumed in all {
        if let Ok(advanced) = &resumed.outcome {
            text.push_str(&line(resumed, advanced));
            // Their own lines come behind, and have nothing left to send.
            notes.extend(advanced.followers.iter().filter_map(follower_note));
        }
        if let Some(error) = failure(resumed) {
            notes.push(Failure::said_of_one(&format!("{}: {}", resumed.intent.id, resumed.intent.name), error));
            failures.push(error);
        }
    }
    let json = json!({ "version": 1, "jobs": all.iter().map(for_programs).collect::<Vec<_>>() });
    Answer::new(text, json).with_notes(notes).with_code(Failure::code_of_several(failures))
}

fn failure(resumed: &Resumed) -> Option<&JobsError> {
    not_sent(&resumed.outcome)
}

fn not_sent(outcome: &Result<Advanced, JobsError>) -> Option<&JobsError> {
    outcome.as_ref().map_or_else(Some, |advanced| advanced.not_sent.as_ref())
}

fn for_programs(resumed: &Resumed) -> Value {
    let followers = resumed.outcome.iter().flat_map(|advanced| &advanced.followers);
    let follower = |follower: &AdvancedFollower| told((follower.job, &follower.name), &follower.outcome);
    let mut json = told((resumed.intent.id, &resumed.intent.name), &resumed.outcome);
    json["followers"] = followers.map(follower).collect();
    json
}

fn told((id, name): (JobId, &JobName), outcome: &Result<Advanced, JobsError>) -> Value {
    let (sent, over) = match outcome {
        Ok(advanced) => (json!(advanced.sent), json!(advanced.over)),
        Err(_) => (json!([]), Value::Null),
    };
    json!({
        "id": id, "name": name, "sent": sent, "over": over, "error": not_sent(outcome).map(Failure::of_one),
    })
}
