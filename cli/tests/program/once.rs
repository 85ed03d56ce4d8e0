//! Exactly once: whatever is killed, whoever comes second, a request becomes one scheduler job with one hold.

use crate::{
    desk::{Desk, PAKT},
    gentle::Login,
};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use std::{
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Stdio},
    thread::sleep,
    time::Duration,
};

/// The steps of the route, as the hook names them.
pub(crate) const STEPS: [&str; 8] =
    ["Claimed", "Intended", "Scripted", "Held", "Sending", "Sent", "Submitted", "ReadBack"];

/// Leaves one line for each time that the job's program runs.
const WORK: &str = "echo ran >>\"$PAKT_JOB_DIRECTORY/../../ran\"";

/// How often a program of [`WORK`] ran below the desk.
fn runs(desk: &Desk) -> usize {
    fs::read_to_string(desk.home().join("state/ran")).map_or(0, |text| text.lines().count())
}

#[test]
fn a_submission_that_is_killed_after_any_step_is_finished_by_the_next() {
    for step in STEPS {
        let desk = Desk::with_grant("10");
        // It waits, so that it is not over while it is submitted again.
        let gate = desk.work().join("gate");
        let file = desk.job("once", &format!("until [ -e '{}' ]; do sleep 0.05; done; {WORK}", gate.display()));
        let mut command = desk.command(["submit", &file]);
        let killed = command.env("PAKT_TEST_STOP_AFTER", step).output().expect("the program starts");
        assert_eq!(killed.status.signal(), Some(9), "{step}: it was not killed: {killed:?}");
        let submitted = desk.json(&["submit", &file]);
        assert_eq!(desk.json(&["submit", &file])["id"], submitted["id"], "{step}: it is one job");
        fs::write(&gate, "").expect("ours");
        let id = submitted["id"].as_str().expect("an id");
        assert_eq!(desk.json(&["watch", id])["ended"]["state"]["base"], "COMPLETED", "{step}");
        assert_eq!(runs(&desk), 1, "{step}: the program ran once");
        assert_eq!(desk.entries_of_kind("hold"), 1, "{step}: one hold");
        let scheduler_jobs = fs::read_dir(desk.home().join("state/local/jobs")).expect("jobs ran").count();
        assert_eq!(scheduler_jobs, 1, "{step}: one scheduler job");
    }
}

#[test]
fn a_killed_submission_can_be_cancelled_and_leaves_no_hold() {
    for step in STEPS {
        let desk = Desk::with_grant("10");
        let file = desk.job("once", "sleep 600");
        let mut command = desk.command(["submit", &file]);
        command.env("PAKT_TEST_STOP_AFTER", step).output().expect("the program starts");
        if step == "Claimed" {
            // There is an id and nothing else: no job that could be cancelled.
            desk.pakt(&["cancel", "once"]).expect(2);
            continue;
        }
        desk.json(&["cancel", "once"]);
        desk.pakt(&["watch", "once"]).expect(6);
        let balance = &desk.json(&["balance", "atlas"])["balances"][0];
        assert_eq!((&balance["committed"], &balance["free"]), (&0.into(), &balance["free"]), "{step}");
        assert_eq!(desk.json(&["jobs"])["jobs"][0]["phase"], "ended", "{step}");
    }
}

