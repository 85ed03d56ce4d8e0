//! `pakt ledger import`.

use crate::commands::Context;
use crate::{
    failure::Failure,
    output::{Answer, hold, instant},
    wiring,
};
use jobs::{
    Gravity,
    import::{ImportReport, ImportWish, Listed, import},
    settle::{Counts, SettledAmount},
};
use model::{Amount, ClusterName, Timestamp, Unit, Zone};
use serde_json::json;
use std::path::{Path, PathBuf};

const NOTHING: &str = "nothing was imported";

/// Arguments of `ledger import`.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// What `sacct` printed, with its titles; `-` reads from a pipe
    pub file: PathBuf,
    /// When `sacct` was asked (2026-11-23T22:14:00Z, or seconds since 1970); now without it, where a pipe is read
    #[arg(long, value_name = "TIME")]
    pub observed_at: Option<Timestamp>,
    /// The cluster of all rows, whatever stands in their column `Cluster`
    #[arg(long)]
    pub cluster: Option<ClusterName>,
    /// The time zone of times that have none (Europe/Berlin)
    #[arg(long)]
    pub zone: Option<Zone>,
}

/// Imports a file. What could not be taken in is told in any case, and ends the program with 5: somebody has to look.
pub(super) async fn run(arguments: Import, context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
    let observed_at = match arguments.observed_at {
        Some(at) => at,
        None if is_pipe(&arguments.file) => house.clock.now(),
        None => {
            let why = "of two readings of a run the later one counts, and a file does not say when it was made";
            let next = "say when `sacct` was run, such as `--observed-at 2026-11-23T22:14:00Z`";
            return Err(Failure::usage(NOTHING, why, next));
        }
    };
    let command = command(&arguments, &house.here, observed_at);
    let source = wiring::input(&arguments.file, NOTHING)?;
    let Import { cluster, zone, .. } = arguments;
    let report = import(&house, ImportWish { command, cluster, observed_at, zone }, source).await?;
    let answer = Answer::new(text(&report), json!({ "version": 1, "imported": report })).with_notes(notes(&report));
    if report.is_complete() {
        return Ok(answer);
    }
    context.screen.shown_in_full(&answer);
    Err(incomplete(&report))
}

fn is_pipe(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The command, for the books; with the time that was meant where none was named.
fn command(arguments: &Import, site: &model::SiteName, observed_at: Timestamp) -> String {
    let mut words = format!("ledger import {} --site {site} --observed-at {observed_at}", arguments.file.display());
    if let Some(cluster) = &arguments.cluster {
        words.push_str(&format!(" --cluster {cluster}"));
    }
    if let Some(zone) = &arguments.zone {
        words.push_str(&format!(" --zone {zone}"));
    }
    words
}

fn incomplete(report: &ImportReport) -> Failure {
    let (rows, runs) = (report.rejected.count, report.not_priced.count);
    let why = format!("{rows} rows were not taken in, and {runs} runs have no price: no balance counts their hours");
    let next = "look at the warnings, mend what can be mended, and import the file again: what is known stays as it is";
    Failure { gravity: Gravity::Unknown, ..Failure::usage("not everything was imported", why, next) }
}

fn text(report: &ImportReport) -> String {
    let ImportReport { site, rows, steps, not_started, running, counts, not_priced, rejected, .. } = report;
    let Counts { new, same, corrected, unattributed, settled } = counts;
    let mut text = format!(
        "{site}: {rows} rows: {new} newly charged, {same} known, {corrected} corrected, {unattributed} unattributed, \
         {} without a price, {} rejected; {running} still ran, {not_started} never started; {steps} steps passed over\n",
        not_priced.count, rejected.count
    );
    for SettledAmount { project, unit, amount } in settled {
        text.push_str(&format!("  {project} was charged {}\n", hold(unit, *amount)));
    }
    for total in &report.totals {
        text.push_str(&format!("  control total of {} runs: {}\n", total.runs, amount(&total.unit, &total.milli)));
    }
    for job in &report.closed {
        text.push_str(&format!("  job {job} is over, its hold is closed\n"));
    }
    if let Some(window) = report.window {
        text.push_str(&format!("  from {} to {}\n", instant(window.from), instant(window.to)));
    }
    text.push_str(&format!("  blake3 {}\n", report.digest));
    text
}

/// A sum as hours, where it is an amount.
fn amount(unit: &Unit, milli: &str) -> String {
    milli
        .parse()
        .map_or_else(|_| format!("{milli} milli-seconds of {unit}"), |milli| hold(unit, Amount::from_milli(milli)))
}

fn notes(report: &ImportReport) -> Vec<String> {
    let mut notes = Vec::new();
    let mut warn = |what: &str, listed: &Listed| {
        notes.extend(listed.first.iter().map(|reason| format!("warning: {what}: {reason}")));
        let more = listed.count - listed.first.len() as u64;
        if more > 0 {
            notes.push(format!("warning: and {more} more"));
        }
    };
    warn("not taken in", &report.rejected);
    warn("not counted", &report.not_priced);
    notes
}
