//! Recorded accounting of two releases, brought into the shape that is asked for.

use super::*;
use crate::{JobForm, slurm::rest::accounting as rest};
use model::{BaseState, EvidenceClass, GpuCount, Run, WallTime};
use proptest::prelude::*;
use std::collections::BTreeMap;

const OBSERVED: Timestamp = Timestamp::from_epoch_seconds(1_795_400_000);

/// A recording of all columns, in `|` and local time, as the question with our columns would have been answered in UTC.
/// Where a row has too many `|`, half of them were written into the job's name and half into the submit line.
fn as_asked(recorded: &str, fields: &AccountingFields) -> String {
    let mut lines = recorded.lines();
    let titles: Vec<&str> = lines.next().expect("a header").split('|').collect();
    let mut text = fields.titles.iter().map(|field| format!("{field}\u{1f}")).collect::<String>() + "\n";
    for line in lines {
        let mut parts = line.split('|');
        let extra = line.matches('|').count() + 1 - titles.len();
        let mut values = BTreeMap::new();
        for title in &titles {
            let width = if matches!(*title, "JobName" | "SubmitLine") { 1 + extra / 2 } else { 1 };
            values.insert(*title, parts.by_ref().take(width).collect::<Vec<_>>().join("|"));
        }
        for field in &fields.titles {
            text += &format!("{}\u{1f}", epoch(field, &values[field]));
        }
        text.push('\n');
    }
    text
}

fn epoch(field: &str, value: &str) -> String {
    if !matches!(field, "Submit" | "Start" | "End") || !value.starts_with("20") {
        return value.to_owned();
    }
    let digits = |from: usize, to: usize| value[from..to].parse::<i64>().expect("a recorded time");
    let (day, clock) = (digits(8, 10), digits(11, 13) * 3600 + digits(14, 16) * 60 + digits(17, 19));
    assert_eq!(&value[..8], "2026-11-", "recorded in one month");
    // 2026-11-01T00:00:00Z
    (1_793_491_200 + (day - 1) * 86_400 + clock).to_string()
}

/// A whole answer.
struct Answer {
    rows: Vec<AccountingRow>,
    rejected: Vec<RejectedRow>,
}

fn read_answer(text: &str, delimiter: &str, fields: &AccountingFields) -> Result<Answer, AdapterError> {
    let mut answer = Answer { rows: Vec::new(), rejected: Vec::new() };
    let mut take = |found: Found<'_>| match read(&found, fields) {
        Ok(row) => answer.rows.push(row),
        Err(row) => answer.rejected.push(row),
    };
    let mut reader = TableReader::new(&Delimiter::recorded(delimiter), fields.titles.len(), Column::JobIdRaw.title());
    reader.read(text.as_bytes(), &mut take);
    reader.finish("reading", &mut take)?;
    Ok(answer)
}

fn recorded(titles: &str, text: &str) -> Answer {
    let fields = AccountingFields::choose(&titles.replace('|', " ")).expect("all needed columns");
    let asked = as_asked(text, &fields);
    read_answer(&asked, "\u{1f}", &fields).expect("a header")
}

fn runs(text: &str) -> (Vec<Run>, usize) {
    let answer = recorded(text.lines().next().expect("a header"), text);
    assert_eq!(answer.rejected, []);
    let (site, reader) = ("jupiter".parse().expect("a site"), "alice".parse().expect("a user"));
    let rows = answer.rows.len();
    (answer.rows.into_iter().filter_map(|row| row.run(&site, &reader, OBSERVED)).collect(), rows)
}

