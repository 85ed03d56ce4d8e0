//! `pakt ledger import`.

use super::file::refuse_place;
use crate::commands::{
    Context,
    settle::{day_in, refuse_future, without_price},
};
use crate::{
    failure::Failure,
    output::{Answer, changes, hold, instant},
    wiring,
};
use jobs::{
    Gravity, House,
    import::{Asked, ImportReport, ImportWish, Listed, LiveWish, Rights, import, import_live, whose},
    settle::Counts,
};
use model::{Amount, ClusterName, Timestamp, Unit, UserName, Zone, agreeing, counted};
use serde_json::json;
use std::path::{Path, PathBuf};

const NOTHING: &str = "nothing was imported";

/// Arguments of `ledger import`.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// What `sacct` printed, with its titles; `-` reads from a pipe
    #[arg(required_unless_present = "from")]
    pub file: Option<PathBuf>,
    /// Ask accounting now, instead of reading a file
    #[arg(long, value_name = "WHERE", conflicts_with_all = ["file", "observed_at", "cluster", "zone", "read_as", "until"], requires = "since")]
    pub from: Option<From>,
    /// When `sacct` was asked (2026-11-23T22:14:00Z, or seconds since 1970); now without it, where a pipe is read
    #[arg(long, value_name = "TIME")]
    pub observed_at: Option<Timestamp>,
    /// The cluster of all rows, whatever stands in their column `Cluster`
    #[arg(long)]
    pub cluster: Option<ClusterName>,
    /// The time zone of times that have none (Europe/Berlin)
    #[arg(long)]
    pub zone: Option<Zone>,
    /// What whoever asked could see; without it the runs count, and the file is not noted as read
    #[arg(long, value_name = "RIGHTS")]
    pub read_as: Option<ReadAs>,
    /// Who asked; you without it
    #[arg(long, value_name = "USER", requires = "read_as")]
    pub read_by: Option<UserName>,
    /// Since when accounting is or was asked (a day, or a time as above); of a file, its first end without it
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Until when it was asked; the last end in the file without it
    #[arg(long, value_name = "TIME", requires = "read_as")]
    pub until: Option<String>,
    /// With `--from slurm`, the runs of all users that are visible, as a coordinator does, instead of one's own
    #[arg(long, requires = "from")]
    pub all_users: bool,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum From {
    /// The site's Slurm
    Slurm,
}

/// The rights of whoever made a file.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum ReadAs {
    /// Their own runs
    #[value(name = "self")]
    Own,
    /// Everybody's runs of the accounts in the file
    Coordinator,
    /// Every run of the cluster
    Site,
}

/// Imports a file, or what accounting answers. What could not be taken in is told in any case, and ends the program with 5:
/// somebody has to look.
pub(super) async fn run(arguments: Import, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let report = match &arguments.file {
        Some(file) => from_file(file, &arguments, &house).await?,
        None => from_slurm(&arguments, &house).await?,
    };
    let answer = Answer::new(text(&report), json!({ "version": 1, "imported": report })).with_notes(notes(&report));
    if report.is_complete() {
        return Ok(answer);
    }
    context.screen.shown_in_full(&answer);
    Err(incomplete(&report))
}

async fn from_file(file: &Path, arguments: &Import, house: &House) -> Result<ImportReport, Failure> {
    refuse_place(NOTHING, file, "name what `sacct` printed, or `-` for standard input")?;
    let observed_at = match arguments.observed_at {
        Some(at) => at,
        None if is_pipe(file) => house.clock.now(),
        None => {
            let why = "of two readings of a run the later one counts, and a file does not say when it was made";
            let next = "say when `sacct` was run, such as `--observed-at 2026-11-23T22:14:00Z`";
            return Err(Failure::usage(NOTHING, why, next));
        }
    };
    let asked = asked(arguments, house)?;
    let command = command(file, arguments, &house.here, observed_at);
    let source = wiring::input(file, NOTHING)?;
    let (cluster, zone) = (arguments.cluster.clone(), arguments.zone.clone());
    Ok(import(house, ImportWish { command, cluster, observed_at, zone, asked }, source).await?)
}

async fn from_slurm(arguments: &Import, house: &House) -> Result<ImportReport, Failure> {
    let Some(since) = arguments.since.as_deref().map(|text| time(text, house)).transpose()? else {
        return Err(Failure::usage(NOTHING, "neither a file nor a time was named", "write `--since DAY`"));
    };
    refuse_future(NOTHING, since, house.clock.now())?;
    let all_users = arguments.all_users;
    let words = if all_users { " --all-users" } else { "" };
    let command = format!("ledger import --from slurm --site {} --since {since}{words}", house.here);
    Ok(import_live(house, LiveWish { command, since, all_users }).await?)
}

