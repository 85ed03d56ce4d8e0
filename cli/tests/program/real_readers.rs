//! Whoever reads the runs of a cluster, and in whichever order, the ledger says the same of them.

use crate::{
    desk::Desk,
    real_jupiter::{charged, text},
    way::Way,
};
use lab::{Cluster, User, wait_until};
use serde_json::{Value, json};
use std::{collections::BTreeMap, rc::Rc, time::Duration};

const PATIENCE: Duration = Duration::from_mins(3);
/// No other test has jobs of Cleo's on jupiter: what the counts say is of this one.
const USER: User = User::Cleo;
/// As docs/guides/operator.md has them.
const COLUMNS: &str = "--format=JobIDRaw,JobID,Cluster,User,Account,Partition,State,ExitCode,Submit,Start,End,ElapsedRaw,\
                       TimelimitRaw,AllocNodes,AllocTRES,Comment,JobName";

/// Who reads.
#[derive(Clone, Copy, Debug)]
enum Reader {
    /// A settlement, by one of the ways to Slurm.
    Settlement(Way),
    /// An import of what `sacct` printed.
    File,
    /// An import that asks accounting.
    Accounting,
}

const READERS: [Reader; 5] = [
    Reader::Settlement(Way::Commands),
    Reader::Settlement(Way::Library),
    Reader::File,
    Reader::Accounting,
    Reader::Settlement(Way::Rest),
];

/// What is read: since a day, of the user's own.
struct Span {
    since: String,
}

impl Reader {
    /// Reads into the desk's ledger; how many runs were new, and how many corrected.
    fn read(self, cluster: &Cluster, desk: &Desk, span: &Span) -> (u64, u64) {
        let since = span.since.as_str();
        let told = match self {
            Self::Settlement(way) => {
                way.take(cluster, desk, USER);
                way.is_gone(desk);
                desk.json(&["settle", "--since", since])["settled"].clone()
            }
            Self::File => {
                let sacct = ["env", "SLURM_TIME_FORMAT=%s", "sacct", "-X", "-D", "--parsable2", "--noconvert"];
                let own = ["--user", USER.name(), "--starttime", since, "--endtime", "now", COLUMNS];
                let printed = desk.tool(&[&sacct[..], &own].concat());
                desk.write("runs.psv", &format!("{printed}\n"));
                let now = desk.tool(&["date", "+%s"]);
                let import = ["ledger", "import", "runs.psv", "--observed-at", &now, "--read-as", "self"];
                desk.json(&[&import[..], &["--since", since]].concat())["imported"].clone()
            }
            Self::Accounting => {
                Way::Commands.take(cluster, desk, USER);
                desk.json(&["ledger", "import", "--from", "slurm", "--since", since])["imported"].clone()
            }
        };
        let count = |field: &str| told[field].as_u64().unwrap_or_else(|| panic!("{self:?}: no {field}: {told}"));
        (count("new"), count("corrected"))
    }
}

/// What the ledger has posted for runs.
fn entries_of_runs(desk: &Desk) -> Vec<Value> {
    let is_of_run = |entry: &Value| !entry["links"]["run"].is_null();
    desk.exported().into_iter().filter(is_of_run).collect()
}

/// The same without what every ledger has of its own: numbers, the time of posting, and what orders entries.
fn without_place(entries: &[Value]) -> Vec<String> {
    const SHARED: [&str; 11] = [
        "kind",
        "unit",
        "amount",
        "debit",
        "credit",
        "project",
        "effective_at",
        "tariff",
        "particulars",
        "ran_by",
        "ran",
    ];
    let told = |entry: &Value| {
        let mut told: BTreeMap<&str, &Value> = SHARED.iter().map(|field| (*field, &entry[*field])).collect();
        told.insert("run", &entry["links"]["run"]);
        json!(told).to_string()
    };
    let mut all: Vec<String> = entries.iter().map(told).collect();
    all.sort();
    all
}

fn sbatch(desk: &Desk, words: &[&str]) -> String {
    let always = ["sbatch", "--parsable", "--account=atlas", "--nodes=1", "--time=00:05:00", "--output=/dev/null"];
    desk.tool(&[&always[..], words].concat())
}

fn states(desk: &Desk, jobs: &str) -> Vec<String> {
    let rows = desk.tool(&["sacct", "-nXPD", "--format=State", "--jobs", jobs]);
    rows.lines().map(str::to_owned).collect()
}

