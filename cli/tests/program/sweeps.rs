//! A sweep, as its person sees it.

use crate::desk::Desk;
use serde_json::{Value, json};
use std::fs;

/// Writes a job with a sweep.
fn sweep(desk: &Desk, name: &str, sweep: &str, run: &str) -> String {
    let file = desk.job(name, run);
    let text = fs::read_to_string(desk.work().join(&file)).expect("written");
    desk.write(&file, &format!("{text}sweep: {sweep}\n"));
    file
}

/// Submits a sweep whose cells make the file `began`, and waits for that.
fn begin(desk: &Desk, file: &str) {
    desk.pakt(&["submit", file]).expect(0);
    let began = || desk.work().join("began").exists().then_some(());
    lab::wait_until("a cell begins", std::time::Duration::from_mins(1), began).expect("one does");
}

#[test]
fn each_cell_of_a_sweep_is_done_once_and_all_are_one_job() {
    let desk = Desk::with_grant("10");
    let run = "echo \"$lr $seed\" >>ran; [ \"$seed\" != 3 ]";
    let file = sweep(&desk, "lr", "{ grid: { lr: [1e-4, 3e-4], seed: [1, 2, 3] }, pack: 4 }", run);
    let said = desk.pakt(&["submit", &file]).expect(0).stdout;
    assert!(said.contains("\ncells: 6, in 2 of 2 links\n"), "{said}");
    let watched = desk.pakt(&["watch", "lr"]).expect(6);
    assert!(watched.stdout.contains("cells      4 of 6 are done, 2 failed\n"), "{}", watched.stdout);
    let mut ran: Vec<String> =
        fs::read_to_string(desk.work().join("ran")).expect("it ran").lines().map(str::to_owned).collect();
    ran.sort();
    assert_eq!(ran, ["1e-4 1", "1e-4 2", "1e-4 3", "3e-4 1", "3e-4 2", "3e-4 3"]);
    let shown = desk.json(&["show", "lr"]);
    assert_eq!(
        (&shown["over"]["why"], &shown["ended"]["state"]["base"]),
        (&"cells".into(), &"FAILED".into()),
        "{shown}"
    );
    assert_eq!(desk.entries_of_kind("hold"), 1);
    assert_eq!(desk.json(&["balance"])["balances"][0]["committed"], 0);
}

#[test]
fn what_is_missing_becomes_a_new_job_and_both_tell_of_it() {
    let desk = Desk::with_grant("10");
    let run =
        "echo \"cell $seed\"; [ ! -e block ] || until [ -e go ]; do sleep 0.1; done; [ -e \"fixed.$seed\" ] || exit 3";
    desk.write("fixed.2", "");
    let file = sweep(&desk, "seeds", "{ grid: { seed: [1, 2, 3] }, pack: 2 }", run);
    desk.pakt(&["submit", "--watch", &file]).expect(6);
    let told = desk.pakt(&["results", "seeds"]).expect(0).stdout;
    assert!(told.starts_with("1 of 3 cells done, 2 failed\n"), "{told}");
    let first = desk.json(&["results", "seeds"]);
    let next =
        format!("next: `pakt results {}` --missing submits 2 missing cells\n", first["id"].as_str().expect("an id"));
    assert!(told.contains(&next.replace("` --missing", " --missing`")), "{told}");
    assert_eq!(first["cells"][0]["values"], json!({ "seed": "1" }));
    assert_eq!((&first["missing"], &first["cells"][2]["record"]["exit_code"]), (&json!([1, 3]), &json!(3)), "{first}");
    assert_eq!(desk.pakt(&["logs", "seeds", "--cell", "2"]).expect(0).stdout, "cell 2\n");
    desk.pakt(&["logs", "seeds", "--cell", "4"]).expect(2);
    desk.pakt(&["logs", "seeds", "--attempt", "1"]).expect(2);
    let first = first["id"].as_str().expect("an id").to_owned();

    let anew = desk.pakt(&["plan", "--no-script", &file]).expect(0).stdout;
    assert!(anew.contains("sweep      3 cells, in 2 links, each at such a cost; all are held for\n"), "{anew}");

    desk.write("fixed.1", "");
    let again = desk.json(&["results", &first, "--missing"]);
    assert_eq!((&again["cells"], &again["job"]["sweep"]), (&json!(2), &json!({ "cells": 2, "links": 1 })), "{again}");
    let second = again["job"]["id"].as_str().expect("a job").to_owned();
    assert_ne!(second, first);
    desk.pakt(&["watch", &second]).expect(6);
    // The first one tells who has them now.
    let told = desk.json(&["results", &first]);
    assert_eq!((states(&told), &told["missing"]), (vec!["done", "done", "failed"], &json!([3])), "{told}");
    assert_eq!((&told["cells"][2]["job"], &told["cells"][2]["number"]), (&json!(second), &json!(2)), "{told}");

    desk.write("block", "");
    desk.write("fixed.3", "");
    let third = desk.json(&["results", &first, "--missing"])["job"]["id"].as_str().expect("a job").to_owned();
    let none = desk.pakt(&["results", &first, "--missing"]).expect(0).stdout;
    assert_eq!(none, "nothing is missing: 1 cell not done are in the hands of jobs that are not over\n");
    assert_eq!(desk.json(&["results", &first])["cells"][2]["job"], json!(third), "it has it in hand");
    desk.write("go", "");
    desk.pakt(&["watch", &third]).expect(0);
    let none = desk.pakt(&["results", &first, "--missing"]).expect(0).stdout;
    assert_eq!(none, "nothing is missing: all cells are done\n");
}

