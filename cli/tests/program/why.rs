//! Why a job waits, on this machine.

use crate::desk::Desk;
use serde_json::Value;
use std::fs;

/// A job that runs until the file `gate` is there.
fn gated(desk: &Desk, name: &str) -> String {
    let gate = desk.work().join("gate");
    let run = format!(
        "until [ -e {gate} ] || [ ! -d {folder} ]; do sleep 0.1; done",
        gate = gate.display(),
        folder = desk.work().display()
    );
    desk.job_at("local", name, "{ nodes: 1, cpus: 2, time: \"00:10:00\" }", &run)
}

fn open(desk: &Desk) {
    fs::write(desk.work().join("gate"), "").expect("ours");
}

fn submit(desk: &Desk, name: &str) {
    let file = gated(desk, name);
    desk.json(&["submit", &file]);
}

#[test]
fn a_job_that_waits_for_its_turn_says_so_with_its_place() {
    let desk = Desk::with_grant("100");
    for name in ["first", "second", "third"] {
        submit(&desk, name);
    }
    let said = desk.pakt(&["why", "third"]).expect(0).stdout;
    for line in [
        "why        other jobs come before it (Priority)",
        "next       wait: it goes on by itself",
        "position   1 of 2 jobs that wait for `local` come before it",
        "start      the scheduler does not say when",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let second = desk.json(&["why", "second"]);
    assert_eq!(second["pending"]["reason"], "Resources");
    assert_eq!(second["pending"]["causes"][0]["class"], "turn");
    assert_eq!(second["pending"]["positions"][0]["ahead"], 0);
    assert_eq!(second["pending"]["time_limit_seconds"], 600);
    assert_eq!(second["pending"]["unread"], Value::Array(Vec::new()), "{second}");
    open(&desk);
    for name in ["first", "second", "third"] {
        desk.json(&["watch", name]);
    }
}

#[test]
fn a_waiting_job_whose_budget_is_used_up_says_what_the_site_does_then() {
    let desk = Desk::with_grant("10");
    for name in ["first", "second"] {
        submit(&desk, name);
    }
    let policy = |words: &[&str]| {
        let words = [&["ledger", "policy", "atlas", "--unit", "local:core", "--policy"], words].concat();
        desk.pakt(&words).expect(0);
        desk.pakt(&["why", "second"]).expect(0).stdout
    };
    assert!(!policy(&["none"]).contains("policy "), "a site without budgets does nothing");
    let covered = policy(&["hard-stop"]);
    assert!(covered.contains("policy     it is covered"), "{covered}");
    desk.pakt(&["ledger", "open", "atlas", "12.5", "--unit", "local:core", "--note", "portal"]).expect(0);
    for (wish, words, decision) in [
        (
            &["hard-stop"][..],
            "policy     the site does not start it: nothing is left, and 2.500 core-h more are used",
            "deny",
        ),
        (
            &["fixed-term", "--used-up", "low-priority"],
            "policy     it gets low priority: nothing is left, and 2.500 core-h more are used",
            "low-priority",
        ),
    ] {
        let said = policy(wish);
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(desk.json(&["why", "second"])["pending"]["advice"]["decision"], decision);
    }
    open(&desk);
    for name in ["first", "second"] {
        desk.json(&["watch", name]);
    }
}

#[test]
fn a_job_that_runs_or_is_over_says_so_and_what_to_do() {
    let desk = Desk::new();
    submit(&desk, "runs");
    let said = desk.pakt(&["why", "runs"]).expect(0).stdout;
    assert!(said.contains(": it does not wait\nnext       `pakt watch runs` shows how far it is\n"), "{said}");
    assert_eq!(desk.json(&["why", "runs"])["standing"], "running");
    open(&desk);
    desk.json(&["watch", "runs"]);
    let ended = desk.json(&["why", "runs"]);
    assert_eq!((&ended["standing"], &ended["pending"]), (&Value::from("ended"), &Value::Null));
    let file = desk.job("fails", "exit 3");
    desk.json(&["submit", &file]);
    desk.pakt(&["watch", "fails"]).expect(6);
    let said = desk.pakt(&["why", "fails"]).expect(0).stdout;
    assert!(
        said.contains("why        its program ended with exit code 3\nnext       its last words are in its log"),
        "{said}"
    );
}

#[test]
fn a_job_that_was_begun_and_not_sent_says_how_it_goes_on() {
    let desk = Desk::new();
    let file = desk.job("begun", "true");
    let mut command = desk.command(["submit", &file]);
    command.env("PAKT_TEST_STOP_AFTER", "Scripted").output().expect("it starts");
    let said = desk.pakt(&["why", "begun"]).expect(0).stdout;
    assert!(said.contains("state      begun, and never handed to the scheduler\n"), "{said}");
    assert!(said.contains("next       run the same command again, which goes on; or `pakt cancel`\n"), "{said}");
}

#[test]
fn a_job_that_nobody_knows_is_a_mistake_of_the_command_line() {
    let desk = Desk::new();
    let said = desk.pakt(&["why", "nothing"]).expect(2).stderr;
    assert!(said.contains("there is no job `nothing`"), "{said}");
    let said = desk.pakt(&["why", "4711"]).expect(2).stderr;
    assert!(said.contains("and the scheduler does not know it either"), "{said}");
}