/// A job that was requeued, an array, a heterogeneous job and one that was cancelled while it ran, all over and whole in
/// accounting: as `sacct` takes their ids.
fn jobs_of_all_sorts(cluster: &Cluster, desk: &Desk) -> String {
    let twice = "--wrap=[ \"$SLURM_RESTART_COUNT\" = 1 ] && exec sleep 1.2; sleep 600";
    let requeued = sbatch(desk, &["--requeue", "--job-name=requeued", twice]);
    let cancelled = sbatch(desk, &["--job-name=cancelled", "--wrap=sleep 600"]);
    // Slurm numbers the rows of a job in accounting some seconds after its start: before that its first start may be lost.
    let runs = |job: &str| states(desk, job).contains(&"RUNNING".to_owned()).then_some(());
    wait_until("the start of the one to cancel", PATIENCE, || runs(&cancelled)).expect("it starts");
    desk.tool(&["scancel", &cancelled]);
    wait_until("the start of the one to requeue", PATIENCE, || runs(&requeued)).expect("it starts");
    desk.tool(&["scontrol", "requeue", &requeued]);
    let soon = || cluster.scontrol(["update", &format!("JobId={requeued}"), "StartTime=now+5"]).ok().map(drop);
    wait_until("the requeued job in the queue", PATIENCE, soon).expect("it waits for its second start");
    // Only now: what wants two nodes at once keeps others from their start for as long as it waits.
    let array = sbatch(desk, &["--array=0-2", "--job-name=array", "--wrap=sleep 1.2"]);
    let part = "#SBATCH --account=atlas --nodes=1 --time=00:05:00 --output=/dev/null";
    desk.write("parts.sh", &format!("#!/bin/bash\n{part}\n#SBATCH hetjob\n{part}\nsleep 1.2\n"));
    let heterogeneous = desk.tool(&["sbatch", "--parsable", "parts.sh"]);
    let all = [requeued, cancelled, array, heterogeneous].join(",");
    let are_whole = || {
        let format = "--format=State,End,AllocTRES,SubmitLine";
        let rows = desk.tool(&["sacct", "-nXPD", format, "--jobs", &all]);
        let is_whole = |row: &str| {
            let fields: Vec<&str> = row.split('|').collect();
            !matches!(fields[0], "PENDING" | "RUNNING") && fields[1] != "Unknown" && !fields[2..].contains(&"")
        };
        (rows.lines().count() == 8 && rows.lines().all(is_whole)).then_some(())
    };
    wait_until("their ends in accounting", PATIENCE, are_whole)
        .unwrap_or_else(|error| panic!("{error}\n{}", desk.tool(&["sacct", "-XPD", "--jobs", &all])));
    all
}

/// What each of the jobs' runs has to be charged, by the raw id of its job: four GPUs of each node for its seconds.
fn expected(desk: &Desk, jobs: &str) -> BTreeMap<String, i64> {
    let rows = desk.tool(&["sacct", "-nXPD", "--format=JobIDRaw,ElapsedRaw,AllocNodes", "--jobs", jobs]);
    let mut charges = BTreeMap::new();
    for row in rows.lines() {
        let fields: Vec<&str> = row.split('|').collect();
        let [seconds, nodes] = [1, 2].map(|field| fields[field].parse::<i64>().expect("a number"));
        *charges.entry(fields[0].to_owned()).or_default() += 4 * seconds * nodes * 1000;
    }
    charges
}

#[test]
fn real_the_same_runs_by_every_reader_are_the_same() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desks = [(); 2].map(|()| Desk::at_with_grant(&cluster, USER, "atlas", "jupiter:gh200", "1000"));
    let jobs = jobs_of_all_sorts(&cluster, &desks[0]);
    let expected = expected(&desks[0], &jobs);
    assert_eq!(expected.len(), 7, "the two starts of the requeued one have one id: {expected:?}");
    let span = Span { since: desks[0].tool(&["date", "--utc", "--date=yesterday", "+%F"]) };
    let mut first = READERS.to_vec();
    let mut last = first.clone();
    last.reverse();
    let posted = [(&desks[0], &mut first), (&desks[1], &mut last)].map(|(desk, readers)| {
        let mut readers = readers.iter();
        let earliest = readers.next().expect("somebody reads first");
        let (new, corrected) = earliest.read(&cluster, desk, &span);
        assert!(new >= 8 && corrected == 0, "{earliest:?}: {new} new, {corrected} corrected");
        for (job, amount) in &expected {
            assert_eq!(charged(desk, job), *amount, "{earliest:?}: {job}");
        }
        let entries = entries_of_runs(desk);
        for later in readers {
            assert_eq!(later.read(&cluster, desk, &span), (0, 0), "{later:?} after {earliest:?}: new and corrected");
            assert_eq!(entries_of_runs(desk), entries, "{later:?} after {earliest:?}");
        }
        assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
        without_place(&entries)
    });
    assert_eq!(posted[0], posted[1], "in either order");
    let kinds: Vec<Value> = entries_of_runs(&desks[0]).iter().map(|entry| entry["kind"].clone()).collect();
    assert!(kinds.iter().all(|kind| text(kind) == "settle"), "{kinds:?}");
}
