//! Many jobs in one call: of files, of documents of one file, of what a program writes into a pipe.

use crate::{desk::Desk, once::STEPS};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

/// A document for each number, which leaves a line where it ran once the gate is open.
fn documents(desk: &Desk, numbers: impl IntoIterator<Item = usize>) -> String {
    let (gate, ran) = (desk.work().join("gate"), desk.work().join("ran"));
    let document = |number: usize| {
        format!(
            "---\n# number {number}\nname: sweep-{number}\nkind: command\nproject: atlas\nsite: local\n\
             resources: {{ nodes: 1, cpus: 1, time: \"00:10:00\" }}\nlaunch: command\nrun: |\n  \
             until [ -e '{}' ]; do sleep 0.05; done; echo {number} >>'{}'\n",
            gate.display(),
            ran.display()
        )
    };
    numbers.into_iter().map(document).collect()
}

fn results(answer: &Value) -> Vec<&str> {
    let jobs = answer["jobs"].as_array().expect("jobs").iter();
    jobs.map(|job| job["job"]["outcome"].as_str().or(job["result"].as_str()).expect("a word")).collect()
}

fn ids(answer: &Value) -> Vec<&str> {
    let jobs = answer["jobs"].as_array().expect("jobs").iter();
    jobs.map(|job| job["job"]["id"].as_str().expect("an id")).collect()
}

/// The lines that jobs left, in order of their numbers.
fn ran(desk: &Desk) -> Vec<usize> {
    let text = fs::read_to_string(desk.work().join("ran")).unwrap_or_default();
    let mut numbers: Vec<usize> = text.lines().map(|line| line.parse().expect("a number")).collect();
    numbers.sort_unstable();
    numbers
}

fn finish(desk: &Desk, ids: &[&str]) {
    fs::write(desk.work().join("gate"), "").expect("ours");
    for id in ids {
        desk.pakt(&["watch", id]).expect(0);
    }
}

