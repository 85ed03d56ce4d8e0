//! What is around the program fails: daemons, disks, permissions. It says what is known and what to do, ends with 3 or 5,
//! and loses nothing. These tests mount file systems and stop servers, so they need root and the lab.

use crate::{
    desk::Desk,
    output::Ran,
    real_jupiter::{accounted, charged, scheduler_job},
};
use lab::User;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};

/// A small file system of its own, taken away at the end.
struct Volume {
    at: PathBuf,
}

impl Volume {
    fn mounted(at: PathBuf, kilobytes: u64) -> Self {
        fs::create_dir_all(&at).expect("a place");
        let options = format!("size={kilobytes}k,mode=0700");
        run("mount", &["-t", "tmpfs", "-o", &options, "pakt-test"], &at);
        Self { at }
    }

    fn fill(&self) {
        let mut size = 1 << 20;
        let mut number = 0;
        // Ever smaller files, until not even a page is left.
        while size >= 1 {
            number += 1;
            if fs::write(self.at.join(format!("filler-{number}")), vec![0; size]).is_err() {
                size /= 2;
            }
        }
    }

    fn make_room(&self) {
        for entry in fs::read_dir(&self.at).expect("mounted").flatten() {
            if entry.file_name().to_string_lossy().starts_with("filler-") {
                fs::remove_file(entry.path()).expect("ours");
            }
        }
    }

    /// So that so much more finds room.
    fn grow_to(&self, kilobytes: u64) {
        self.remount(&format!("size={kilobytes}k"));
    }

    fn remount(&self, option: &str) {
        run("mount", &["-o", &format!("remount,{option}")], &self.at);
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // What still runs in there keeps it until it ends.
        drop(Command::new("umount").arg("--lazy").arg(&self.at).output());
    }
}

fn run(program: &str, words: &[&str], at: &Path) {
    let output = Command::new(program).args(words).arg(at).output().expect("it starts");
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The three lines of a failure.
#[track_caller]
fn told(ran: &Ran) {
    for line in ["error: ", "why:   ", "next:  "] {
        assert!(ran.stderr.contains(line), "pakt {}: {}", ran.words, ran.stderr);
    }
}

#[test]
fn real_a_full_disk_loses_nothing_and_the_same_command_goes_on() {
    let desk = Desk::new();
    let volume = Volume::mounted(desk.home().join("state"), 600);
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "10", "--unit", "local:core"]).expect(0);
    let file = desk.job("full", "echo ran >>ran");
    volume.fill();
    let refused = desk.pakt(&["submit", &file]).expect(3);
    told(&refused);
    assert!(refused.stderr.contains("make room"), "{}", refused.stderr);
    desk.pakt(&["jobs"]).expect(0);
    volume.make_room();
    let id = desk.json(&["submit", &file])["id"].as_str().expect("an id").to_owned();
    desk.json(&["watch", &id]);
    assert_eq!(fs::read_to_string(desk.work().join("ran")).expect("it ran"), "ran\n");
    assert_eq!(desk.entries_of_kind("hold"), 1);
    volume.fill();
    let unsettled = desk.pakt(&["settle"]);
    assert!([Some(0), Some(3)].contains(&unsettled.code), "{}", unsettled.stderr);
    volume.make_room();
    desk.json(&["settle"]);
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_a_ledger_that_does_not_answer_delays_the_hold_and_stops_nobody() {
    let desk = Desk::new();
    let volume = Volume::mounted(desk.home().join("books"), 600);
    let ledger = desk.home().join("books/ledger.sqlite");
    let configuration = "site: local\nproject: atlas\nmachine: { cpus: 2, gpus: 0 }\n";
    desk.configure(&format!("{configuration}ledger: {}\n", ledger.display()));
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "10", "--unit", "local:core"]).expect(0);
    volume.fill();
    let file = desk.job("delayed", "sleep 1.2");
    let submitted = desk.json(&["submit", &file]);
    assert!(submitted["no_hold"].is_string(), "it is said that nothing is held yet: {submitted}");
    let waited = desk.pakt(&["watch", "delayed"]).expect(0);
    assert!(waited.stderr.contains("not settled yet"), "{}", waited.stderr);
    volume.make_room();
    desk.json(&["settle"]);
    let shown = desk.json(&["show", "delayed"]);
    assert_eq!(shown["hold"]["is_provisional"], true, "{shown}");
    assert!(shown["hold"]["charged"].as_i64().expect("milli") >= 1000, "{shown}");
    desk.json(&["settle"]);
    assert_eq!(desk.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"], 0);
}

