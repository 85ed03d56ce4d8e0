//! A row of accounting, as `sacct -X -D -P --noconvert` prints it.

use super::{
    value::Record,
    words::{self, clock},
};
use crate::slurm::columns::{AccountingFields, Column};
use model::{BaseState, JobState};
use serde_json::Value;

/// All columns that are read; of those that a version does not tell the values are empty.
pub(in crate::slurm) fn fields() -> AccountingFields {
    let titles: Vec<&str> = Column::ALL.iter().map(|column| column.title()).collect();
    AccountingFields::choose(&titles.join(" ")).expect("all columns have those that are needed")
}

/// The values of one row, in the order of [`fields`].
pub(in crate::slurm) fn row(run: &Value, fields: &AccountingFields) -> Vec<String> {
    let run = Record(run);
    let of_title = |title: &&str| Column::ALL.iter().find(|column| column.title() == *title);
    fields
        .titles
        .iter()
        .map(|title| of_title(title).map_or_else(String::new, |column| value_of(run, *column)))
        .collect()
}

fn value_of(run: Record<'_>, column: Column) -> String {
    let text = |path: &str| run.text(path).into_owned();
    let instant = |path: &str| words::instant(run.number(path), "Unknown");
    match column {
        Column::JobIdRaw => text("/job_id"),
        Column::JobId => shown_id(run),
        Column::Cluster => text("/cluster"),
        Column::User => user(run),
        Column::Account => text("/account"),
        Column::Partition => text("/partition"),
        Column::Qos => text("/qos"),
        Column::State => run.words("/state/current").into_owned(),
        Column::ExitCode => words::exit(Record(run.at("/exit_code"))),
        Column::Submit => instant("/time/submission"),
        Column::Start => instant("/time/start"),
        Column::End => end(run),
        Column::Elapsed => run.number("/time/elapsed").unwrap_or(0).to_string(),
        Column::TimeLimit => words::limit(run.count("/time/limit"), |minutes| minutes.to_string()),
        Column::AllocatedNodes => {
            run.number("/allocation_nodes").unwrap_or(0).max(words::nodes(run.list("/tres/allocated"))).to_string()
        }
        Column::RequestedNodes => words::nodes(run.list("/tres/requested")).to_string(),
        Column::Allocated => words::resources(run.list("/tres/allocated")),
        Column::Requested => words::resources(run.list("/tres/requested")),
        Column::Reason => text("/state/reason"),
        Column::Sluid => text("/sluid"),
        Column::Restarts => text("/restart_cnt"),
        Column::Suspended => clock(run.number("/time/suspended").unwrap_or(0)),
        Column::WorkDirectory => text("/working_directory"),
        Column::Comment => text("/comment/job"),
        Column::SubmitLine => text("/submit_line"),
        Column::JobName => text("/name"),
        Column::UserNumber => String::new(),
    }
}

/// Who ran it; where the record has no name, whose association it was charged to.
fn user(run: Record<'_>) -> String {
    let user = run.text("/user");
    if user.is_empty() { run.text("/association/user") } else { user }.into_owned()
}

fn shown_id(run: Record<'_>) -> String {
    let waiting = run.text("/array/task");
    words::shown_id(
        run.number("/job_id").unwrap_or(0),
        (run.number("/array/job_id"), run.number("/array/task_id"), &waiting),
        (run.number("/het/job_id"), run.number("/het/job_offset")),
    )
}

/// When it ended. Of what has not ended the time of the question stands there (seen on v0.0.38).
fn end(run: Record<'_>) -> String {
    let state = run.words("/state/current");
    let goes_on = matches!(state.as_ref(), "RUNNING" | "SUSPENDED" | "PENDING")
        || JobState::from_words(&state).base == BaseState::Unknown;
    words::instant(run.number("/time/end").filter(|_| !goes_on), "Unknown")
}
