//! `pakt ledger coverage`

use crate::commands::Context;
use crate::{
    failure::Failure,
    output::{Answer, Table, instant, reader},
    wiring::{ReaderRights, WholeReader},
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
    let found = jobs::coverage::coverage(&context.house_of_ledger().await?, arguments.project.as_ref()).await?;
    let json = json!({ "version": 1, "coverage": found });
    if found.is_empty() {
        return Ok(Answer::new("no account is bound to a project yet: `pakt ledger bind`\n", json));
    }
    let mut table = Table::new(&["project", "unit", "account", "runs of", "read by", "ended from", "to"]);
    for binding in &found {
        for (whose, by, window) in stretches(binding) {
            table.row([
                binding.project.to_string(),
                binding.unit.to_string(),
                binding.account.as_ref().map_or("any", AccountName::as_str).to_owned(),
                whose,
                by,
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

/// Whose runs were read in which stretch, and by whom, in order.
fn stretches(binding: &BindingCoverage) -> Vec<(String, String, Window)> {
    let coverage = &binding.coverage;
    let whole =
        coverage.whole.iter().map(|window| ("everybody".to_owned(), readers(&coverage.whole_by, window), *window));
    let own = coverage.own.iter().flat_map(|(user, windows)| {
        let (runs_of, by) = (format!("{user} only"), reader(user.as_str(), Some(ReaderRights::Own)));
        windows.iter().map(move |window| (runs_of.clone(), by.clone(), *window))
    });
    let unread = coverage.unread.iter().map(|window| ("nobody: not read".to_owned(), "-".to_owned(), *window));
    let mut stretches: Vec<_> = whole.chain(own).chain(unread).collect();
    stretches.sort_by_key(|(_, _, window)| (window.from, window.to));
    stretches
}

/// Who read everybody's runs of some part of a stretch, with their rights: `cleo (coordinator)`.
fn readers(by: &[WholeReader], stretch: &Window) -> String {
    let touches = |window: &Window| window.from < stretch.to && stretch.from < window.to;
    let readers = by.iter().filter(|known| known.windows.iter().any(touches));
    readers.map(|known| reader(known.reader.as_str(), known.rights)).collect::<Vec<_>>().join(", ")
}