#[test]
fn real_a_read_only_home_can_still_be_read() {
    let desk = Desk::new();
    let volume = Volume::mounted(desk.home().join("state"), 2_000);
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "10", "--unit", "local:core"]).expect(0);
    let before = desk.job("before", "true");
    desk.json(&["submit", &before]);
    desk.json(&["watch", "before"]);
    let after = desk.job("after", "true");
    volume.remount("ro");
    for words in [vec!["jobs"], vec!["show", "before"], vec!["logs", "before"], vec!["check", &after]] {
        desk.pakt(&words).expect(0);
    }
    for words in [vec!["submit", &after], vec!["settle"]] {
        told(&desk.pakt(&words).expect(3));
    }
    volume.remount("rw");
    desk.json(&["submit", &after]);
    desk.json(&["watch", "after"]);
    assert_eq!(desk.entries_of_kind("hold"), 2);
}

#[test]
fn real_a_folder_that_may_not_be_entered_is_named() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at(&cluster, User::Ada);
    let closed = desk.home().join("state");
    fs::create_dir(&closed).expect("fresh");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("root's");
    for words in [vec!["jobs"], vec!["balance"], vec!["ledger", "init"]] {
        let ran = desk.pakt(&words).expect(3);
        told(&ran);
        assert!(ran.stderr.contains("state"), "{}", ran.stderr);
    }
}

#[test]
fn real_a_controller_that_is_down_keeps_the_job_begun() {
    let raven = Rc::new(lab::attach_exclusive("raven").expect("the lab is up"));
    let desk = Desk::at(&raven, User::Ada);
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "100", "--unit", "raven:a100"]).expect(0);
    let file = desk.job_at("raven", "later", "{ nodes: 1, gpus_per_node: 1, time: \"00:05:00\" }", "sleep 1.2");
    raven.stop_slurmctld().expect("stopped");
    told(&desk.pakt(&["submit", &file]).expect(3));
    let listed = desk.pakt(&["jobs"]).expect(0);
    assert!(listed.stdout.contains("begun, not sent"), "{}", listed.stdout);
    told(&desk.pakt(&["settle"]).expect(3));
    raven.start_slurmctld().expect("started");
    let submitted = desk.json(&["submit", &file]);
    assert_eq!(submitted["outcome"], "resumed");
    let slurm = scheduler_job(&submitted);
    let row = accounted(&raven, &desk, &slurm);
    desk.json(&["settle"]);
    assert_eq!((desk.entries_of_kind("hold"), charged(&desk, &slurm)), (1, row.elapsed * 1000));
}

#[test]
fn real_an_accounting_that_is_down_delays_settlement_and_nothing_else() {
    let raven = Rc::new(lab::attach_exclusive("raven").expect("the lab is up"));
    let desk = Desk::at(&raven, User::Ada);
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "100", "--unit", "raven:a100"]).expect(0);
    let file = desk.job_at("raven", "unseen", "{ nodes: 1, gpus_per_node: 1, time: \"00:05:00\" }", "sleep 1.2");
    raven.stop_slurmdbd().expect("stopped");
    let slurm = scheduler_job(&desk.json(&["submit", &file]));
    told(&desk.pakt(&["settle"]).expect(3));
    let balance = desk.pakt(&["balance", "atlas"]).expect(0);
    assert!(balance.stderr.contains("as of the last settlement"), "{}", balance.stderr);
    raven.start_slurmdbd().expect("started");
    let row = accounted(&raven, &desk, &slurm);
    desk.json(&["settle"]);
    assert_eq!(charged(&desk, &slurm), row.elapsed * 1000);
    assert_eq!(desk.json(&["show", "unseen"])["hold"]["closing"]["reason"], "finished");
}

