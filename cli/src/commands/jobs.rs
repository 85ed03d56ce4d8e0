//! `pakt jobs`

use super::{
    Context,
    asked::{age, freshness, with_costs},
    view,
};
use crate::{
    failure::Failure,
    output::{Answer, Table, instant},
};
use jobs::list::{ListedJob, list};
use model::Timestamp;
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
    /// Ask the scheduler now, and not what any command of yours was told a short time ago
    #[arg(long)]
    pub fresh: bool,
    /// Say what was asked of the site, and what came
    #[arg(long)]
    pub costs: bool,
}

/// Lists jobs.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    if arguments.most == 0 {
        let next = "name a number from 1 on behind `--most`; without it 50 jobs are listed at most";
        return Err(Failure::usage("no jobs were listed", "`--most 0` asks for none", next));
    }
    let house = context.house_to_look().await?;
    let found = list(&house, arguments.most, arguments.open, freshness(arguments.fresh)).await?;
    let mut table =
        Table::new(&["job", "name", "project", "slurm", "state", "elapsed", "progress", "made"]).right(&[3, 5]);
    for job in &found.jobs {
        table.row(row(job, house.clock.now()));
    }
    let text = if found.jobs.is_empty() { "no jobs; `pakt submit FILE` makes one\n".to_owned() } else { table.text() };
    let mut notes = found.unasked.iter().map(|why| format!("note: states may be old: {why}")).collect::<Vec<_>>();
    notes.extend(
        age(&house, found.observed_at, found.was_shared).map(|age| format!("note: states {age}; `--fresh` asks again")),
    );
    notes.extend(found.notes.iter().map(|note| format!("note: {note}")));
    let json = json!({
        "version": 1, "jobs": found.jobs, "unasked": found.unasked, "observed_at": found.observed_at,
    });
    Ok(with_costs(Answer::new(text, json).with_notes(notes), &house, arguments.costs))
}

fn row(job: &ListedJob, now: Timestamp) -> [String; 8] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        job.id.to_string(),
        job.name.to_string(),
        job.project.to_string(),
        or_dash(job.scheduler_job.map(|id| id.to_string())),
        format!("{}{}", view::phase(&job.phase), view::silence(job.silence, now)),
        or_dash(job.elapsed.filter(|elapsed| elapsed.seconds() > 0).map(|elapsed| elapsed.to_string())),
        or_dash(
            job.progress.as_ref().map(|progress| format!("{}/{} {}", progress.step, progress.total, progress.note)),
        ),
        instant(job.made_at),
    ]
}
