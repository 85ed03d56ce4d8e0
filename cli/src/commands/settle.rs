//! `pakt settle`

use super::{Context, bundle};
use crate::{
    failure::Failure,
    output::{Answer, changes, expiry, hold, instant},
};
use jobs::{
    Gravity, House,
    seal::{SealReport, seal},
    settle::{AmendedHold, Counts, LostJob, NotPriced, SettleOptions, SettleReport, settle},
};
use model::{JobId, RunKey, Timestamp, Zone, agreeing, counted};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `settle`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The runs of all users that are visible, as a coordinator does, instead of one's own
    #[arg(long)]
    pub all_users: bool,
    /// Look back at least to this day (YYYY-MM-DD); what was not settled yet is looked at in any case
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// Go on though the ledger was last written at a later time than this machine's clock shows
    #[arg(long)]
    pub trust_clock: bool,
    /// Write what accounting says into a signed file in this folder, for `pakt ledger merge`; needs no ledger
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}

/// Settles, and seals what is long over. What could not be taken in is told in any case, and ends the program with 5:
/// somebody has to look.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let since = arguments.since.as_deref().map(day).transpose()?;
    if let Some(since) = since {
        refuse_future("nothing was settled", since, house.clock.now())?;
    }
    let (answer, failure) = match arguments.bundle.as_deref() {
        None => settled(arguments, since, &house).await?,
        Some(folder) => {
            let written = bundle::written(folder, arguments.all_users, since, &house, context).await?;
            beside(written, arguments, since, &house, context).await?
        }
    };
    let Some(failure) = failure else { return Ok(answer) };
    context.screen.shown_in_full(&answer);
    Err(failure)
}

/// Settles into the ledger too, where there is one. Where that fails, what was written to the bundle is told all the same.
async fn beside(
    (written, not_written): (Answer, Option<Failure>),
    arguments: &Arguments,
    since: Option<Timestamp>,
    house: &House,
    context: &Context,
) -> Result<(Answer, Option<Failure>), Failure> {
    let settling = async {
        if house.book("the ledger was not settled").await?.is_none() {
            return Ok(None);
        }
        settled(arguments, since, house).await.map(Some)
    };
    let done: Result<Option<(Answer, Option<Failure>)>, Failure> = settling.await;
    match done {
        Ok(None) => Ok((written, not_written)),
        Ok(Some((mut answer, failure))) => {
            answer.text.push_str(&written.text);
            answer.json["bundle"] = written.json["bundle"].clone();
            Ok((answer.with_notes(written.notes), failure.or(not_written)))
        }
        Err(failure) => {
            context.screen.shown_in_full(&written);
            Err(failure)
        }
    }
}

/// Settles into the ledger; beside the answer why not everything was taken in, where that is so.
async fn settled(
    arguments: &Arguments,
    since: Option<Timestamp>,
    house: &House,
) -> Result<(Answer, Option<Failure>), Failure> {
    let options = SettleOptions { since, all_users: arguments.all_users, trust_clock: arguments.trust_clock };
    let report = settle(house, options).await?;
    // What is entered is entered: sealing is housekeeping, and may wait for the next time.
    let sealed = seal(house).await.unwrap_or_else(|error| SealReport {
        notes: vec![format!("no job was sealed: {}", error.why)],
        ..SealReport::default()
    });
    let json = json!({ "version": 1, "settled": report, "sealed": sealed.sealed });
    let told = notes(&report).into_iter().chain(sealed.notes.iter().map(|note| format!("note: {note}")));
    let answer = Answer::new(text(&report, &sealed), json).with_notes(told);
    Ok((answer, (!report.is_complete()).then(|| incomplete(&report))))
}

fn incomplete(report: &SettleReport) -> Failure {
    let (rows, runs) = (report.rejected.len() as u64, report.not_priced.len() as u64);
    let why = format!(
        "{} of accounting {} not taken in, and {} no price: no balance counts their hours",
        counted(rows, "row"),
        agreeing(rows, "was", "were"),
        without_price(runs)
    );
    let next = "look at the warnings; `pakt ledger unattributed` lists the runs; every `pakt settle` tries them again";
    Failure { gravity: Gravity::Unknown, ..Failure::usage("not everything was settled", why, next) }
}

/// So many runs that have no price.
pub(super) fn without_price(runs: u64) -> String {
    format!("{} {}", counted(runs, "run"), agreeing(runs, "has", "have"))
}

/// Refuses to look back to a day that has not begun: nothing lies between it and now.
pub(super) fn refuse_future(what: &str, since: Timestamp, now: Timestamp) -> Result<(), Failure> {
    if since < now {
        return Ok(());
    }
    let why = format!("`--since` begins at {}, and it is {}: no time lies between them", instant(since), instant(now));
    Err(Failure::usage(what, why, "write an earlier day behind `--since`"))
}

