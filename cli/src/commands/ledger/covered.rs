//! `pakt ledger covered`

use crate::commands::{Context, view};
use crate::{
    failure::Failure,
    output::{Answer, Table, exceeded, hold, instant},
    wiring::CoveredRun,
};
use model::{AccountName, ProjectName, Unit};
use serde_json::json;

/// Arguments of `ledger covered`.
#[derive(Debug, clap::Args)]
pub(crate) struct Covered {
    /// Whose opening; all without it
    pub project: Option<ProjectName>,
}

/// Lists the runs.
pub(super) async fn run(arguments: Covered, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let book = house.needed_book("the runs were not listed").await?;
    let mut runs = book.covered().await.map_err(|error| view::unread(&error))?;
    runs.retain(|found| arguments.project.as_ref().is_none_or(|project| *project == found.project));
    let is_its = |project: &ProjectName, _: &Unit| arguments.project.as_ref().is_none_or(|wanted| wanted == project);
    let opened = jobs::exceeded::exceeded(book.as_ref(), "the runs were not listed", is_its).await?;
    let json = json!({ "version": 1, "covered": runs, "exceeded": opened });
    if runs.is_empty() {
        return Ok(Answer::new("no run is in an opening\n", json));
    }
    let mut table = Table::new(&["job", "cluster", "user", "account", "started", "ended", "project", "in the opening"]);
    for found in &runs {
        table.row(row(found));
    }
    Ok(Answer::new(table.text(), json).with_notes(opened.iter().map(exceeded)))
}

fn row(found: &CoveredRun) -> [String; 8] {
    let run = &found.run;
    [
        run.shown_id.clone(),
        run.key.cluster.to_string(),
        run.user.to_string(),
        run.account.as_ref().map_or("-", AccountName::as_str).to_owned(),
        instant(run.started_at),
        view::instant_or(run.ended_at, "-"),
        found.project.to_string(),
        hold(&found.unit, found.amount),
    ]
}