fn spawn(desk: &Desk, file: &str) -> Child {
    let mut command = desk.command(["--json", "submit", file]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// Waits until a program that runs has called `sbatch`, for a minute at most.
fn await_call(child: &mut Child, called: impl Fn() -> usize) {
    for _ in 0..6_000 {
        if called() > 0 {
            return;
        }
        assert!(child.try_wait().expect("ours").is_none(), "it ended before it called sbatch");
        sleep(Duration::from_millis(10));
    }
    panic!("it did not call sbatch");
}

#[test]
fn ctrl_c_reaches_no_sbatch_under_way_and_what_it_submitted_is_found() {
    let login = Login::new();
    // Slurm's library submits without a process that could be seen: such a call is over by its age alone.
    login.desk.configure("site: jupiter\nproject: atlas\nslurm_helper: none\n");
    login.desk.write(
        "job.yaml",
        "name: interrupted\nkind: command\nproject: atlas\nsite: jupiter\nscheduler: { account: atlas }\n\
         resources: { nodes: 1, gpus_per_node: 4, time: \"00:10:00\" }\nlaunch: command\nrun: \"sleep 600\"\n",
    );
    login.says("sbatch", "gated");
    let mut command = login.command(&["submit", "job.yaml"]);
    // As a shell does with a command of its own, whose whole group the terminal signals.
    command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let calls = login.double().join("state/calls");
    let called =
        || fs::read_to_string(&calls).unwrap_or_default().lines().filter(|line| line.starts_with("sbatch ")).count();
    await_call(&mut child, called);
    kill_process_group(Pid::from_child(&child), Signal::INT).expect("it lives");
    assert!(!child.wait().expect("it ends").success());
    fs::write(login.double().join("state/gate"), "").expect("ours");
    login.pakt(&["submit", "job.yaml"]).expect(0);
    assert_eq!(called(), 1, "sbatch went on to its end, and was not called again");
    let jobs = fs::read_dir(login.double().join("state/jobs")).expect("jobs").count();
    assert_eq!(jobs, 1);
    login.pakt(&["cancel", "interrupted"]).expect(0);
}

#[test]
fn of_two_submissions_at_once_one_works() {
    let desk = Desk::with_grant("10");
    // A job that were over before the second one looks would be a new one there.
    let gate = desk.work().join("gate");
    let file = desk.job("once", &format!("until [ -e '{}' ]; do sleep 0.05; done; {WORK}", gate.display()));
    let both = [spawn(&desk, &file), spawn(&desk, &file)];
    let ids = both.map(|child| {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")["id"].as_str().expect("an id").to_owned()
    });
    assert_eq!(ids[0], ids[1]);
    fs::write(gate, "").expect("ours");
    desk.json(&["watch", &ids[0]]);
    assert_eq!((runs(&desk), desk.entries_of_kind("hold")), (1, 1));
}

#[test]
fn of_sixty_four_submissions_at_once_a_budget_for_ten_gives_ten() {
    let desk = Desk::with_grant("1");
    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "local:core"]).expect(0);
    let children: Vec<Child> = (0..64)
        .map(|number| {
            let name = format!("of-many-{number}");
            let text = fs::read_to_string(desk.work().join(desk.job(&name, "true"))).expect("written");
            // A tenth of an hour each.
            spawn(
                &desk,
                &desk.write(&format!("{name}.yaml"), &text.replace("00:10:00", "00:06:00")).display().to_string(),
            )
        })
        .collect();
    let codes: Vec<Option<i32>> =
        children.into_iter().map(|child| child.wait_with_output().expect("it ends").status.code()).collect();
    let count = |code| codes.iter().filter(|found| **found == Some(code)).count();
    assert_eq!((count(0), count(4)), (10, 54), "{codes:?}");
    assert_eq!(desk.entries_of_kind("hold"), 10);
    let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!((&balance["committed"], &balance["free_at_most"]), (&3_600_000.into(), &0.into()));
    assert!(desk.json(&["ledger", "verify"])["is_consistent"].as_bool().expect("a verdict"));
    let open = desk.json(&["jobs", "--most", "100"])["jobs"].as_array().expect("jobs").len();
    assert_eq!(open, 64, "a refused job is listed with its reason");
    for number in 0..64 {
        desk.pakt(&["cancel", &format!("of-many-{number}")]);
    }
}

#[test]
fn a_finished_request_is_a_new_job_and_an_unfinished_one_is_not() {
    let desk = Desk::with_grant("10");
    let gate = desk.work().join("gate");
    let file = desk.job("gated", &format!("until [ -e '{}' ]; do sleep 0.05; done", gate.display()));
    let first = desk.json(&["submit", &file]);
    let second = desk.json(&["submit", &file]);
    assert_eq!((&second["id"], &second["outcome"]), (&first["id"], &"already".into()));
    let other = desk.json(&["submit", "--again", &file]);
    assert_ne!(other["id"], first["id"]);
    fs::write(&gate, "").expect("ours");
    for job in [&first, &other] {
        desk.json(&["watch", job["id"].as_str().expect("an id")]);
    }
    let third = desk.json(&["submit", &file]);
    assert_eq!(third["outcome"], "new");
    assert_ne!(third["id"], first["id"]);
    desk.json(&["watch", third["id"].as_str().expect("an id")]);
    assert_eq!(desk.entries_of_kind("hold"), 3);
}

#[test]
fn a_script_that_was_written_before_an_upgrade_is_the_one_that_is_sent() {
    let desk = Desk::with_grant("10");
    let file = desk.job("once", WORK);
    desk.command(["submit", &file]).env("PAKT_TEST_STOP_AFTER", "Scripted").output().expect("the program starts");
    let jobs = fs::read_dir(desk.home().join("state/jobs")).expect("a job");
    let script = jobs.map(|job| job.expect("an entry").path().join("script.sh")).next().expect("one job");
    let older = fs::read_to_string(&script).expect("written").replace("made by pakt", "made by an older pakt");
    fs::write(&script, &older).expect("ours");
    let id = desk.json(&["submit", &file])["id"].as_str().expect("an id").to_owned();
    desk.json(&["watch", &id]);
    assert_eq!(fs::read_to_string(&script).expect("still there"), older);
    assert_eq!(runs(&desk), 1);
}

#[test]
fn a_step_that_is_none_is_refused() {
    let desk = Desk::new();
    let mut command = desk.command(["jobs"]);
    command.env("PAKT_TEST_STOP_AFTER", "Holding");
    let ran = desk.finish(&["jobs"], command).expect(2);
    assert!(ran.stderr.contains("Held"), "{PAKT}: {}", ran.stderr);
}
