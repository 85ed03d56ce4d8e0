//! `pakt cancel JOB`

use super::Context;
use crate::{failure::Failure, output::Answer};
use serde_json::json;

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job: its id or the start of it, the scheduler's id, or a name
    pub job: String,
}

/// Ends the job.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let cancelled = jobs::cancel::cancel(&context.house().await?, &arguments.job).await?;
    let ids = cancelled.scheduler_jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let text = match (cancelled.was_over, ids.is_empty()) {
        (true, _) => format!("job {} was over\n", cancelled.id),
        (false, true) => format!("job {} was never sent; its hold is released\n", cancelled.id),
        (false, false) => format!("job {} cancelled ({ids}); `pakt settle` closes its hold\n", cancelled.id),
    };
    let note = cancelled
        .unasked
        .as_ref()
        .map(|why| format!("warning: it is not known whether there is another scheduler job of it: {why}"));
    Ok(Answer::new(text, json!({ "version": 1, "cancelled": cancelled })).with_notes(note))
}