#[test]
fn real_a_clock_that_was_wrong_for_a_while_loses_nothing() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    // Settled once with a clock that is a year ahead: the cursor stands in the future.
    desk.pakt_at("+1 year", &["settle"]).expect(0);
    // By the right time the ledger was written in the future: that is said, and nothing is entered.
    let doubtful = desk.pakt(&["settle"]).expect(3);
    told(&doubtful);
    assert!(doubtful.stderr.contains("--trust-clock"), "{}", doubtful.stderr);
    desk.pakt(&["settle", "--trust-clock"]).expect(0);
    let file = desk.job_at("jupiter", "between", "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "sleep 1.2");
    let slurm = scheduler_job(&desk.json(&["submit", &file]));
    let row = accounted(&cluster, &desk, &slurm);
    desk.json(&["settle"]);
    assert_eq!(charged(&desk, &slurm), 4 * row.elapsed * 1000, "what ended since is not lost");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_a_full_or_read_only_home_settles_no_place_and_submits_nothing() {
    let desk = Desk::new();
    // A disk of a person who has nothing but HOME.
    let volume = Volume::mounted(desk.work().join("person"), 600);
    let settings = volume.at.join(".config/pakt");
    fs::create_dir_all(&settings).expect("room");
    fs::write(settings.join("config.yaml"), "site: local\nproject: atlas\nmachine: { cpus: 2, gpus: 0 }\n")
        .expect("room");
    let state = desk.work().join("state");
    let call = |words: &[&str]| {
        let mut command = desk.command(words);
        command.env_remove("PAKT_HOME").env("HOME", &volume.at).env("XDG_STATE_HOME", &state);
        desk.finish(words, command)
    };
    let file = desk.job("once", "echo ran >>ran");
    let all_refuse = |told_as: &str| {
        for words in [&["submit", &file][..], &["ledger", "init"]] {
            let refused = call(words).expect(3);
            told(&refused);
            assert!(refused.stderr.contains("it is not settled where jobs are kept"), "{}", refused.stderr);
            assert!(refused.stderr.contains(told_as), "{}", refused.stderr);
        }
        for words in [&["jobs"][..], &["check", &file], &["plan", &file]] {
            call(words).expect(0);
        }
        for kept in ["requests", "jobs", "ledger.sqlite"] {
            assert!(!state.join("pakt").join(kept).exists(), "{kept} in a place that is not settled");
        }
    };
    volume.fill();
    all_refuse("the disk is full");
    volume.make_room();
    volume.remount("ro");
    all_refuse("the file system can only be read");
    volume.remount("rw");
    call(&["ledger", "init"]).expect(0);
    let id = call(&["--json", "submit", &file]).json()["id"].as_str().expect("an id").to_owned();
    call(&["watch", &id]).expect(0);
    // Once it is settled, a home that cannot be written is no matter.
    volume.remount("ro");
    call(&["jobs"]).expect(0);
    call(&["submit", "--again", &file]).expect(0);
    volume.remount("rw");
}

/// So many runs that what they cost does not stay in memory.
const MANY_RUNS: i64 = 100_100;

/// What reads `runs.psv`.
const IMPORT: [&str; 7] =
    ["ledger", "import", "runs.psv", "--observed-at", "2026-10-02T00:00:00Z", "--read-as", "site"];

/// A ledger with a budget, in the state folder or at another place, and a file of so many runs: a minute of four GPUs each.
fn desk_with_file(ledger: Option<&Path>, runs: i64) -> Desk {
    let desk = Desk::new();
    let mut settings = format!("site: jupiter\nproject: atlas\nstate: {}\n", desk.home().join("state").display());
    if let Some(ledger) = ledger {
        settings.push_str(&format!("ledger: {}\n", ledger.display()));
    }
    desk.configure(&settings);
    desk.pakt(&["ledger", "init"]).expect(0);
    let grant = ["ledger", "grant", "atlas", "100000", "--unit", "jupiter:gh200", "--account", "hai"];
    desk.pakt(&[&grant[..], &["--from", "2026-09-01", "--until", "2027-09-01"]].concat()).expect(0);
    let mut rows =
        "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End|ElapsedRaw|AllocNodes|AllocTRES\n"
            .to_owned();
    let tres = "cpu=288,gres/gpu=4,gres/gpu:gh200=4,node=1";
    for id in 1..=runs {
        let start = 1_788_300_000 + id;
        let times = format!("{}|{start}|{}|60", start - 60, start + 60);
        rows.push_str(&format!("{id}|{id}|jupiter|ada|hai|booster|COMPLETED|{times}|1|{tres}\n"));
    }
    desk.write("runs.psv", &rows);
    desk
}

#[test]
fn real_an_import_that_finds_no_room_in_tmpdir_says_so_and_the_same_call_goes_on() {
    let desk = desk_with_file(None, MANY_RUNS);
    let volume = Volume::mounted(desk.work().join("small"), 1_024);
    let mut command = desk.command(IMPORT);
    command.env("TMPDIR", &volume.at);
    let refused = desk.finish(&IMPORT, command).expect(3);
    let said = refused.stderr.replace(&volume.at.display().to_string(), "<small>");
    insta::assert_snapshot!(said, @"
    error: the import did not come to its end
    why:   what its runs cost could not be kept in `<small>`: the disk is full
    next:  name a folder with room in `TMPDIR` (40 bytes a run) and run the same command again: what is in the books already is not entered twice
    ");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
    desk.pakt(&IMPORT).expect(0);
    assert_eq!(desk.json(&["usage"])["usage"][0]["amount"], MANY_RUNS * 240_000);
    let again = desk.pakt(&IMPORT).expect(0).stdout;
    assert!(again.starts_with("jupiter: 100100 rows: 0 newly charged, 100100 known"), "{again}");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

/// Three posts of an import.
const SOME_RUNS: i64 = 30_000;

/// What the books say of the runs, and of the file.
fn books(desk: &Desk) -> [Value; 4] {
    let imports = desk.json(&["ledger", "imports"])["imports"].clone();
    let totals = imports.as_array().expect("a list").iter().map(|import| import["batch"]["totals"].clone());
    [
        desk.json(&["usage", "--by", "day,person,end-state"])["usage"].clone(),
        desk.json(&["balance", "--offline", "atlas"])["balances"][0]["used"].clone(),
        totals.collect::<Value>(),
        desk.json(&["ledger", "coverage"])["coverage"][0]["whole"].clone(),
    ]
}

#[test]
fn real_an_import_that_fills_the_disk_of_its_ledger_keeps_what_was_posted_and_goes_on() {
    let whole = desk_with_file(None, SOME_RUNS);
    whole.pakt(&IMPORT).expect(0);
    let size = fs::metadata(whole.home().join("state/ledger.sqlite")).expect("a ledger").len() / 1_024;

    let outside = tempfile::tempdir().expect("a folder");
    // The first post fits beside its write-ahead log, and the last one does not.
    let volume = Volume::mounted(outside.path().join("books"), size * 9 / 10);
    let desk = desk_with_file(Some(&volume.at.join("ledger.sqlite")), SOME_RUNS);
    let refused = desk.pakt(&IMPORT).expect(3);
    told(&refused);
    assert!(refused.stderr.contains("make room"), "{}", refused.stderr);

    volume.grow_to(4 * size);
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
    let [usage, _, totals, read] = books(&desk);
    let posted =
        usage.as_array().expect("a list").iter().map(|sum| sum["amount"].as_i64().expect("an amount")).sum::<i64>();
    assert!((1..SOME_RUNS * 240_000).contains(&posted), "{posted} of {}", SOME_RUNS * 240_000);
    assert_eq!(posted % (10_000 * 240_000), 0, "whole posts");
    assert_eq!((totals, read), (json!([]), json!([])), "it is not noted as read");

    desk.pakt(&IMPORT).expect(0);
    assert_eq!(books(&desk), books(&whole));
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}
