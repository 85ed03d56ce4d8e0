//! Jobs that have to make room for others: what was used is charged, and what comes of the job is said.

use crate::{
    desk::Desk,
    real_jupiter::{accounted, charged, job, scheduler_job, text},
};
use lab::{Cluster, User, wait_until};
use serde_json::Value;
use std::{fs, rc::Rc, time::Duration};

const PATIENCE: Duration = Duration::from_mins(2);

fn jupiter() -> (Rc<Cluster>, Desk) {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    (cluster, desk)
}

/// Slurm numbers the rows of a job in accounting some seconds after its start; one that makes room or is requeued before that may share its row
/// with its next start.
pub(crate) fn await_start_in_accounting(desk: &Desk, slurm: &str) {
    let is_there =
        || desk.tool(&["sacct", "-nXP", "--format=State", "--jobs", slurm]).contains("RUNNING").then_some(());
    wait_until("the start in accounting", PATIENCE, is_there).expect("accounting knows it");
}

/// Submits a job that makes room, with these lines below `scheduler:`; an urgent one has taken its node. Our id of it, and
/// Slurm's.
fn preempted(desk: &Desk, name: &str, scheduler: &str) -> (String, String) {
    let run = "[ \"$SLURM_RESTART_COUNT\" = 1 ] && exit 0; echo \"$SLURM_JOB_NODELIST\" >node; sleep 2; touch started; sleep 600";
    let file = job(desk, name, "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", run);
    let path = desk.work().join(&file);
    let written = fs::read_to_string(&path).expect("written");
    fs::write(&path, format!("{written}scheduler: {scheduler}\n")).expect("ours");
    let submitted = desk.json(&["submit", &file]);
    let started = || desk.work().join("started").exists().then_some(());
    wait_until("the job's start", PATIENCE, started).expect("it starts");
    let slurm = scheduler_job(&submitted);
    await_start_in_accounting(desk, &slurm);
    let node = fs::read_to_string(desk.work().join("node")).expect("it said where");
    let node = format!("--nodelist={}", node.trim());
    let words = ["sbatch", "--parsable", "--account=atlas", "--qos=urgent", "--time=5", "--output=/dev/null"];
    let urgent = desk.tool(&[&words[..], &[node.as_str(), "--wrap=true"]].concat());
    let over = || desk.tool(&["squeue", "-h", "-t", "PENDING,RUNNING", "-j", urgent.trim()]).is_empty().then_some(());
    wait_until("the urgent job's end", PATIENCE, over).expect("it ends");
    (text(&submitted["id"]).to_owned(), slurm)
}

#[test]
fn real_a_job_that_makes_room_and_starts_again_is_charged_for_both_starts() {
    let (cluster, desk) = jupiter();
    let (id, slurm) = preempted(&desk, "makes-room", "{ qos: spare, extra: [--requeue] }");
    let mut settled = Value::Null;
    let charged_once = || {
        settled = desk.json(&["settle"]);
        (charged(&desk, &slurm) > 0).then_some(())
    };
    wait_until("the charge of the first start", PATIENCE, charged_once).unwrap_or_else(|error| {
        let shown = desk.tool(&["scontrol", "show", "job", &slurm]);
        let rows = desk.tool(&["sacct", "-XPD", "--format=JobID,State,Submit,Start,End,AllocTRES", "--jobs", &slurm]);
        panic!("{error}: {settled}\n{rows}\n{shown}")
    });
    let shown = desk.json(&["show", &id]);
    assert!(shown["end"].is_null() && shown["hold"]["closing"].is_null(), "it will start again: {shown}");
    let soon = || cluster.scontrol(["update", &format!("JobId={slurm}"), "StartTime=now+5"]).ok().map(drop);
    wait_until("the job in the queue", PATIENCE, soon).expect("it waits for its second start");
    desk.pakt(&["watch", &id]).expect(0);
    cluster.await_accounted(&slurm).expect("accounted");
    desk.json(&["settle"]);
    let rows = desk.tool(&["sacct", "-nXPD", "--format=ElapsedRaw,State", "--jobs", &slurm]);
    let rows: Vec<_> = rows.lines().filter_map(|row| row.split_once('|')).collect();
    assert_eq!(rows.iter().map(|row| row.1).collect::<Vec<_>>(), ["PREEMPTED", "COMPLETED"]);
    let elapsed: i64 = rows.iter().map(|row| row.0.parse::<i64>().expect("seconds")).sum();
    assert_eq!(charged(&desk, &slurm), 4 * elapsed * 1000);
    let hold = &desk.json(&["show", &id])["hold"];
    assert_eq!((&hold["charged"], &hold["closing"]["reason"]), (&(4 * elapsed * 1000).into(), &"finished".into()));
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_a_job_that_makes_room_for_good_has_failed_and_says_why() {
    let (cluster, desk) = jupiter();
    let (id, slurm) = preempted(&desk, "made-room", "{ qos: leftover }");
    let watched = desk.pakt(&["watch", &id]).expect(6);
    assert!(watched.stdout.contains("it had to make room for another job"), "{}", watched.stdout);
    let row = accounted(&cluster, &desk, &slurm);
    desk.json(&["settle"]);
    assert_eq!(row.state, "PREEMPTED");
    assert_eq!(charged(&desk, &slurm), 4 * row.elapsed * 1000);
    let shown = desk.json(&["show", &id]);
    assert_eq!(shown["hold"]["closing"]["reason"], "finished", "{shown}");
    // What made room for good is over: the same file is a new job.
    let again = desk.json(&["submit", "made-room.yaml"]);
    assert_ne!(text(&again["id"]), id);
    desk.json(&["cancel", text(&again["id"])]);
}
