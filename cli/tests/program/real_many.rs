//! Many jobs in one call, each by itself, on a real Slurm, by its commands and by its library.

use crate::{
    desk::Desk,
    real_jupiter::{scheduler_job, text},
};
use lab::{Cluster, User};
use serde_json::Value;
use std::{collections::BTreeSet, fs, os::unix::process::ExitStatusExt, path::PathBuf, rc::Rc};

const JOBS: usize = 12;

/// A document for each job, which leaves its number where it ran.
fn documents() -> String {
    let document = |number: usize| {
        format!(
            "---\nname: many-{number}\nkind: command\nproject: atlas\nsite: jupiter\n\
             resources: {{ nodes: 1, gpus_per_node: 4, time: \"00:06:00\" }}\nlaunch: command\nworkdir: .\n\
             run: echo {number} >>many.ran\n"
        )
    };
    (1..=JOBS).map(document).collect()
}

fn jobs(answer: &Value) -> Vec<&Value> {
    answer["jobs"].as_array().expect("a list").iter().map(|job| &job["job"]).collect()
}

/// A call that is killed while several of its submissions are under way, and the same call again.
fn killed_and_finished(cluster: &Cluster, desk: &Desk) {
    desk.write("jobs.yaml", &documents());
    let mut command = desk.command(["submit", "--no-array", "jobs.yaml"]);
    let killed = command.env("PAKT_TEST_STOP_AFTER", "Sent").output().expect("the program starts");
    assert_eq!(killed.status.signal(), Some(9), "{killed:?}");
    let answer = desk.json(&["submit", "--no-array", "jobs.yaml"]);
    let submitted = jobs(&answer);
    let scheduler_jobs: BTreeSet<String> = submitted.iter().map(|job| scheduler_job(job)).collect();
    assert_eq!(scheduler_jobs.len(), JOBS, "{answer}");
    for job in &scheduler_jobs {
        cluster.await_accounted(job).expect("it ends");
    }
    let known = desk.tool(&["sacct", "-nXP", "--format=JobID,JobName%80", "--starttime=now-1hour"]);
    for job in &submitted {
        let stamp = format!("pakt-{}", text(&job["id"]));
        assert_eq!(known.lines().filter(|line| line.contains(&stamp)).count(), 1, "{stamp}: one scheduler job");
        desk.json(&["watch", text(&job["id"])]);
    }
    let ran = fs::read_to_string(desk.work().join("many.ran")).expect("they ran");
    let mut numbers: Vec<usize> = ran.lines().map(|line| line.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=JOBS).collect::<Vec<_>>(), "each worked once");
    assert_eq!(desk.entries_of_kind("hold"), JOBS, "one hold each");
    desk.json(&["settle"]);
    let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!(balance["committed"], 0, "every hold is closed");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

fn jupiter() -> (Rc<Cluster>, Desk) {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    (cluster, desk)
}

#[test]
fn real_a_call_of_many_jobs_that_is_killed_is_finished_by_the_same_call() {
    let (cluster, desk) = jupiter();
    killed_and_finished(&cluster, &desk);
}

/// The program `pakt-slurm` of this build.
pub(crate) fn helper() -> PathBuf {
    let tests = std::env::current_exe().expect("a test has a file");
    let target = tests.ancestors().nth(3).expect("target/debug/deps");
    let built = ["helper/pakt-slurm", "debug/pakt-slurm"].map(|place| target.join(place));
    built.into_iter().find(|built| built.exists()).expect("build it first: cargo build -p pakt-slurm")
}

#[test]
fn real_many_jobs_go_through_the_library_of_slurm() {
    let (cluster, desk) = jupiter();
    // Not beside the program that all tests share, which would find it there.
    let library = desk.work().join("pakt-slurm");
    fs::copy(helper(), &library).expect("root writes there");
    desk.configure(&format!("site: jupiter\nproject: atlas\nslurm_helper: {}\n", library.display()));
    desk.write("jobs.yaml", &documents());
    let answer = desk.json(&["submit", "--no-array", "jobs.yaml", "--costs"]);
    let scheduler_jobs: BTreeSet<String> = jobs(&answer).iter().map(|job| scheduler_job(job)).collect();
    assert_eq!((scheduler_jobs.len(), desk.entries_of_kind("hold")), (JOBS, JOBS));
    let commands = answer["costs"]["processes"].as_u64().expect("a number");
    assert!(commands < 5, "one helper for all of them: {}", answer["costs"]);
    for job in &scheduler_jobs {
        cluster.await_accounted(job).expect("it ends");
    }
    let ran = fs::read_to_string(desk.work().join("many.ran")).expect("they ran");
    assert_eq!(ran.lines().collect::<BTreeSet<_>>().len(), JOBS, "{ran}");
    assert_eq!(ran.lines().count(), JOBS, "each worked once");
}

#[test]
fn real_a_call_of_more_jobs_than_may_wait_says_so_and_goes_on_later() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    // Nobody else has jobs of Ben's in this QOS, which lets one wait.
    let desk = Desk::at_with_grant(&cluster, User::Ben, "atlas", "jupiter:gh200", "1000");
    let document = |number: usize| {
        format!(
            "---\nname: few-{number}\nkind: command\nproject: atlas\nsite: jupiter\n\
             resources: {{ nodes: 1, gpus_per_node: 4, time: \"00:06:00\" }}\nlaunch: command\nworkdir: .\n\
             scheduler: {{ qos: few }}\nrun: until [ -e gate-{number} ] || [ ! -e jobs.yaml ]; do sleep 0.1; done\n"
        )
    };
    desk.write("jobs.yaml", &(1..=3).map(document).collect::<String>());
    let mut ids = BTreeSet::new();
    for submitted in 1..=3 {
        let ran = desk.pakt(&["submit", "jobs.yaml"]).expect(if submitted < 3 { 4 } else { 0 });
        let limit = "next: as many of your jobs are in the queue as account or QOS let: run the same command again when some have \
                     ended";
        assert_eq!(ran.stderr.matches(limit).count(), 3 - submitted, "{}", ran.stderr);
        assert_eq!(ran.stderr.matches("QOSMaxSubmitJobPerUserLimit").count(), 3 - submitted, "{}", ran.stderr);
        let open = desk.json(&["jobs", "--open"]);
        let open = open["jobs"].as_array().expect("a list");
        assert_eq!(open.len(), 1, "one waits or runs, and the refused are no jobs: {open:?}");
        let gate = text(&open[0]["name"]).replace("few", "gate");
        desk.write(&gate, "");
        desk.json(&["watch", text(&open[0]["id"])]);
        ids.insert(text(&open[0]["id"]).to_owned());
    }
    let known = desk.tool(&["sacct", "-nXP", "--format=JobName%80", "--qos=few", "--starttime=now-1hour"]);
    let of = |id: &String| known.lines().filter(|name| name.contains(id.as_str())).count();
    assert_eq!(ids.iter().map(of).collect::<Vec<_>>(), [1, 1, 1], "each is one scheduler job: {known}");
    desk.json(&["settle"]);
    assert_eq!(
        desk.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"],
        0,
        "the refused hold nothing"
    );
}
