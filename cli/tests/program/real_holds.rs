//! Holds follow jobs that Slurm was told to change: another limit while one waits, a requeue while one runs.

use crate::{
    desk::Desk,
    real_jupiter::{charged, job, scheduler_job, text},
    real_preempted::await_start_in_accounting,
};
use lab::{User, wait_until};
use serde_json::Value;
use std::{fs, time::Duration};

/// The most that one node's four GPUs take in so many seconds, in milli-seconds.
fn four_gpus(seconds: i64) -> i64 {
    4 * seconds * 1000
}

fn held(desk: &Desk, id: &str) -> Value {
    desk.json(&["show", id])["hold"].clone()
}

#[test]
fn real_a_hold_follows_the_time_limit_of_a_waiting_job() {
    let cluster = lab::attach("jupiter").expect("the lab is up");
    let desk = Desk::at_with_grant(&std::rc::Rc::new(cluster), User::Ada, "atlas", "jupiter:gh200", "1000");
    let file = job(&desk, "shortened", "{ nodes: 1, gpus_per_node: 4, time: \"00:10:00\" }", "true");
    let path = desk.work().join(&file);
    let written = fs::read_to_string(&path).expect("written");
    fs::write(&path, format!("{written}scheduler: {{ begin: now+1hour }}\n")).expect("ours");
    let submitted = desk.json(&["submit", &file]);
    let (id, slurm) = (text(&submitted["id"]), scheduler_job(&submitted));
    assert_eq!(desk.json(&["settle"])["settled"]["amended"], Value::Array(vec![]), "nothing was changed yet");
    // Only an administrator may lengthen a limit; shortening it is everybody's.
    desk.tool(&["scontrol", "update", &format!("JobId={slurm}"), "TimeLimit=4"]);
    let settled = desk.json(&["settle"])["settled"].clone();
    assert_eq!(settled["amended"][0]["why"], "time limit 00:10:00 became 00:04:00", "{settled}");
    let hold = held(&desk, id);
    assert_eq!(hold["amount"], four_gpus(240));
    assert_eq!(hold["factors"]["seconds"], 240, "{hold}");
    assert_eq!(desk.json(&["settle"])["settled"]["amended"], Value::Array(vec![]), "once");
    desk.json(&["cancel", id]);
    desk.pakt(&["watch", id]).expect(6);
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_a_requeue_is_held_for_beside_what_the_first_attempt_took() {
    let cluster = std::rc::Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    let resources = "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }";
    // An attempt that is ended in its first second takes nothing.
    let file =
        job(&desk, "again", resources, "echo start ${SLURM_RESTART_COUNT:-0}; sleep 2; touch started; sleep 600");
    let path = desk.work().join(&file);
    let written = fs::read_to_string(&path).expect("written");
    fs::write(&path, format!("{written}scheduler: {{ extra: [--requeue] }}\n")).expect("ours");
    let submitted = desk.json(&["submit", &file]);
    let (id, slurm) = (text(&submitted["id"]), scheduler_job(&submitted));
    let started = || desk.work().join("started").exists().then_some(());
    wait_until("the job's start", Duration::from_mins(2), started).expect("it starts");
    await_start_in_accounting(&desk, &slurm);
    desk.tool(&["scontrol", "requeue", &slurm]);
    let settled = || {
        desk.json(&["settle"]);
        (charged(&desk, &slurm) > 0).then_some(())
    };
    wait_until("the charge of the first attempt", Duration::from_mins(2), settled).expect("accounting tells it");
    let amended = || {
        desk.json(&["settle"]);
        let hold = held(&desk, id);
        (hold["amount"].as_i64() == Some(four_gpus(300) + charged(&desk, &slurm))).then_some(())
    };
    wait_until("the hold of both attempts", Duration::from_mins(2), amended).expect("it follows");
    let printed = |words: &[&str]| desk.pakt(&[&["logs", id], words].concat()).expect(0).stdout;
    let first = printed(&["--attempt", "1"]);
    assert!(first.contains("start 0\n") && first.contains("DUE TO JOB REQUEUE"), "its own and Slurm's words: {first}");
    assert_eq!(printed(&["--attempt", "1", "--grep", "^start"]), "start 0\n");
    desk.json(&["cancel", id]);
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}
