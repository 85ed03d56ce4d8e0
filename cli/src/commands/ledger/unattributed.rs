//! `pakt ledger unattributed`

use crate::commands::{Context, view};
use crate::{
    failure::Failure,
    output::{Answer, Table, gaps, instant, price_lines},
    wiring::{RunPrice, UnattributedReason, UnattributedRun},
};
use model::{AccountName, PartitionName};
use serde_json::json;

/// Lists the runs.
pub(super) async fn run(context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let book = house.needed_book("the runs were not listed").await?;
    let runs = book.unattributed().await.map_err(|error| view::unread(&error))?;
    let missing = jobs::coverage::all_gaps(&house).await?;
    let (json, lacks) = (json!({ "version": 1, "unattributed": runs, "gaps": missing }), gaps(&missing));
    if runs.is_empty() {
        let all = if lacks.is_none() {
            "every run belongs to a project\n"
        } else {
            "every run that was read belongs to a project\n"
        };
        return Ok(Answer::new(all, json).with_notes(lacks));
    }
    let mut table = Table::new(&["job", "cluster", "user", "account", "partition", "started", "ended", "price", "why"]);
    for found in &runs {
        table.row(row(found));
    }
    let next = "next: `pakt ledger bind PROJECT --unit UNIT --account ACCOUNT --from DAY`, a day before they started\n";
    Ok(Answer::new(format!("{}{next}", table.text()), json).with_notes(lacks))
}

fn row(found: &UnattributedRun) -> [String; 9] {
    let run = &found.run;
    let price = match &found.price {
        RunPrice::Known(price) => price_lines(price),
        RunPrice::Unknown(why) => format!("none: {why}"),
    };
    [
        run.shown_id.clone(),
        run.key.cluster.to_string(),
        run.user.to_string(),
        run.account.as_ref().map_or("-", AccountName::as_str).to_owned(),
        run.partition.as_ref().map_or("-", PartitionName::as_str).to_owned(),
        instant(run.started_at),
        view::instant_or(run.ended_at, "-"),
        price,
        match &found.reason {
            UnattributedReason::NotBound => "no binding".to_owned(),
            UnattributedReason::RulesDisagree => "two rules disagree".to_owned(),
            UnattributedReason::NotPriced(unit) => format!("not in {unit}"),
        },
    ]
}