#[test]
fn recorded_runs_of_two_releases() {
    for (release, text) in [
        ("22.05", include_str!("../../tests/fixtures/slurm-22.05/sacct-X-D-all-fields.psv")),
        ("25.11", include_str!("../../tests/fixtures/slurm-25.11/sacct-X-D-all-fields.psv")),
    ] {
        let (runs, rows) = runs(text);
        assert_eq!(rows, text.lines().count() - 1, "{release}: every row is read");
        let by_name = |name: &str| runs.iter().filter(|run| run.name == name).collect::<Vec<_>>();
        let train = by_name("train");
        assert_eq!(train[0].allocated.gpus(), GpuCount::Tracked(8), "{release}");
        assert_eq!(train[0].state.base, BaseState::Completed);
        assert_eq!(train[0].evidence, EvidenceClass::CoordinatorRead);
        assert_eq!(train[0].time_limit, Some(WallTime::from_seconds(300)));
        assert_eq!(by_name("requeued").len(), 2, "{release}: both starts");
        assert!(by_name("requeued").iter().any(|run| run.ended_at.is_none() && run.state.is_running()));
        assert_eq!(by_name("het").len(), 2, "{release}: both components");
        assert_eq!(by_name("array").len(), 6);
        assert_eq!(by_name("cancelled-running")[0].state.base, BaseState::Cancelled);
        assert_eq!(by_name("name|with pipe, quote' and ünïcode").len(), 1, "{release}");
        assert_eq!(by_name("timeout")[0].state.base, BaseState::Timeout);
        assert_eq!(by_name("cancelled-pending").len(), 0, "{release}: it never started");
        let has_sluid = release == "25.11";
        assert!(runs.iter().all(|run| run.sluid.is_some() == has_sluid && run.restarts.is_some() == has_sluid));
    }
}

/// A run but for what REST does not tell of it. Its exit code v0.0.38 tells wrongly, so that its rows become no runs, and how
/// often it was restarted that one does not tell.
fn without_what_rest_lacks(run: Run, is_newer: bool) -> Run {
    let exit = if is_newer { run.exit } else { model::ExitCode { code: 0, signal: 0 } };
    Run { raw: String::new(), sluid: None, restarts: run.restarts.filter(|_| is_newer), exit, ..run }
}

#[test]
fn recorded_runs_are_the_same_by_rest() {
    for (release, text, json) in [
        (
            "22.05",
            include_str!("../../tests/fixtures/slurm-22.05/sacct-X-D-all-fields.psv"),
            include_str!("../../tests/fixtures/slurm-22.05/sacct-X-D.json"),
        ),
        (
            "25.11",
            include_str!("../../tests/fixtures/slurm-25.11/sacct-X-D-all-fields.psv"),
            include_str!("../../tests/fixtures/slurm-25.11/sacct-X-D.json"),
        ),
    ] {
        let is_newer = release != "22.05";
        let answer: serde_json::Value = serde_json::from_str(json).expect("as recorded");
        let fields = rest::fields();
        let (site, reader) = ("jupiter".parse().expect("a site"), "alice".parse().expect("a user"));
        let mut by_rest = BTreeMap::new();
        for job in answer["jobs"].as_array().expect("a list") {
            let values = rest::row(job, &fields);
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let row = read(&Found::Row(&values), &fields).expect("every row is read");
            if let Some(run) = row.run(&site, &reader, OBSERVED) {
                by_rest.insert(run.key.clone(), without_what_rest_lacks(run, is_newer));
            }
        }
        let (runs, _) = runs(text);
        let by_text: BTreeMap<_, _> =
            runs.into_iter().map(|run| (run.key.clone(), without_what_rest_lacks(run, is_newer))).collect();
        assert_eq!(by_rest.keys().collect::<Vec<_>>(), by_text.keys().collect::<Vec<_>>(), "{release}");
        for (key, run) in by_text {
            assert_eq!(by_rest[&key], run, "{release}");
        }
    }
}

const TITLES: &str = "JobIDRaw JobID Cluster User UID Account Partition QOS State ExitCode Submit Start End ElapsedRaw \
                      TimelimitRaw AllocNodes ReqNodes AllocTRES ReqTRES Reason Comment SubmitLine JobName";

