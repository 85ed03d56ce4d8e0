//! `pakt ledger imports`

use crate::commands::{Context, view};
use crate::{
    failure::Failure,
    output::{Answer, Table, hold, instant},
};
use model::Amount;
use serde_json::json;

/// Lists what was imported: who reads the same file gets the same rows, sums and digest.
pub(super) async fn run(context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let book = house.needed_book("the imports were not listed").await?;
    let imports = book.imports().await.map_err(|error| view::unread(&error))?;
    let json = json!({ "version": 1, "imports": imports });
    if imports.is_empty() {
        return Ok(Answer::new("nothing was imported yet: `pakt ledger import`\n", json));
    }
    let mut table = Table::new(&[
        "number",
        "entry",
        "entered",
        "asked",
        "rows",
        "from",
        "to",
        "control totals",
        "blake3",
        "command",
    ]);
    for record in &imports {
        let batch = &record.batch;
        let totals = batch.totals.iter().map(|total| {
            let amount = total.milli.parse().map(|milli| hold(&total.unit, Amount::from_milli(milli)));
            amount.unwrap_or_else(|_| format!("{} milli-seconds of {}", total.milli, total.unit))
        });
        table.row([
            record.number.to_string(),
            record.entry.map_or_else(|| "-".to_owned(), |entry| entry.to_string()),
            instant(record.recorded_at),
            instant(batch.observed_at),
            batch.rows.to_string(),
            view::instant_or(batch.window.map(|window| window.from), "-"),
            view::instant_or(batch.window.map(|window| window.to), "-"),
            totals.collect::<Vec<_>>().join(", "),
            batch.digest.chars().take(SHOWN_DIGITS).collect(),
            batch.command.clone(),
        ]);
    }
    Ok(Answer::new(table.text(), json))
}

/// So many digits of a digest tell files apart; `--json` has all.
const SHOWN_DIGITS: usize = 12;