fn states(told: &Value) -> Vec<&str> {
    told["cells"].as_array().expect("cells").iter().map(|cell| cell["state"].as_str().unwrap_or("none")).collect()
}

#[test]
fn a_sweep_that_is_cancelled_leaves_nothing_and_its_cells_are_missing() {
    let desk = Desk::with_grant("10");
    let file = sweep(&desk, "long", "{ grid: { seed: [1, 2, 3] } }", "touch began; sleep 600");
    begin(&desk, &file);
    desk.pakt(&["cancel", "long"]).expect(0);
    let is_settled = || {
        desk.json(&["settle"]);
        (!desk.json(&["show", "long"])["hold"]["closing"].is_null()).then_some(())
    };
    lab::wait_until("the end of the hold", std::time::Duration::from_mins(1), is_settled).expect("it closes");
    let shown = desk.json(&["show", "long"]);
    assert_eq!(shown["ended"]["state"]["base"], "CANCELLED", "{shown}");
    assert_eq!(desk.json(&["results", "long"])["missing"], json!([1, 2, 3]));
    desk.pakt(&["resume", "long"]).expect(4);
}

#[test]
fn a_job_without_cells_has_no_results_of_its_own() {
    let desk = Desk::with_grant("10");
    let file = desk.job("plain", "true");
    desk.pakt(&["submit", "--watch", &file]).expect(0);
    let said = desk.pakt(&["results", "plain"]).expect(2).stderr;
    assert!(said.contains("is no sweep: its file has neither `sweep:` nor `evaluate:`"), "{said}");
}

#[test]
fn a_sweep_that_nobody_watched_is_over_to_whoever_looks_and_the_same_file_begins_anew_with_a_word() {
    let desk = Desk::new();
    let file = sweep(&desk, "alone", "{ grid: { seed: [1, 2] } }", "[ \"$seed\" = 2 ]");
    desk.pakt(&["submit", &file]).expect(0);
    let is_over = || (desk.json(&["jobs"])["jobs"][0]["state"]["base"] == "FAILED").then_some(());
    lab::wait_until("its end", std::time::Duration::from_mins(1), is_over).expect("both links end");
    let shown = desk.json(&["show", "alone"]);
    assert_eq!((&shown["over"]["why"], &shown["state"]["base"]), (&json!("cells"), &json!("FAILED")), "{shown}");
    assert_eq!(desk.json(&["jobs", "--open"])["jobs"], json!([]));
    let again = desk.pakt(&["submit", &file]).expect(0);
    let id = shown["id"].as_str().expect("an id");
    let note = format!(
        "it begins all cells anew; job {id} of the same file has done 1 of 2, and `pakt results {id} --missing`"
    );
    assert!(again.stderr.contains(&note), "{}", again.stderr);
}

#[test]
fn nothing_runs_of_a_sweep_whose_link_was_killed() {
    let desk = Desk::with_grant("10");
    let file = sweep(&desk, "killed", "{ grid: { seed: [1] } }", "touch began; sleep 600");
    begin(&desk, &file);
    let shown = desk.json(&["show", "killed"]);
    assert_eq!(shown["cells"]["running"], 1, "{shown}");
    let directory = std::path::PathBuf::from(shown["directory"].as_str().expect("a path"));
    let attempts = fs::read_dir(directory.join("links/1/attempts")).expect("made");
    let started = attempts.map(|attempt| attempt.expect("one").path().join("started")).next().expect("one");
    let started = fs::read_to_string(started).expect("written");
    let script = started.lines().find_map(|line| line.strip_prefix("process=")).expect("its process");
    let killed = std::process::Command::new("kill").args(["-s", "KILL", "--", &format!("-{script}")]).status();
    assert!(killed.expect("kill").success());
    let is_over = || (!desk.json(&["show", "killed"])["over"].is_null()).then_some(());
    lab::wait_until("its end", std::time::Duration::from_mins(1), is_over).expect("it is seen");
    let shown = desk.json(&["show", "killed"]);
    assert_eq!((&shown["cells"]["running"], &shown["cells"]["stopped"]), (&json!(0), &json!(1)), "{shown}");
    assert_eq!(desk.json(&["results", "killed"])["missing"], json!([1]));
}
