//! `pakt settle`

use super::Context;
use crate::{
    failure::Failure,
    output::{Answer, instant},
};
use jobs::settle::{SettleOptions, SettleReport, settle};
use model::Timestamp;
use serde_json::json;

/// Arguments of `settle`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The runs of all users that are visible, as a coordinator does, instead of one's own
    #[arg(long)]
    pub all_users: bool,
    /// Look back to this day (YYYY-MM-DD) instead of to the last settlement
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
}

/// Settles.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let since = arguments.since.as_deref().map(day).transpose()?;
    let options = SettleOptions { since, all_users: arguments.all_users };
    let report = settle(&context.house()?, options).await?;
    Ok(Answer::new(text(&report), json!({ "version": 1, "settled": report })).with_notes(notes(&report)))
}

/// The start of the day of an instant, in the zone of this machine.
pub(super) fn start_of_day(at: Timestamp) -> Timestamp {
    let zone = jiff::tz::TimeZone::system();
    let start = jiff::Timestamp::from_second(at.epoch_seconds())
        .and_then(|instant| instant.to_zoned_datetime(zone).start_of_day())
        .map(|start| start.timestamp().as_second());
    start.map_or(at, Timestamp::from_epoch_seconds)
}

/// The start of a day in the zone of this machine.
pub(super) fn day(text: &str) -> Result<Timestamp, Failure> {
    let bad = |why: String| Failure::usage(format!("`{text}` is no day"), why, "write it as YYYY-MM-DD");
    let date: jiff::civil::Date = text.parse().map_err(|error: jiff::Error| bad(error.to_string()))?;
    let start = date.to_zoned_datetime(jiff::tz::TimeZone::system()).map_err(|error| bad(error.to_string()))?;
    Ok(Timestamp::from_epoch_seconds(start.timestamp().as_second()))
}

fn text(report: &SettleReport) -> String {
    let until = report.settled_until.map(instant).unwrap_or_default();
    let mut text = format!(
        "{}: {} new, {} known, {} corrected, {} unattributed; {} running, {} waiting; settled until {until}\n",
        report.place, report.new, report.same, report.corrected, report.unattributed, report.running, report.pending
    );
    for (place, amount) in &report.settled {
        text.push_str(&format!("  {place}: {} h\n", amount.hours()));
    }
    for job in &report.closed {
        text.push_str(&format!("  job {job} is over, its hold is closed\n"));
    }
    text
}

fn notes(report: &SettleReport) -> Vec<String> {
    let not_priced =
        report.not_priced.iter().map(|run| format!("warning: run {} was not counted: {}", run.run, run.reason));
    let rejected = report.rejected.iter().map(|row| format!("warning: a row of accounting was not understood: {row}"));
    let unknown = report
        .unknown
        .iter()
        .map(|job| format!("warning: neither queue nor accounting knows job {job}; its hold stays"));
    not_priced.chain(rejected).chain(unknown).collect()
}
