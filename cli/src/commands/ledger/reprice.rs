//! `pakt ledger reprice`

use super::day_in_or;
use crate::commands::Context;
use crate::{
    failure::Failure,
    output::{Answer, changes},
};
use jobs::reprice::{RepriceReport, reprice};
use model::{Timestamp, Window, agreeing, counted};
use serde_json::json;

/// Arguments of `ledger reprice`.
#[derive(Debug, clap::Args)]
pub(crate) struct Reprice {
    /// Runs that ended on this day or later (YYYY-MM-DD); all without it
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Runs that ended before this day
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// Only count what would change
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn run(arguments: Reprice, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let zone = house.accounting_zone(&house.here)?;
    let from = day_in_or(arguments.from.as_deref(), &zone, Timestamp::from_epoch_seconds(0))?;
    let to = day_in_or(arguments.until.as_deref(), &zone, house.clock.now().plus_seconds(1))?;
    let report = reprice(&house, Window { from, to }, arguments.dry_run).await?;
    let RepriceReport { seen, changed, without_tariff, by_later_tariff, rejected, .. } = &report;
    let word = if arguments.dry_run { "would be" } else { agreeing(*changed, "was", "were") };
    let head = format!("{}: {} looked at, {changed} {word} priced anew\n", house.here, counted(*seen, "run"));
    let text = head + &changes(&report.counts);
    let mut notes: Vec<String> =
        rejected.iter().map(|(run, reason)| format!("warning: run {run} was not: {reason}")).collect();
    if *without_tariff > 0 {
        let (runs, have) = (counted(*without_tariff, "run"), agreeing(*without_tariff, "has", "have"));
        let keep = agreeing(*without_tariff, "keeps its", "keep their");
        notes.push(format!("note: {runs} {have} no tariff in the profile any more, and {keep} price"));
    }
    if *by_later_tariff > 0 {
        notes.push(format!(
            "note: {} {} priced by a later tariff than the profile's, and {} price; \
             where the profile is right, give its tariff the later `as_of`",
            counted(*by_later_tariff, "run"),
            agreeing(*by_later_tariff, "is", "are"),
            agreeing(*by_later_tariff, "keeps its", "keep their")
        ));
    }
    Ok(Answer::new(text, json!({ "version": 1, "repriced": report })).with_notes(notes))
}
