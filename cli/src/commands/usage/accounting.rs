//! `pakt usage --mine`: what accounting says, without a ledger.

use super::Arguments;
use crate::commands::{
    Context,
    settle::{day, refuse_future},
};
use crate::{
    failure::Failure,
    output::{Answer, Table, charge, instant},
};
use jobs::usage::Whose;
use model::{Window, agreeing, counted};
use serde_json::json;

/// Shows usage.
pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look().await?;
    let to = house.clock.now().plus_seconds(1);
    let from = arguments.since.as_deref().map(day).transpose()?.unwrap_or(to.plus_seconds(-30 * 86_400));
    refuse_future("no usage was shown", from, to)?;
    let whose = if arguments.all_users { Whose::visible() } else { Whose::mine() };
    let usage = jobs::usage::usage(&house, Window { from, to }, whose).await?;
    let mut table =
        Table::new(&["account", "state", "runs", "GPU time", "node time", "site charge"]).right(&[2, 3, 4, 5]);
    let shown = |part: &Option<model::Charge>| part.as_ref().map_or_else(|| "-".to_owned(), charge);
    for row in &usage.rows {
        let account = row.account.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        table.row([
            account,
            row.state.clone(),
            row.runs.to_string(),
            shown(&row.gpu),
            shown(&row.node),
            shown(&row.site),
        ]);
    }
    let head = format!("from accounting, {} to {}\n", instant(from), instant(to));
    let rows = if usage.rows.is_empty() { "no runs\n".to_owned() } else { table.text() };
    let mut notes = Vec::new();
    if usage.not_priced > 0 {
        notes.push(format!(
            "note: {} could not be counted: no tariff is known, or the row makes no sense",
            counted(usage.not_priced, "run")
        ));
    }
    if usage.rejected > 0 {
        notes.push(format!(
            "note: {} of accounting {} not understood",
            counted(usage.rejected, "row"),
            agreeing(usage.rejected, "was", "were")
        ));
    }
    Ok(Answer::new(format!("{head}{rows}"), json!({ "version": 1, "usage": usage })).with_notes(notes))
}