/// What is said of how the file was made.
fn asked(arguments: &Import, house: &House) -> Result<Option<Asked>, Failure> {
    let bound = |text: &Option<String>| text.as_deref().map(|text| time(text, house)).transpose();
    let (since, until) = (bound(&arguments.since)?, bound(&arguments.until)?);
    let Some(read_as) = arguments.read_as else {
        let unused = since.map(|_| {
            let why = "`--since` says what a file covers, and nobody says who asked";
            Failure::usage(NOTHING, why, "write `--read-as self`, `coordinator` or `site`, or leave `--since` out")
        });
        return unused.map_or(Ok(None), Err);
    };
    if let (Some(since), Some(until)) = (since, until)
        && until <= since
    {
        let why = format!("no time lies between {} and {}", instant(since), instant(until));
        return Err(Failure::usage(NOTHING, why, "write a later time behind `--until`"));
    }
    let rights = match read_as {
        ReadAs::Own => Rights::Own,
        ReadAs::Coordinator => Rights::Accounts,
        ReadAs::Site => Rights::Cluster,
    };
    let by = arguments.read_by.clone().unwrap_or_else(|| house.principal.user.clone());
    Ok(Some(Asked { by, rights, since, until }))
}

/// A time, or the start of a day in the zone of the site's accounts, in which its grants begin too.
fn time(text: &str, house: &House) -> Result<Timestamp, Failure> {
    let zone = house.accounting_zone(&house.here)?;
    text.parse().or_else(|_| day_in(text, &zone))
}

fn is_pipe(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The command, for the books; with the time that was meant where none was named.
fn command(file: &Path, arguments: &Import, site: &model::SiteName, observed_at: Timestamp) -> String {
    let mut words = format!("ledger import {} --site {site} --observed-at {observed_at}", file.display());
    let mut add = |option: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push_str(&format!(" --{option} {value}"));
        }
    };
    add("cluster", arguments.cluster.as_ref().map(ToString::to_string));
    add("zone", arguments.zone.as_ref().map(ToString::to_string));
    let rights = |read_as: ReadAs| match read_as {
        ReadAs::Own => "self",
        ReadAs::Coordinator => "coordinator",
        ReadAs::Site => "site",
    };
    add("read-as", arguments.read_as.map(|read_as| rights(read_as).to_owned()));
    add("read-by", arguments.read_by.as_ref().map(ToString::to_string));
    add("since", arguments.since.clone());
    add("until", arguments.until.clone());
    words
}

fn incomplete(report: &ImportReport) -> Failure {
    let (rows, runs) = (report.rejected.count, report.not_priced.count);
    let (rows, were) = (counted(rows, "row"), agreeing(rows, "was", "were"));
    let why =
        format!("{rows} {were} not taken in, and {} no price: no balance counts their hours", without_price(runs));
    let next = "look at the warnings, mend what can be mended, and import the file again: what is known stays as it is";
    Failure { gravity: Gravity::Unknown, ..Failure::usage("not everything was imported", why, next) }
}

fn text(report: &ImportReport) -> String {
    let ImportReport { site, rows, steps, not_started, running, counts, not_priced, rejected, .. } = report;
    let Counts { new, same, corrected, unattributed, .. } = counts;
    let mut text = format!(
        "{site}: {}: {new} newly charged, {same} known, {corrected} corrected, {unattributed} unattributed, \
         {} without a price, {} rejected; {running} still ran, {not_started} never started; {} passed over\n",
        counted(*rows, "row"),
        not_priced.count,
        rejected.count,
        counted(*steps, "step")
    );
    text.push_str(&changes(counts));
    for total in &report.totals {
        text.push_str(&format!(
            "  control total of {}: {}\n",
            counted(total.runs, "run"),
            amount(&total.unit, &total.milli)
        ));
    }
    for job in &report.closed {
        text.push_str(&format!("  job {job} is over, its hold is closed\n"));
    }
    if let Some(window) = report.window {
        text.push_str(&format!("  from {} to {}\n", instant(window.from), instant(window.to)));
    }
    for read in &report.coverage {
        let (from, to) = (instant(read.window.from), instant(read.window.to));
        text.push_str(&format!("  noted as read on {}: {}, ended from {from} to {to}\n", read.cluster, whose(read)));
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
    warn("not ended", &report.runaway);
    if report.runaway.count > 0 {
        notes.push(format!(
            "note: that is long after {} limit, and what became of {} is unknown: no run is charged before accounting has its end, \
             which the site's operators mend (`sacctmgr show runawayjobs`)",
            agreeing(report.runaway.count, "its", "their"),
            agreeing(report.runaway.count, "it", "them")
        ));
    }
    if report.coverage.is_empty() && report.window.is_some() {
        let why = if report.rejected.count == 0 {
            "`--read-as` says who asked and what they could see"
        } else {
            "a row is missing"
        };
        notes.push(format!("note: nothing was noted as read, and `pakt ledger coverage` shows the gap: {why}"));
    }
    notes.extend(report.notes.iter().map(|note| format!("note: {note}")));
    notes
}