/// The start of a day in the zone of this machine.
pub(super) fn day(text: &str) -> Result<Timestamp, Failure> {
    day_in(text, &Zone::from(jiff::tz::TimeZone::system()))
}

/// The start of a day in a zone.
pub(super) fn day_in(text: &str, zone: &Zone) -> Result<Timestamp, Failure> {
    let bad = |why: &str| Failure::usage(format!("`{text}` is no day"), why, "write it as YYYY-MM-DD");
    let date: jiff::civil::Date =
        text.parse().map_err(|_| bad("it is not a year, a month and a day that the calendar has"))?;
    let start = date.to_zoned_datetime(zone.rules().clone()).map_err(|_| bad("it lies too far from today"))?;
    Ok(Timestamp::from_epoch_seconds(start.timestamp().as_second()))
}

fn text(report: &SettleReport, sealed: &SealReport) -> String {
    let until = report.settled_until.map(instant).unwrap_or_default();
    let SettleReport { place, unattributed_in_all, running, pending, .. } = report;
    let Counts { new, same, corrected, unattributed, .. } = &report.counts;
    let mut text = format!(
        "{place}: runs: {new} newly charged, {same} known, {corrected} corrected; \
         unattributed runs: {unattributed} new, {unattributed_in_all} in all; \
         jobs: {running} running, {pending} waiting; settled until {until}\n"
    );
    text.push_str(&changes(&report.counts));
    for due in &report.expired {
        text.push_str(&format!("  {}\n", expiry(due)));
    }
    for AmendedHold { job, unit, ceiling, why } in &report.amended {
        text.push_str(&format!("  job {job}: {why}; its hold is {} now\n", hold(unit, *ceiling)));
    }
    for job in &report.closed {
        text.push_str(&format!("  job {job} is over, its hold is closed\n"));
    }
    for LostJob { job, since, is_forgotten } in &report.lost {
        let why = if *is_forgotten {
            format!("the scheduler forgot job {job} (its number is another job's)")
        } else {
            format!("nobody has known job {job} since {}", instant(*since))
        };
        text.push_str(&format!("  {why}: it is lost, and its hold is given back\n"));
    }
    if !sealed.sealed.is_empty() {
        let count = sealed.sealed.len();
        let (jobs, were) = (counted(count, "finished job"), agreeing(count, "was", "were"));
        text.push_str(&format!("  {jobs} {were} sealed, each into one archive\n"));
    }
    text
}

/// A run as people know it.
fn named(run: &RunKey) -> String {
    format!("the run of job {} on {}, submitted {},", run.scheduler_job, run.cluster, instant(run.submitted_at))
}

/// So many warnings of a kind are told; the rest is counted.
const MOST_WARNINGS: usize = 20;

fn notes(report: &SettleReport) -> Vec<String> {
    let mut notes = Vec::new();
    let mut warn = |what: &str, found: Vec<String>| {
        let count = found.len();
        notes.extend(found.into_iter().take(MOST_WARNINGS).map(|text| format!("warning: {text}")));
        if count > MOST_WARNINGS {
            notes.push(format!("warning: and {} more {what}; `--json` has them all", count - MOST_WARNINGS));
        }
    };
    let SettleReport { not_priced, rejected, runaway, unknown, unsent, .. } = report;
    let uncounted = |run: &NotPriced| format!("{} is not counted: {}", named(&run.run), run.reason);
    warn("such runs", not_priced.iter().map(uncounted).collect());
    warn("such rows", rejected.iter().map(|row| format!("not taken in: {row}")).collect());
    let lost = |run: &RunKey| {
        format!(
            "accounting says that {} goes on, long after its limit, and the queue does not know it: what became of it is unknown, and it counts up to its limit",
            named(run)
        )
    };
    warn("such runs", runaway.iter().map(lost).collect());
    let nobody = |job: &JobId| {
        format!("neither queue nor accounting knows job {job}; its hold stays, and `pakt show {job}` says until when")
    };
    warn("such jobs", unknown.iter().map(nobody).collect());
    let begun = |job: &JobId| {
        format!(
            "job {job} was begun and never sent; its hold stays: `pakt submit` of the same file goes on, `pakt cancel {job}` gives it back"
        )
    };
    warn("such jobs", unsent.iter().map(begun).collect());
    if report.uncounted > 0 {
        let count = report.uncounted;
        notes.push(format!(
            "note: {count} running or waiting jobs have no price here, so that no balance counts them yet"
        ));
    }
    notes.extend(report.notes.iter().map(|note| format!("note: {note}")));
    notes
}
