//! A job's whole life on this machine, as its person sees it.

use crate::desk::{Desk, PAKT};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::Stdio,
};

/// Over within the second, so that what is shown of it is the same every time.
const TRAIN: &str =
    "for step in 1 2 3; do echo \"$step 3 loss=$((10 - step))\" >>\"$PAKT_PROGRESS\"; done; echo trained";

#[test]
fn a_home_that_is_named_from_where_one_stands_is_the_same_from_everywhere() {
    let desk = Desk::new();
    let file = desk.job("tiny", "true");
    fs::create_dir(desk.work().join("check")).expect("fresh");
    desk.write("check/config.yaml", "site: local\nproject: atlas\nmachine: { cpus: 2, gpus: 0 }\n");
    let from = |folder: PathBuf, home: &str, words: &[&str]| {
        let mut command = desk.command(words);
        command.env("PAKT_HOME", home).current_dir(folder);
        desk.finish(words, command)
    };
    from(desk.work(), "check", &["submit", "--watch", &file]).expect(0);
    let home = desk.work().join("check").display().to_string();
    let shown = from(desk.home(), &home, &["--json", "show", "tiny"]).json();
    assert!(shown["directory"].as_str().is_some_and(|folder| folder.starts_with(&home)), "{shown}");
}

#[test]
fn a_job_is_checked_planned_submitted_watched_and_settled() {
    let desk = Desk::new();
    let file = desk.job("tiny", TRAIN);
    assert_snapshot!(desk.pakt(&["ledger", "init"]).shown(), @"
    exit 0
    --- stdout
    the ledger <home>/state/ledger.sqlite is made
    ");
    assert_snapshot!(
        desk.pakt(&["ledger", "grant", "atlas", "10", "--unit", "local:core", "--from", "2026-01-01", "--until", "2070-01-01"]).shown(),
        @"
    exit 0
    --- stdout
    granted 10.000 core-h (local:core) to atlas, <instant> to <instant> (UTC)
    every run at `local` spends it
    "
    );
    assert_snapshot!(desk.pakt(&["check", &file]).shown(), @"
    exit 0
    --- stdout
    tiny.yaml: ok: 1 node x 1 CPU of local/local for 00:10:00
    ");
    assert_snapshot!(desk.pakt(&["plan", "--no-script", &file]).shown(), @"
    exit 0
    --- stdout
    placement  1 node x 1 CPU of local/local for 00:10:00
    costs      at most 0.167 node-h = 0.167 core-h
    hold       0.167 core-h (local:core) = 1 core x 00:10:00; free now at most 10.000 core-h, then at most 9.833 core-h
    start      about <instant> by the scheduler's estimate
    ");
    assert_snapshot!(desk.pakt(&["submit", "--watch", &file]).expect(0).shown(), @"
    exit 0
    --- stdout
    job        <job>
    name       tiny
    project    atlas
    made       <instant> by <somebody> on <host>
    state      COMPLETED
    placement  1 node x 1 CPU of local/local for 00:10:00
    local job  1, since <instant>
    attempt    1 restart 0: <instant> to <instant>, exit code 0
    progress   3/3 loss=7
    hold       closed; 0.000 core-h (local:core) of 0.167 core-h (local:core) was used
    ended      <instant>
    directory  <home>/state/jobs/<job>
    log        <home>/state/jobs/<job>/log
    --- stderr
    job <job> submitted as 1
    held: 0.167 core-h (local:core) = 1 core x 00:10:00
    log:  <home>/state/jobs/<job>/log
    trained
    ");
    assert_snapshot!(desk.pakt(&["logs", "tiny"]).shown(), @"
    exit 0
    --- stdout
    trained
    ");
    assert_snapshot!(desk.pakt(&["settle"]).shown(), @"
    exit 0
    --- stdout
    local: runs: 0 newly charged, 1 known, 0 corrected; unattributed runs: 0 new, 0 in all; jobs: 0 running, 0 waiting; settled until <instant>
    ");
    assert_snapshot!(desk.pakt(&["balance", "atlas"]).shown(), @"
    exit 0
    --- stdout
    project  unit                granted   used  running  committed  foreign    free
    atlas    local:core  core-h   10.000  0.000    0.000      0.000    0.000  10.000
    --- stderr
    runs as read by root (site)
    running and waiting jobs as of <instant>
    ");
    assert!(desk.pakt(&["ledger", "verify"]).expect(0).stdout.contains("every unit sums to zero"));
}

#[test]
fn programs_read_the_same_as_people() {
    let desk = Desk::with_grant("10");
    let file = desk.job("tiny", &format!("{TRAIN}; sleep 1.1"));
    let planned = desk.json(&["plan", &file]);
    assert_eq!(planned["hold"]["unit"], "local:core");
    assert_eq!(planned["placement"]["nodes"], 1);
    let submitted = desk.json(&["submit", &file]);
    let id = submitted["id"].as_str().expect("an id").to_owned();
    assert_eq!(submitted["outcome"], "new");
    let factors = json!({ "tasks": 1, "nodes": 1, "milli_per_node": 1_000, "seconds": 600 });
    assert_eq!(submitted["hold"], json!({ "unit": "local:core", "amount": 600_000, "factors": factors }));
    let watched = desk.json(&["watch", &id]);
    assert_eq!(watched["ended"]["state"]["base"], "COMPLETED", "{watched}");
    let listed = desk.json(&["jobs"]);
    assert_eq!(listed["jobs"][0]["id"], id.as_str());
    assert_eq!(listed["jobs"][0]["phase"], "ended");
    assert_eq!(listed["jobs"][0]["progress"]["step"], 3, "{listed}");
    assert!(listed["jobs"][0]["elapsed_seconds"].as_u64().is_some_and(|seconds| seconds > 0), "{listed}");
    assert_eq!(listed["jobs"][0]["time_limit_seconds"], 600, "{listed}");
    let shown = desk.json(&["show", &id]);
    assert_eq!(shown["attempts"][0]["exit_code"], 0);
    assert_eq!(shown["progress"], json!({ "step": 3, "total": 3, "note": "loss=7" }));
    assert_eq!(shown["hold"]["closing"]["reason"], "finished");
    for (tail, text) in [("0", ""), ("1", "trained\n"), ("4000000000", "trained\n")] {
        assert_eq!(desk.json(&["logs", &id, "--tail", tail])["text"], text);
    }
    assert_eq!(desk.json(&["logs", &id])["text"], "trained\n");
    let balance = &desk.json(&["balance"])["balances"][0];
    let number = |value: &Value| value.as_i64().expect("an integer");
    assert_eq!(number(&balance["used"]), number(&shown["hold"]["charged"]));
    assert_eq!(number(&balance["committed"]), 0);
    assert_eq!(number(&balance["free"]), 36_000_000 - number(&balance["used"]));
    assert_eq!(desk.json(&["usage", "--mine"])["usage"]["rows"][0]["runs"], 1);
    assert_eq!(desk.json(&["settle"])["settled"]["new"], 0);
    assert_eq!(desk.json(&["cancel", &id])["cancelled"]["was_over"], true);
    assert!(desk.json(&["sites"])["sites"].as_array().expect("sites").len() > 10);
    assert_eq!(desk.json(&["sites", "show", "jupiter"])["site"], "jupiter");
    assert_eq!(desk.json(&["doctor"])["doctor"]["site"], "local");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn a_job_that_fails_is_told_by_the_exit_code_of_who_watched_it() {
    let desk = Desk::with_grant("10");
    let file = desk.job("broken", "echo 'no such tensor'; exit 3");
    let watched = desk.pakt(&["submit", "--watch", &file]).expect(6);
    assert!(watched.stderr.contains("no such tensor"), "{}", watched.stderr);
    assert_eq!(desk.pakt(&["watch", "broken"]).expect(6).code, Some(6));
    let shown = desk.json(&["show", "broken"]);
    assert_eq!((&shown["attempts"][0]["exit_code"], &shown["ended"]["state"]["base"]), (&3.into(), &"FAILED".into()));
}

#[test]
fn a_log_is_followed_until_the_job_is_over() {
    let desk = Desk::with_grant("10");
    let gate = desk.work().join("gate");
    let run = format!("echo before; until [ -e '{}' ]; do sleep 0.05; done; echo after; exit 3", gate.display());
    let file = desk.job("long", &run);
    desk.json(&["submit", &file]);
    let mut following = desk.command(["logs", "--follow", "long"]);
    let mut following = following.stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(following.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().map(|line| line.expect("text"));
    // It is printed while the job waits for us.
    assert_eq!(next().as_deref(), Some("before"));
    assert!(following.try_wait().expect("ours").is_none(), "the job is not over");
    std::fs::write(&gate, "").expect("ours");
    assert_eq!(next().as_deref(), Some("after"));
    assert_eq!(next(), None);
    // The job's bad end is not this command's.
    assert!(following.wait().expect("it ends").success());
    assert_eq!(desk.pakt(&["logs", "-f", "--tail", "1", "long"]).expect(0).stdout, "after\n");
}

#[test]
fn a_log_goes_where_the_job_file_says() {
    let desk = Desk::with_grant("10");
    let file = desk.job("said", "echo here");
    let path = desk.work().join(&file);
    let text = std::fs::read_to_string(&path).expect("written");
    std::fs::write(&path, format!("{text}output: logs/%x.txt\n")).expect("ours");
    desk.json(&["submit", &file]);
    desk.json(&["watch", "said"]);
    assert_eq!(desk.json(&["logs", "said"])["text"], "here\n");
    assert!(desk.work().join("logs").is_dir());
}

#[test]
fn a_terminal_shows_state_time_and_progress_while_it_runs() {
    let desk = Desk::with_grant("10");
    let slowly = "for step in 1 2 3 4; do echo \"$step 4 loss=2.5\" >>\"$PAKT_PROGRESS\"; echo \"step $step is done\"; \
                  sleep 1; done";
    let file = desk.job("slow", slowly);
    let call = format!("{PAKT} submit --watch {file}");
    // script(1) gives the program a terminal.
    let mut command = desk.command([""; 0]);
    let envs: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    command = std::process::Command::new("script");
    command.args(["-qec", &call, "/dev/null"]).env_clear().env("TERM", "xterm").current_dir(desk.work());
    command.envs(envs.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let seen = desk.finish(&["submit", "--watch"], command).expect(0).stdout;
    for part in ["RUNNING 00:00:0", "/4 loss=2.5", "COMPLETED"] {
        assert!(seen.contains(part), "{part}: {seen:?}");
    }
    // The log stands above the bar: each line once, on a line of its own, and the bar is drawn anew below it.
    let lines: Vec<&str> = seen.split(['\r', '\n', '\u{1b}']).map(|part| part.trim_start_matches("[2K")).collect();
    for step in 1..=4 {
        let line = format!("step {step} is done");
        assert_eq!(lines.iter().filter(|part| **part == line).count(), 1, "{line}: {seen:?}");
        assert_eq!(seen.matches(&line).count(), 1, "{line}: {seen:?}");
    }
    let first = seen.find("step 1 is done").expect("it was shown");
    assert!(seen[first..].contains("RUNNING"), "the bar goes on below the log: {seen:?}");
    let quietly = desk.pakt(&["watch", "slow"]).expect(0);
    assert!(!quietly.stderr.contains("RUNNING"), "without a terminal there is no bar: {}", quietly.stderr);
}

#[test]
fn a_statement_for_spreadsheets_is_lines_as_they_want_them() {
    let desk = Desk::with_grant("10");
    let csv = desk.pakt(&["--quiet", "ledger", "statement", "atlas", "--csv"]).expect(0).stdout;
    assert!(
        csv.starts_with(
            "entry,at,kind,project,unit,amount_milliseconds,amount_hours,scheduler_job,note,\
             part_of_milliseconds,part_from,part_until,site_charge_milliseconds,site_charge_unit,complete\r\n"
        ),
        "{csv:?}"
    );
    assert!(csv.ends_with("\r\n") && !csv.contains('\u{fffd}'), "{csv:?}");
    assert!(desk.pakt(&["--quiet", "ledger", "export"]).expect(0).stdout.contains("grant"), "a backup is never empty");
    assert_eq!(desk.pakt(&["--quiet", "settle"]).expect(0).stdout, "");
}

#[test]
fn more_of_a_grant_changes_the_amount_and_not_who_spends_it() {
    let desk = Desk::new();
    desk.configure("site: jupiter\n");
    desk.pakt(&["ledger", "init"]).expect(0);
    let grant = ["ledger", "grant", "atlas", "10", "--unit", "jupiter:gh200"];
    desk.pakt(&[&grant[..], &["--account", "atlas-gpu"]].concat()).expect(0);
    desk.pakt(&[&grant[..], &["--reference", "more"]].concat()).expect(0);
    let smallest = "name: x\nkind: train\nproject: atlas\nsite: jupiter\nlaunch: torchrun\nrun: train.py\n\
                    resources: { nodes: 1, gpus_per_node: 4, time: 1h }\n";
    desk.write("job.yaml", smallest);
    let checked = desk.json(&["check", "job.yaml"]);
    assert_eq!(checked["sites"][0]["placement"]["account"], "atlas-gpu");
    let balance = &desk.json(&["balance", "--offline"])["balances"][0];
    let granted = balance["granted"].as_i64().zip(balance["later"].as_i64());
    assert_eq!(granted.map(|(now, later)| now + later), Some(2 * 36_000_000));
}

#[test]
fn an_empty_reason_and_a_refusal_are_told_before_anything_is_written() {
    let desk = Desk::with_grant("0.1");
    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "local:core"]).expect(0);
    let file = desk.job("large", "true");
    desk.pakt(&["submit", "--anyway", " ", &file]).expect(2);
    assert_eq!(desk.json(&["jobs"])["jobs"], json!([]));
    let planned = desk.pakt(&["plan", "--no-script", &file]).expect(4);
    assert!(planned.stdout.contains("it will be refused"), "{}", planned.stdout);
    desk.pakt(&["submit", &file]).expect(4);
    assert!(desk.pakt(&["jobs"]).expect(0).stdout.lines().all(|line| line.len() < 140));
    assert_eq!(desk.json(&["jobs", "--open"])["jobs"], json!([]));
}

#[test]
fn the_index_of_jobs_can_be_lost_or_damaged() {
    let desk = Desk::with_grant("10");
    let file = desk.job("kept", "true");
    let id = desk.json(&["submit", &file])["id"].as_str().expect("an id").to_owned();
    desk.json(&["watch", &id]);
    let listed = || desk.json(&["jobs"])["jobs"].clone();
    let before = listed();
    let index = desk.home().join("state/ended.index");
    assert!(std::fs::read_to_string(&index).expect("it was made").contains(&id));
    for damage in [format!("{id} {{\"half\n"), "\u{0}\n\n".to_owned(), format!("{id} null\n{id} {{}}\n")] {
        std::fs::write(&index, damage).expect("ours");
        assert_eq!(listed(), before);
        assert_eq!(desk.json(&["show", "kept"])["intent"]["id"], id.as_str());
    }
    std::fs::remove_file(&index).expect("it was made again");
    assert_eq!(listed(), before);
}

#[test]
fn a_group_reads_what_only_the_owner_may_write() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.configure("site: local\nproject: atlas\nmachine: { cpus: 2, gpus: 0 }\ngroup: true\n");
    let file = desk.job("shared", "true");
    let id = desk.json(&["submit", &file])["id"].as_str().expect("an id").to_owned();
    desk.json(&["watch", &id]);
    let state = desk.home().join("state");
    let mode = |path: &str| state.join(path).metadata().expect("it is there").permissions().mode() & 0o7777;
    for (path, wanted) in [
        ("jobs".to_owned(), 0o3770),
        ("requests".to_owned(), 0o3770),
        (format!("jobs/{id}"), 0o2750),
        (format!("jobs/{id}/links/1/attempts"), 0o2750),
        (format!("jobs/{id}/intent.json"), 0o640),
        (format!("jobs/{id}/script.sh"), 0o640),
    ] {
        assert_eq!(format!("{:o}", mode(&path)), format!("{wanted:o}"), "{path}");
    }
    let attempt = std::fs::read_dir(state.join(format!("jobs/{id}/links/1/attempts"))).expect("one").next();
    let attempt = attempt.expect("one").expect("an entry").path();
    assert_eq!(attempt.metadata().expect("it is there").permissions().mode() & 0o020, 0, "what runs is the owner's");
}
