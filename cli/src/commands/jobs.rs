//! `pakt jobs`

use super::{Context, view};
use crate::{
    failure::Failure,
    output::{Answer, Table, instant},
};
use jobs::list::{ListedJob, list};
use serde_json::json;

/// Arguments of `jobs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only jobs that are not over
    #[arg(long)]
    pub open: bool,
    /// At most so many, from 1 on, newest first
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    pub most: usize,
}

/// Lists jobs.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    if arguments.most == 0 {
        let next = "name a number from 1 on behind `--most`; without it 50 jobs are listed at most";
        return Err(Failure::usage("no jobs were listed", "`--most 0` asks for none", next));
    }
    let found = list(&context.house_to_look().await?, arguments.most, arguments.open).await?;
    let mut table =
        Table::new(&["job", "name", "project", "slurm", "state", "elapsed", "progress", "made"]).right(&[3, 5]);
    for job in &found.jobs {
        table.row(row(job));
    }
    let text = if found.jobs.is_empty() { "no jobs; `pakt submit FILE` makes one\n".to_owned() } else { table.text() };
    let notes = found.unasked.iter().map(|why| format!("note: states may be old: {why}")).collect::<Vec<_>>();
    let json = json!({ "version": 1, "jobs": found.jobs, "unasked": found.unasked });
    Ok(Answer::new(text, json).with_notes(notes))
}

fn row(job: &ListedJob) -> [String; 8] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        job.id.to_string(),
        job.name.to_string(),
        job.project.to_string(),
        or_dash(job.scheduler_job.map(|id| id.to_string())),
        view::phase(&job.phase),
        or_dash(job.elapsed.filter(|elapsed| elapsed.seconds() > 0).map(|elapsed| elapsed.to_string())),
        or_dash(
            job.progress.as_ref().map(|progress| format!("{}/{} {}", progress.step, progress.total, progress.note)),
        ),
        instant(job.made_at),
    ]
}
