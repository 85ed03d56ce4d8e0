//! `pakt cancel JOB...`

use super::Context;
use crate::{failure::Failure, output::Answer};
use jobs::cancel::{Cancelled, CancelledMember, cancel, cancel_each};
use serde_json::{Value, json};

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job: its id or the start of it, the scheduler's id, or a name; several are ended together
    #[arg(value_name = "JOB", required = true)]
    pub jobs: Vec<String>,
}

/// Ends the jobs.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let [job] = arguments.jobs.as_slice() else {
        return Ok(shown(&cancel_each(&house, &arguments.jobs).await?));
    };
    let cancelled = cancel(&house, job).await?;
    let json = json!({ "version": 1, "cancelled": &cancelled });
    Ok(Answer::new(line(&cancelled), json).with_notes(unasked(&cancelled)))
}

fn line(cancelled: &Cancelled) -> String {
    let ids = cancelled.scheduler_jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let hold = if cancelled.holds { "; `pakt settle` closes its hold" } else { "" };
    let id = cancelled.id;
    if cancelled.was_paused && !cancelled.was_over && cancelled.submitted_as.is_some() {
        return format!("job {id} cancelled; no link of it waited or ran{hold}\n");
    }
    match (cancelled.was_over, ids.is_empty(), cancelled.submitted_as) {
        (true, ..) => format!("job {id} was over\n"),
        (false, false, _) => format!("job {id} cancelled ({ids}){hold}\n"),
        (false, true, Some(number)) => format!(
            "job {id} was submitted as {number}, which neither queue nor accounting shows now; it is noted that nobody wants it{hold}\n"
        ),
        (false, true, None) if cancelled.holds => format!("job {id} was never sent; its hold is released\n"),
        (false, true, None) => format!("job {id} was never sent\n"),
    }
}

fn unasked(cancelled: &Cancelled) -> Option<String> {
    let why = cancelled.unasked.as_ref()?;
    Some(format!("warning: it is not known whether there is another scheduler job of {}: {why}", cancelled.id))
}

/// A line for each of several, and every failure.
fn shown(members: &[CancelledMember]) -> Answer {
    let (mut text, mut notes) = (String::new(), Vec::new());
    for CancelledMember { id, name, outcome } in members {
        match outcome {
            Ok(cancelled) => {
                text.push_str(&line(cancelled));
                notes.extend(unasked(cancelled));
            }
            Err(error) => {
                notes.push(Failure::said_of_one(&format!("{id}: {name}"), error));
            }
        }
    }
    let json = json!({ "version": 1, "jobs": members.iter().map(for_programs).collect::<Vec<_>>() });
    let failures = members.iter().filter_map(|member| member.outcome.as_ref().err());
    Answer::new(text, json).with_notes(notes).with_code(Failure::code_of_several(failures))
}

fn for_programs(member: &CancelledMember) -> Value {
    let CancelledMember { id, name, outcome } = member;
    match outcome {
        Ok(cancelled) => json!({ "id": id, "name": name, "result": "cancelled", "cancelled": cancelled }),
        Err(error) => json!({ "id": id, "name": name, "result": "failed", "error": Failure::of_one(error) }),
    }
}
