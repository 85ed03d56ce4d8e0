//! `pakt ledger coverage`

use crate::commands::Context;
use crate::{
    failure::Failure,
    output::{Answer, Table, instant},
};
use jobs::coverage::BindingCoverage;
use model::{AccountName, ProjectName, Window};
use serde_json::json;

/// Arguments of `ledger coverage`.
#[derive(Debug, clap::Args)]
pub(crate) struct Coverage {
    /// Of this project only
    pub project: Option<ProjectName>,
}

/// Shows which runs were read.
pub(super) async fn run(arguments: Coverage, context: &Context) -> Result<Answer, Failure> {
    let found = jobs::coverage::coverage(&context.house()?, arguments.project.as_ref()).await?;
    let json = json!({ "version": 1, "coverage": found });
    if found.is_empty() {
        return Ok(Answer::new("no account is bound to a project yet: `pakt ledger bind`\n", json));
    }
    let mut table = Table::new(&["project", "unit", "account", "runs of", "ended from", "to"]);
    for binding in &found {
        for (whose, window) in stretches(binding) {
            table.row([
                binding.project.to_string(),
                binding.unit.to_string(),
                binding.account.as_ref().map_or("any", AccountName::as_str).to_owned(),
                whose,
                instant(window.from),
                instant(window.to),
            ]);
        }
    }
    let mut text = table.text();
    if found.iter().any(|binding| !binding.coverage.own.is_empty() || !binding.coverage.unread.is_empty()) {
        text.push_str(
            "What was not read is in no balance. A coordinator of the account reads everybody's runs with \
             `pakt settle --all-users`.\n",
        );
    }
    Ok(Answer::new(text, json))
}

/// Whose runs were read in which stretch, in order.
fn stretches(binding: &BindingCoverage) -> Vec<(String, Window)> {
    let coverage = &binding.coverage;
    let whole = coverage.whole.iter().map(|window| ("everybody".to_owned(), *window));
    let own = coverage.own.iter().flat_map(|(user, windows)| {
        let reader = format!("{user} only");
        windows.iter().map(move |window| (reader.clone(), *window))
    });
    let unread = coverage.unread.iter().map(|window| ("nobody: not read".to_owned(), *window));
    let mut stretches: Vec<_> = whole.chain(own).chain(unread).collect();
    stretches.sort_by_key(|(_, window)| (window.from, window.to));
    stretches
}