fn row(changes: &[(&str, &str)]) -> Answer {
    let defaults = [
        ("JobIDRaw", "7"),
        ("JobID", "7"),
        ("Cluster", "jupiter"),
        ("User", "alice"),
        ("UID", "1000"),
        ("Partition", "booster"),
        ("State", "COMPLETED"),
        ("ExitCode", "0:0"),
        ("Submit", "1795332813"),
        ("Start", "1795332838"),
        ("End", "1795332898"),
        ("ElapsedRaw", "60"),
        ("TimelimitRaw", "1440"),
        ("AllocNodes", "1"),
        ("ReqNodes", "1"),
        ("AllocTRES", "cpu=1,node=1"),
    ];
    let fields = AccountingFields::choose(TITLES).expect("all needed columns");
    let find = |pairs: &[(&str, &str)], field: &str| {
        pairs.iter().find(|(name, _)| *name == field).map(|(_, value)| (*value).to_owned())
    };
    let mut text = fields.titles.iter().map(|field| format!("{field}\u{1f}")).collect::<String>() + "\n";
    for field in &fields.titles {
        text += &find(changes, field).or_else(|| find(&defaults, field)).unwrap_or_default();
        text.push('\u{1f}');
    }
    text.push('\n');
    read_answer(&text, "\u{1f}", &fields).expect("a header")
}

fn run(changes: &[(&str, &str)]) -> Option<Run> {
    let answer = row(changes);
    assert_eq!(answer.rejected, []);
    let row = answer.rows.into_iter().next().expect("one row");
    row.run(&"jupiter".parse().expect("a site"), &"alice".parse().expect("a user"), OBSERVED)
}

#[test]
fn only_what_started_is_a_run() {
    assert!(run(&[]).is_some());
    for (what, changes) in [
        ("it waits", &[("State", "PENDING"), ("Start", "Unknown"), ("End", "Unknown"), ("AllocNodes", "0")][..]),
        ("cancelled while it waited", &[("State", "CANCELLED by 1000"), ("AllocNodes", "0"), ("AllocTRES", "")]),
        ("cancelled before a start", &[("State", "CANCELLED"), ("Start", "None")]),
    ] {
        assert_eq!(run(changes), None, "{what}");
    }
}

#[test]
fn odd_values_are_read_as_what_they_mean() {
    let unlimited = run(&[("TimelimitRaw", "UNLIMITED"), ("QOS", ""), ("Account", "")]).expect("a run");
    assert_eq!((unlimited.time_limit, unlimited.qos, unlimited.account), (None, None, None));
    let forgotten = run(&[("User", "")]).expect("a run");
    assert_eq!(forgotten.user.as_str(), "1000");
    assert_eq!(run(&[("AllocTRES", "billing=4,cpu=4,node=1")]).expect("a run").allocated.gpus(), GpuCount::Untracked);
    assert_eq!(run(&[("ExitCode", "0:15")]).expect("a run").exit, model::ExitCode { code: 0, signal: 15 });
    assert_eq!(run(&[]).expect("a run").evidence, EvidenceClass::SelfRead);
}

#[test]
fn parts_of_arrays_and_heterogeneous_jobs_know_their_leader() {
    for (release, text) in [
        ("22.05", include_str!("../../tests/fixtures/slurm-22.05/sacct-X-D-all-fields.psv")),
        ("25.11", include_str!("../../tests/fixtures/slurm-25.11/sacct-X-D-all-fields.psv")),
    ] {
        let titles = text.lines().next().expect("a header");
        let rows: Vec<_> = recorded(titles, text).rows.into_iter().map(|row| row.sighting(OBSERVED)).collect();
        for (name, form) in [("array", JobForm::Array), ("het", JobForm::Heterogeneous), ("train", JobForm::Single)] {
            let parts: Vec<_> = rows.iter().filter(|row| row.name == name).collect();
            let leader = parts[0].leader;
            assert!(parts.iter().all(|row| row.form == form && row.leader == leader), "{release} {name}: {parts:?}");
            assert!(parts.iter().any(|row| row.id == leader), "{release} {name}: one bears the id");
        }
    }
}