/// What the program says to a text that comes through a pipe.
fn piped(mut command: Command, text: &str) -> Value {
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_file_of_several_documents_becomes_several_jobs_once() {
    let desk = Desk::with_grant("10");
    desk.write("jobs.yaml", &documents(&desk, 1..=3));
    let first = desk.json(&["submit", "jobs.yaml"]);
    assert_eq!(results(&first), ["new"; 3]);
    let product = serde_json::json!({ "tasks": 3, "nodes": 1, "milli_per_node": 1000, "seconds": 600 });
    assert_eq!(
        first["held"],
        serde_json::json!([{ "unit": "local:core", "amount": 1_800_000, "products": [product] }])
    );
    let again = desk.json(&["submit", "jobs.yaml"]);
    assert_eq!((results(&again), ids(&again)), (vec!["already"; 3], ids(&first)));
    let piped = piped(desk.command(["submit", "-", "--json"]), &documents(&desk, 1..=3));
    assert_eq!(ids(&piped), ids(&first), "what a program writes is the same as what lies in a file");
    let text = desk.pakt(&["submit", "jobs.yaml"]).expect(0).stdout;
    assert!(text.contains("0 of 3 jobs submitted now; held for them: nothing"), "{text}");
    finish(&desk, &ids(&first));
    assert_eq!((ran(&desk), desk.entries_of_kind("hold")), (vec![1, 2, 3], 3));
}

#[test]
fn what_is_held_for_several_jobs_is_a_sum_of_products() {
    let desk = Desk::with_grant("10");
    let longer = documents(&desk, [4]).replace("00:10:00", "01:00:00");
    desk.write("jobs.yaml", &(documents(&desk, 1..=3) + &longer));
    let text = desk.pakt(&["submit", "jobs.yaml"]).expect(0).stdout;
    let held = "held for them: 1.500 core-h (local:core) = 3 jobs x 1 core x 00:10:00 + 1 core x 01:00:00";
    assert!(text.contains(held), "{text}");
    finish(&desk, &ids(&desk.json(&["submit", "jobs.yaml"])));
}

#[test]
fn a_call_that_is_killed_after_any_step_is_finished_by_the_same_call() {
    for step in STEPS {
        let desk = Desk::with_grant("10");
        desk.write("jobs.yaml", &documents(&desk, 1..=3));
        let mut command = desk.command(["submit", "jobs.yaml"]);
        let killed = command.env("PAKT_TEST_STOP_AFTER", step).output().expect("the program starts");
        assert_eq!(killed.status.signal(), Some(9), "{step}: it was not killed: {killed:?}");
        let submitted = desk.json(&["submit", "jobs.yaml"]);
        finish(&desk, &ids(&submitted));
        assert_eq!((ran(&desk), desk.entries_of_kind("hold")), (vec![1, 2, 3], 3), "{step}");
    }
}

#[test]
fn mistakes_stand_in_their_lines_and_nothing_is_submitted() {
    let desk = Desk::with_grant("10");
    let text = documents(&desk, 1..=3).replace("name: sweep-2\nkind: command", "name: sweep-2\nkind: comand");
    desk.write("jobs.yaml", &text);
    let line = text.lines().position(|line| line == "kind: comand").expect("there") + 1;
    let said = desk.pakt(&["submit", "jobs.yaml"]).expect(2).stderr;
    assert!(said.contains(&format!("jobs.yaml:{line}:7: error:")), "{said}");
    assert!(said.contains("error: 1 of 3 are no jobs that can run"), "{said}");
    let one = desk.job("one", "true");
    desk.write("two.yaml", &documents(&desk, [2]).replace("nodes: 1", "nodes: 2"));
    let said = desk.pakt(&["submit", &one, "two.yaml"]).expect(2).stderr;
    assert!(said.contains("error: 1 of the 2 jobs cannot run as written, and none was submitted"), "{said}");
    assert_eq!(desk.entries_of_kind("hold"), 0);
    assert!(!desk.home().join("state/jobs").exists(), "nothing was begun");
    let said = desk.pakt(&["submit", &one, "missing.yaml"]).expect(2).stderr;
    assert!(said.contains("`missing.yaml` was not read"), "{said}");
}

#[test]
fn what_is_over_is_left_out_where_that_is_wanted() {
    let desk = Desk::with_grant("10");
    desk.write("jobs.yaml", &documents(&desk, 1..=2));
    finish(&desk, &ids(&desk.json(&["submit", "jobs.yaml"])));
    desk.write("more.yaml", &documents(&desk, 1..=3));
    let said = desk.pakt(&["submit", "more.yaml"]).expect(2).stderr;
    assert!(
        said.contains("why:   2 of the 3 jobs were submitted before and are over, the first is `sweep-1`"),
        "{said}"
    );
    assert_eq!(results(&desk.json(&["submit", "--rest", "more.yaml"])), ["left-out", "left-out", "new"]);
    assert_eq!(results(&desk.json(&["submit", "--again", "more.yaml"])), ["new"; 3]);
}

#[test]
fn an_enforced_budget_takes_all_or_none() {
    let desk = Desk::with_grant("1");
    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "local:core"]).expect(0);
    desk.write("jobs.yaml", &documents(&desk, 1..=7));
    let said = desk.pakt(&["submit", "jobs.yaml"]).expect(4).stderr;
    assert!(said.contains("error: none of the 7 jobs was submitted"), "{said}");
    assert!(said.contains("7 of them may use 1.167 core-h together"), "{said}");
    assert_eq!(desk.entries_of_kind("hold"), 0);
    desk.write("jobs.yaml", &documents(&desk, 1..=6));
    assert_eq!(results(&desk.json(&["submit", "jobs.yaml"])), ["new"; 6]);
}

#[test]
fn one_job_alone_is_watched_and_several_are_not() {
    let desk = Desk::new();
    let (one, other) = (desk.job("one", "true"), desk.job("other", "true"));
    let said = desk.pakt(&["submit", "--watch", &one, &other]).expect(2).stderr;
    assert!(said.contains("`--watch` watches one job, and these are 2"), "{said}");
    desk.pakt(&["submit", "--watch", &one]).expect(0);
    let mixed = desk.write(
        "mixed.yaml",
        &fs::read_to_string(desk.work().join(&one)).expect("ours").replace("site: local", "site: raven"),
    );
    let said = desk.pakt(&["submit", &other, &mixed.display().to_string()]).expect(2).stderr;
    assert!(said.contains("name different sites"), "{said}");
}

#[test]
fn a_doubt_about_several_jobs_is_told_where_it_was_found_first_and_counted() {
    let desk = Desk::with_grant("10");
    let text = documents(&desk, 0..3).replace("cpus: 1,", "cpus: 1, memory: 1GiB,");
    fs::write(desk.work().join("doubtful.yaml"), text).expect("ours");
    let told = desk.pakt(&["submit", "doubtful.yaml"]).expect(0).stderr;
    assert_eq!(told.matches("warning:").count(), 1, "{told}");
    assert!(told.starts_with("doubtful.yaml:7:") && told.contains("  (the same of 2 more)\n"), "{told}");
    let ids: Vec<String> = desk.json(&["jobs"])["jobs"].as_array().expect("a list").iter().map(id_of).collect();
    finish(&desk, &ids.iter().map(String::as_str).collect::<Vec<_>>());
}

fn id_of(job: &Value) -> String {
    job["id"].as_str().expect("an id").to_owned()
}
