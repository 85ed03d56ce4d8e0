//! A person's day on a cluster shaped like JUPITER: whole nodes, an account on every job.

use crate::desk::Desk;
use lab::{Cluster, User};
use serde_json::Value;
use std::rc::Rc;

/// What a line of `sacct` says of one job.
pub(crate) struct Accounted {
    pub(crate) elapsed: i64,
    pub(crate) gpus: i64,
    pub(crate) state: String,
}

/// The job's row in accounting, once it is whole.
pub(crate) fn accounted(cluster: &Cluster, desk: &Desk, job: &str) -> Accounted {
    cluster.await_accounted(job).expect("the job is accounted");
    let row = desk.tool(&["sacct", "-nXP", "--format=ElapsedRaw,AllocTRES,State", "--jobs", job]);
    let fields: Vec<&str> = row.split('|').collect();
    let gpus = fields[1].split(',').find_map(|part| part.strip_prefix("gres/gpu=")).unwrap_or("0");
    Accounted {
        elapsed: fields[0].parse().expect("seconds"),
        gpus: gpus.parse().expect("GPUs"),
        state: fields[2].to_owned(),
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The scheduler's id that `submit` told, as `squeue` takes it.
pub(crate) fn scheduler_job(submitted: &Value) -> String {
    let job = &submitted["scheduler_job"];
    job.as_str().map_or_else(|| job.to_string(), str::to_owned)
}

/// The amounts charged for a scheduler job, in milli-seconds of the unit.
pub(crate) fn charged(desk: &Desk, scheduler_job: &str) -> i64 {
    let is_charge = |entry: &&Value| ["settle", "overrun"].contains(&text(&entry["kind"]));
    let is_of = |entry: &&Value| {
        let job = &entry["links"]["run"]["scheduler_job"];
        job.as_str().map_or_else(|| job.to_string(), str::to_owned) == scheduler_job
    };
    let exported = desk.exported();
    exported.iter().filter(is_charge).filter(is_of).map(|entry| entry["amount"].as_i64().expect("milli")).sum()
}

fn jupiter() -> (Rc<Cluster>, Desk) {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    (cluster, desk)
}

/// A job file for JUPITER without an account: the ledger knows it.
pub(crate) fn job(desk: &Desk, name: &str, resources: &str, run: &str) -> String {
    desk.job_at("jupiter", name, resources, run)
}

#[test]
fn real_one_gpu_on_a_whole_node_is_charged_as_four_to_the_second() {
    let (cluster, desk) = jupiter();
    let file = job(&desk, "whole", "{ nodes: 2, gpus_per_node: 1, time: \"00:05:00\" }", "sleep 3");
    let planned = desk.json(&["plan", &file]);
    assert_eq!(planned["hold"]["amount"], 2 * 4 * 300 * 1000, "the plan holds all GPUs of both nodes");
    let said = desk.pakt(&["plan", "--no-script", &file]).expect(0);
    assert!(said.stderr.contains("4 GPUs"), "the plan says that four are charged: {}", said.stderr);
    let submitted = desk.json(&["submit", &file]);
    let (id, slurm) = (text(&submitted["id"]), scheduler_job(&submitted));
    desk.json(&["watch", id]);
    let row = accounted(&cluster, &desk, &slurm);
    desk.json(&["settle"]);
    assert_eq!((row.gpus, row.state.as_str()), (8, "COMPLETED"));
    assert_eq!(charged(&desk, &slurm), 2 * 4 * row.elapsed * 1000);
    let shown = desk.json(&["show", id]);
    assert_eq!(shown["hold"]["charged"].as_i64(), Some(2 * 4 * row.elapsed * 1000));
    assert_eq!(shown["hold"]["closing"]["reason"], "finished");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_settling_twice_late_and_overlapping_changes_nothing() {
    let (cluster, desk) = jupiter();
    let file = job(&desk, "settled", "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "sleep 1.2");
    let submitted = desk.json(&["submit", &file]);
    cluster.await_accounted(&scheduler_job(&submitted)).expect("it ended");
    let settlers: Vec<_> = (0..4)
        .map(|_| {
            let mut command = desk.command(["--quiet", "settle"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().expect("the program starts")
        })
        .collect();
    for settler in settlers {
        let output = settler.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "cron hears nothing");
    }
    let of_job = || desk.exported().iter().filter(|entry| entry["links"]["hold"] == submitted["id"]).count();
    let after = of_job();
    assert_eq!(after, 3, "one hold, one charge, one release");
    desk.json(&["settle", "--since", "2026-01-01"]);
    desk.json(&["settle"]);
    assert_eq!(of_job(), after);
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_a_waiting_and_a_running_job_can_be_cancelled() {
    let (cluster, desk) = jupiter();
    let resources = "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }";
    let waiting = job(&desk, "waiting", resources, "true");
    let path = desk.work().join(&waiting);
    let text_of = std::fs::read_to_string(&path).expect("written");
    std::fs::write(&path, format!("{text_of}scheduler: {{ begin: now+1hour }}\n")).expect("ours");
    let running = job(&desk, "running", resources, "touch started; sleep 600");
    let jobs = [&waiting, &running].map(|file| desk.json(&["submit", file]));
    lab::wait_until("the running job", std::time::Duration::from_mins(2), || {
        desk.work().join("started").exists().then_some(())
    })
    .expect("it starts");
    assert!(desk.json(&["balance", "atlas"])["balances"][0]["running"].as_i64().expect("milli") >= 0);
    for name in ["waiting", "running"] {
        assert_eq!(desk.json(&["cancel", name])["cancelled"]["was_over"], false);
    }
    for submitted in &jobs {
        desk.pakt(&["watch", text(&submitted["id"])]).expect(6);
        cluster.await_accounted(&scheduler_job(submitted)).expect("accounted");
    }
    desk.json(&["settle"]);
    for submitted in &jobs {
        let shown = desk.json(&["show", text(&submitted["id"])]);
        assert!(shown["hold"]["closing"]["reason"].is_string(), "the hold is closed: {shown}");
        assert_eq!(shown["ended"]["state"]["base"], "CANCELLED", "{shown}");
    }
}

#[test]
fn real_the_lists_and_the_doctors_answer() {
    let (_cluster, desk) = jupiter();
    let sites = desk.json(&["sites"]);
    let here = &sites["sites"][0];
    assert_eq!((&here["site"], &here["is_here"]), (&"jupiter".into(), &true.into()));
    assert_eq!(here["accounts"][0], "atlas");
    assert!(here["idle_nodes"]["booster"].is_u64(), "{here}");
    assert_eq!(desk.json(&["doctor"])["doctor"]["site"], "jupiter");
    let examined = desk.json(&["sites", "doctor"]);
    let fields: Vec<&str> =
        examined["drift"].as_array().expect("a list").iter().map(|drift| text(&drift["field"])).collect();
    // The lab's JUPITER has 4 nodes instead of thousands; all else is as the profile says.
    assert!(fields.contains(&"partitions.booster.limits.nodes"), "{examined}");
    assert!(fields.iter().all(|field| field.contains("nodes")), "{examined}");
}

#[test]
fn real_usage_needs_neither_ledger_nor_configuration() {
    let (cluster, desk) = jupiter();
    let file = job(&desk, "used", "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "sleep 1.2");
    let slurm = scheduler_job(&desk.json(&["submit", &file]));
    cluster.await_accounted(&slurm).expect("it ended");
    let bare = Desk::at(&cluster, User::Ada);
    std::fs::remove_file(bare.home().join("config.yaml")).expect("it was there");
    let usage = bare.json(&["--site", "jupiter", "usage", "--mine"]);
    let rows = usage["usage"]["rows"].as_array().expect("rows");
    let atlas =
        rows.iter().find(|row| row["account"] == "atlas" && row["state"] == "COMPLETED").expect("completed runs");
    assert!(atlas["runs"].as_u64().expect("a count") >= 1);
    assert!(atlas["gpu"]["amount"].as_i64().expect("milli") >= 4_000);
    assert!(!bare.home().join("state/ledger.sqlite").exists());
}