#[test]
fn a_row_that_cannot_be_read_is_handed_back_and_costs_no_other() {
    for (field, value, reason) in [
        ("Submit", "2026-11-22T07:33:33", "submit time: `2026-11-22T07:33:33` is not a time in epoch seconds"),
        ("ElapsedRaw", "00:07", "elapsed: `00:07` is not a number"),
        ("AllocTRES", "cpu=many", "allocated resources: `cpu=many` is not a list of resources"),
        ("ExitCode", "", "exit code: `` is not `code:signal`"),
        ("Cluster", "", "no cluster"),
    ] {
        let answer = row(&[(field, value)]);
        assert!(answer.rows.is_empty());
        assert_eq!(answer.rejected[0].reason, reason);
        assert!(answer.rejected[0].raw.starts_with("7\u{1f}7\u{1f}"));
        assert_eq!((answer.rejected[0].stamp, answer.rejected[0].is_cut), (None, false));
    }
    let stamp = "pakt-01kb2v6m3ynf0q5w8r7d4c9xzt-2";
    for field in ["Comment", "JobName"] {
        let answer = row(&[("Submit", "soon"), (field, stamp)]);
        assert_eq!(answer.rejected[0].stamp, stamp.parse().ok(), "its mark can be read all the same");
    }
}

#[test]
fn the_stamp_is_found_though_the_site_keeps_no_comments() {
    let line = "sbatch --parsable --comment=pakt-01kb2v6m3ynf0q5w8r7d4c9xzt-2 --job-name=other j.sh";
    let stamp = run(&[("SubmitLine", line), ("JobName", "other")]).expect("a run").stamp;
    assert_eq!(stamp.map(|stamp| stamp.to_string()).as_deref(), Some("pakt-01kb2v6m3ynf0q5w8r7d4c9xzt-2"));
}

#[test]
fn columns_are_chosen_from_those_the_cluster_knows() {
    let old = AccountingFields::choose(TITLES).expect("all needed columns");
    assert_eq!(&old.titles[20..], ["Comment", "SubmitLine", "JobName"]);
    let error = AccountingFields::choose("JobIDRaw JobID").expect_err("nothing else");
    assert_eq!(error.kind, AdapterErrorKind::Unsupported);
}

#[test]
fn bounds_are_written_in_utc() {
    assert_eq!(bound(Timestamp::from_epoch_seconds(1_793_000_000)), "2026-10-26T07:33:20");
    assert_eq!(bound(Timestamp::from_epoch_seconds(-5)), "1970-01-01T00:00:00");
    assert_eq!(bound(Timestamp::from_epoch_seconds(i64::MAX)), "9999-01-01T00:00:00");
}

proptest! {
    #[test]
    fn any_answer_is_read_without_panic(text in "(JobIDRaw|[0-9]{1,3}|\u{1f}|\n|.){0,200}") {
        let fields = AccountingFields::choose(TITLES).expect("all needed columns");
        drop(read_answer(&text, "\u{1f}", &fields));
    }

    #[test]
    fn any_row_is_read_without_panic(value in "[0-9:,=]{0,12}|.{0,20}", place in 0_usize..23) {
        let field = TITLES.split_whitespace().nth(place).expect("a column");
        if !value.contains(['\n', '\u{1f}', '\r']) {
            drop(row(&[(field, &value)]));
        }
    }
}

#[test]
fn no_column_is_asked_for_that_is_not_read() {
    let read = std::cell::RefCell::new(Vec::new());
    let field = |column: Column| {
        read.borrow_mut().push(column);
        match column {
            Column::JobIdRaw | Column::JobId | Column::UserNumber => "10",
            Column::User => "alice",
            Column::ExitCode => "0:0",
            Column::Submit | Column::Start | Column::End => "1795332000",
            Column::Elapsed | Column::TimeLimit | Column::AllocatedNodes | Column::RequestedNodes => "0",
            Column::Allocated | Column::Requested => "cpu=1",
            Column::Suspended => "00:00:00",
            _ => "a",
        }
    };
    accounting_row::read(field, values::instant, values::tres, String::new).expect("a row");
    let unread: Vec<_> = Column::ALL.iter().filter(|column| !read.borrow().contains(column)).collect();
    assert!(unread.is_empty(), "{unread:?}");
}
