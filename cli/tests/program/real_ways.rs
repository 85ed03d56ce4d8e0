//! Exactly once, by Slurm's library and by slurmrestd: nobody sees such a call, and only its age says that it is over.

use crate::{
    desk::Desk,
    once::STEPS,
    real_jupiter::{job, scheduler_job, text},
    way::Way,
};
use lab::{Cluster, User, wait_until};
use serde_json::{Value, json};
use std::{fs, os::unix::process::ExitStatusExt, path::Path, rc::Rc, time::Duration};

const NODE: &str = "{ nodes: 1, gpus_per_node: 4, time: \"00:06:00\" }";
const PATIENCE: Duration = Duration::from_mins(2);
/// The exit code of what the scheduler refuses.
const REFUSED: i32 = 4;
/// Longer than any call takes.
const LONG_OVER_SECONDS: i64 = 600;

/// Makes the call that was noted older, as time would; none where none was noted. It was one that nobody sees.
fn let_time_pass(directory: &Path) {
    let path = directory.join("sending/1.json");
    let Ok(text) = fs::read_to_string(&path) else { return };
    let mut note: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(note["is_unseen"], true, "{note}");
    note["at"] = json!(note["at"].as_i64().expect("seconds") - LONG_OVER_SECONDS);
    fs::write(&path, note.to_string()).expect("root writes there");
}

/// A submission that is killed after each step, and finished by the next call.
fn killed_and_finished(way: Way) {
    let cluster: Rc<Cluster> = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    way.take(&cluster, &desk, User::Ada);
    way.is_gone(&desk);
    let work = desk.work().display().to_string();
    let gate = format!("until [ -e {work}/go ] || [ ! -d {work} ]; do sleep 0.1; done");
    let mut submitted = Vec::new();
    for step in STEPS {
        let name = format!("killed-{}", step.to_lowercase());
        let file = job(&desk, &name, NODE, &format!("{gate}; echo ran >>{name}.ran"));
        let mut command = desk.command(["submit", &file]);
        let killed = command.env("PAKT_TEST_STOP_AFTER", step).output().expect("the program starts");
        assert_eq!(killed.status.signal(), Some(9), "{step}: {killed:?}");
        if step != "Claimed" {
            let_time_pass(Path::new(text(&desk.json(&["show", &name])["directory"])));
        }
        let answer = desk.json(&["submit", &file]);
        submitted.push((step, name, text(&answer["id"]).to_owned(), scheduler_job(&answer)));
    }
    fs::write(desk.work().join("go"), "").expect("ours");
    for (step, name, id, slurm) in &submitted {
        desk.json(&["watch", name]);
        // Of what the server submitted accounting never has the line of a command.
        let state = || desk.tool(&["sacct", "-nXP", "--format=State", "--jobs", slurm]);
        let is_accounted = || (state() == "COMPLETED").then_some(());
        wait_until("its end in accounting", PATIENCE, is_accounted).unwrap_or_else(|error| panic!("{step}: {error}"));
        let ran = fs::read_to_string(desk.work().join(format!("{name}.ran"))).expect("it ran");
        assert_eq!(ran.lines().count(), 1, "{step}: worked once");
        let known = desk.tool(&["sacct", "-nXP", "--format=JobID,JobName%80", "--starttime=now-1hour"]);
        assert_eq!(known.lines().filter(|line| line.contains(&format!("pakt-{id}"))).count(), 1, "{step}: one job");
    }
    assert_eq!(desk.entries_of_kind("hold"), STEPS.len(), "one hold each");
    desk.json(&["settle"]);
    let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!(balance["committed"], 0, "every hold is closed");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_a_submission_by_the_library_killed_after_any_step_becomes_one_working_job_with_one_hold() {
    killed_and_finished(Way::Library);
}

#[test]
fn real_a_submission_by_slurmrestd_killed_after_any_step_becomes_one_working_job_with_one_hold() {
    killed_and_finished(Way::Rest);
}

/// The lab's raven wants memory named, and its profile is changed here into one that does not know that.
#[test]
fn real_a_submit_filters_words_are_told_and_the_hold_given_back_whatever_the_way() {
    let cluster = Rc::new(lab::attach("raven").expect("the lab is up"));
    let desk = Desk::at(&cluster, User::Ada);
    desk.configure("site: raven\nproject: atlas\n");
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "1000", "--unit", "raven:a100"]).expect(0);
    let profile = desk.pakt(&["sites", "show", "raven"]).expect(0).stdout;
    let optional = profile.replace("rule: mandatory-below-full-node", "rule: optional");
    assert_ne!(optional, profile);
    fs::create_dir_all(desk.home().join("sites")).expect("ours");
    fs::write(desk.home().join("sites/raven.yaml"), optional).expect("ours");
    let file = desk.job_at("raven", "refused", "{ nodes: 1, gpus_per_node: 1, time: \"00:05:00\" }", "'true'");
    for (way, refusals) in Way::ALL.into_iter().zip(1..) {
        way.take(&cluster, &desk, User::Ada);
        way.is_gone(&desk);
        let told = desk.pakt(&["submit", &file]).expect(REFUSED).stderr;
        assert!(told.contains("jobs on a part of a node need --mem"), "{way:?}: {told}");
        let entries = ["hold", "release"].map(|kind| desk.entries_of_kind(kind));
        assert_eq!(entries, [refusals; 2], "{way:?}: each is held, refused and given back");
    }
    let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!(balance["committed"], 0, "{balance}");
    let jobs = desk.tool(&["squeue", "--noheader", "--me", "--states=all", "--name=refused", "--format=%i"]);
    assert_eq!(jobs.trim(), "", "the filter took none");
}
