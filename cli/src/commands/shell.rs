//! `pakt shell`

use super::{Context, sbatch::project};
use crate::{
    failure::Failure,
    output::{Answer, hold},
};
use jobs::{
    Gravity,
    shell::{ShellWish, shell},
};
use model::{AccountName, PartitionName, ProjectName, WallTime};
use serde_json::json;

/// Arguments of `shell`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Who spends; without it the configuration's `project`
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<ProjectName>,
    /// Nodes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub nodes: u32,
    /// GPUs on each node
    #[arg(long, default_value_t = 1)]
    pub gpus_per_node: u32,
    /// The wall-time limit
    #[arg(long, default_value = "01:00:00")]
    pub time: WallTime,
    /// Slurm account
    #[arg(long)]
    pub account: Option<AccountName>,
    /// Partition
    #[arg(long)]
    pub partition: Option<PartitionName>,
    /// Go on where the ledger refuses; the reason is recorded
    #[arg(long, value_name = "REASON", value_parser = super::view::reason)]
    pub anyway: Option<String>,
    /// What to run in the allocation instead of a shell
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// Opens the allocation and waits for its end.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let what = "no shell was opened";
    let wish = ShellWish {
        project: project(arguments.project, context, what)?,
        nodes: arguments.nodes,
        gpus_per_node: arguments.gpus_per_node,
        time: arguments.time,
        account: arguments.account,
        partition: arguments.partition,
        anyway: arguments.anyway,
        command: arguments.command,
    };
    let ended = shell(&context.house_to_submit(None).await?, wish).await?;
    let held = ended
        .hold
        .as_ref()
        .map_or_else(|| "nothing was held".to_owned(), |(unit, amount)| format!("held {}", hold(unit, *amount)));
    let json = json!({ "version": 1, "id": ended.id, "scheduler_job": ended.scheduler_job,
                       "hold": ended.hold, "status": ended.status });
    let Some(scheduler_job) = ended.scheduler_job else {
        let text = format!("no allocation came to be for job {}; its hold is given back\n", ended.id);
        return Ok(Answer::new(text, json).with_code(Failure::code(Gravity::Refused)));
    };
    let text = format!("job {} as {scheduler_job} is over ({held}); `pakt settle` enters what it used\n", ended.id);
    // The code of the shell, or of what was run instead of one; salloc hands it on.
    let code = ended.status.map_or(1, |status| u8::try_from(status).unwrap_or(1));
    Ok(Answer::new(text, json).with_code(code))
}
