//! `pakt adopt SCHEDULER_JOB`

use super::{Context, sbatch::project};
use crate::{
    failure::Failure,
    output::{Answer, hold},
};
use model::{ProjectName, SchedulerJobId};
use serde_json::json;

/// Arguments of `adopt`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The scheduler's job id
    pub scheduler_job: SchedulerJobId,
    /// Who spends; without it the configuration's `project`
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<ProjectName>,
}

/// Takes the job over.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let project = project(arguments.project, context, "the job was not taken over")?;
    let adopted = jobs::adopt::adopt(&context.house_to_submit(None).await?, arguments.scheduler_job, project).await?;
    let held = match (&adopted.hold, &adopted.no_hold) {
        (Some((unit, amount)), None) => hold(unit, *amount),
        (_, why) => format!("nothing: {}", why.as_deref().unwrap_or("no budget pays")),
    };
    let word = if adopted.was_known { "was taken over before" } else { "is taken over" };
    let text = format!("job {} {word} as {}\nheld: {held}\n", adopted.scheduler_job, adopted.id);
    let json = json!({ "version": 1, "id": adopted.id, "scheduler_job": adopted.scheduler_job,
                       "hold": adopted.hold, "no_hold": adopted.no_hold, "was_known": adopted.was_known });
    Ok(Answer::new(text, json))
}
