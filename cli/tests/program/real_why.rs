//! Why a job waits on a real cluster: limits with their figures, a dependency, a maintenance, a hold.

use crate::{
    desk::Desk,
    real_jupiter::{scheduler_job, text},
};
use lab::{Cluster, User, wait_until};
use serde_json::Value;
use std::{rc::Rc, time::Duration};

const PATIENCE: Duration = Duration::from_mins(1);

fn desk(cluster: &Rc<Cluster>) -> Desk {
    Desk::at_with_grant(cluster, User::Ada, "atlas", "jupiter:gh200", "100000")
}

/// Submits a job of one node with further words for the scheduler; its scheduler id.
fn submit(desk: &Desk, name: &str, time: &str, scheduler: &str) -> String {
    let file = format!("{name}.yaml");
    let resources = format!("{{ nodes: 1, gpus_per_node: 4, time: \"{time}\" }}");
    let job = format!(
        "name: {name}\nkind: command\nproject: atlas\nsite: jupiter\nresources: {resources}\nlaunch: command\n\
         scheduler: {{ account: atlas{scheduler} }}\nrun: sleep 300\n"
    );
    desk.write(&file, &job);
    scheduler_job(&desk.json(&["submit", &file]))
}

/// The causes once the scheduler has this reason.
fn causes(desk: &Desk, name: &str, reason: &str) -> Vec<Value> {
    let mut last = Value::Null;
    let found = wait_until(&format!("{name} waits for {reason}"), PATIENCE, || {
        last = desk.json(&["why", name]);
        let is_it = last["pending"]["reason"].as_str().is_some_and(|said| said.starts_with(reason));
        is_it.then(|| last.clone())
    });
    let found = found.unwrap_or_else(|error| panic!("{error:?}: {last}"));
    assert_eq!(found["pending"]["unread"], Value::Array(Vec::new()), "{found}");
    found["pending"]["causes"].as_array().expect("a list").clone()
}

fn says(causes: &[Value], what: &str) -> bool {
    causes.iter().any(|cause| text(&cause["what"]).contains(what))
}

/// Takes the maintenance away again, whatever became of the test.
struct Gone(Rc<Cluster>);

impl Drop for Gone {
    fn drop(&mut self) {
        let _gone = self.0.scontrol(["delete", "reservationname=why-maint"]);
    }
}

/// A QOS of this test alone, so that the limit is in nobody else's way; it goes away again.
struct NarrowQos(Rc<Cluster>);

impl NarrowQos {
    fn new(cluster: &Rc<Cluster>) -> Self {
        cluster.sacctmgr(["add", "qos", "narrow", "MaxTRESPerUser=gres/gpu=4"]).expect("made");
        let own =
            ["modify", "user", User::Ada.name(), "where", "account=atlas", "cluster=jupiter", "set", "qos+=narrow"];
        cluster.sacctmgr(own).expect("allowed");
        Self(Rc::clone(cluster))
    }
}

impl Drop for NarrowQos {
    fn drop(&mut self) {
        let own =
            ["modify", "user", User::Ada.name(), "where", "account=atlas", "cluster=jupiter", "set", "qos-=narrow"];
        let _taken = self.0.sacctmgr(own);
        let _gone = self.0.sacctmgr(["delete", "qos", "narrow"]);
    }
}

/// An account of Ada's below one with a limit; both go away again.
struct BelowOthers(Rc<Cluster>);

impl BelowOthers {
    fn new(cluster: &Rc<Cluster>) -> Self {
        let made = Self(Rc::clone(cluster));
        let words = ["Description=lab", "Organization=lab"];
        cluster.sacctmgr([&["add", "account", "why-faculty"][..], &words].concat()).expect("made");
        cluster.sacctmgr([&["add", "account", "why-group", "parent=why-faculty"][..], &words].concat()).expect("made");
        cluster.sacctmgr(["modify", "account", "why-faculty", "set", "GrpJobs=1"]).expect("limited");
        cluster.sacctmgr(["add", "user", User::Ada.name(), "account=why-group"]).expect("a member");
        made
    }
}

impl Drop for BelowOthers {
    fn drop(&mut self) {
        let _gone = self.0.sacctmgr(["delete", "user", User::Ada.name(), "account=why-group"]);
        let _gone = self.0.sacctmgr(["delete", "account", "why-group", "why-faculty"]);
    }
}

#[test]
fn real_a_limit_of_an_account_above_is_told_with_its_figures() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = desk(&cluster);
    let _below = BelowOthers::new(&cluster);
    let submit = |wrapped: &str| {
        let wrapped = format!("--wrap={wrapped}");
        let words = ["sbatch", "--parsable", "--account=why-group", "--time=5", "--output=/dev/null", &wrapped];
        desk.tool(&words).trim().to_owned()
    };
    // What is written into the database reaches the controller by itself, and a job waits for a node as long as others have all.
    let limits = ["scontrol", "show", "assoc_mgr", "accounts=why-faculty", "flags=assoc"];
    let known = || desk.tool(&limits).contains("GrpJobs=1(").then_some(());
    wait_until("the limit of the account above", PATIENCE, known).expect("the controller hears of it");
    let first = submit("sleep 300");
    let runs = || desk.tool(&["squeue", "-h", "-o", "%T", "-j", &first]).contains("RUNNING").then_some(());
    wait_until("the first job's start", 5 * PATIENCE, runs).expect("a node gets free");
    let second = submit("true");
    let found = causes(&desk, &second, "AssocGrpJobsLimit");
    let told = "account `why-faculty`, for all accounts below it, lets 1 jobs run at once; 1 run";
    desk.tool(&["scancel", &second, &first]);
    assert!(says(&found, told), "{found:?}");
    let over = || desk.tool(&["squeue", "-h", "--account=why-group"]).is_empty().then_some(());
    wait_until("the jobs' end", PATIENCE, over).expect("they end");
}

#[test]
fn real_a_waiting_job_says_what_it_depends_on_and_what_a_maintenance_leaves_it() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = desk(&cluster);
    let first = submit(&desk, "first", "00:05:00", ", begin: now+1hour");
    let found = causes(&desk, "first", "BeginTime");
    assert!(says(&found, "it is not to begin before"), "{found:?}");
    submit(&desk, "second", "00:05:00", &format!(", after: \"afterok:{first}\""));
    let found = causes(&desk, "second", "Dependency");
    assert!(says(&found, &format!("it waits for job {first} (`afterok`), which is PENDING")), "{found:?}");
    desk.tool(&["scancel", &first]);
    // Soon: Slurm forgets a job half a minute after its end, and takes what depends on it for free.
    let dependency = format!("--dependency=afterok:{first}");
    let never = ["sbatch", "--parsable", "--account=atlas", "--kill-on-invalid-dep=no", &dependency, "--wrap=true"];
    let never = desk.tool(&never);
    // Pakt's own jobs are ended by the scheduler then; others may wait for ever.
    desk.pakt(&["watch", "second"]).expect(6);
    let said = desk.pakt(&["why", "second"]).expect(0).stdout;
    assert!(said.contains("state      CANCELLED, "), "{said}");
    let found = causes(&desk, &never, "DependencyNever");
    desk.tool(&["scancel", &never]);
    assert_eq!(found[0]["class"], "never", "{found:?}");
    // A maintenance that only a short job would end before.
    let maintenance = ["reservationname=why-maint", "starttime=now+4hours", "duration=60", "nodes=ALL"];
    let words = [&["create", "reservation", "users=root", "flags=maint,ignore_jobs"][..], &maintenance].concat();
    let _gone = Gone(Rc::clone(&cluster));
    cluster.scontrol(words).expect("made");
    submit(&desk, "third", "06:00:00", "");
    let found = causes(&desk, "third", "ReqNodeNotAvail");
    let asked = desk.json(&["why", "third"]);
    desk.json(&["cancel", "third"]);
    assert!(says(&found, "a maintenance of all nodes (`why-maint`) begins at"), "{found:?}");
    let next = found.iter().find_map(|cause| cause["next"].as_str().filter(|next| next.contains("03:45:00 at most")));
    assert!(next.is_some(), "{found:?}");
    let sooner = &asked["pending"]["sooner"];
    let offers = sooner["offers"].as_array().expect("asked");
    assert!(offers.iter().any(|offer| offer["time_limit_seconds"] == 13_500), "{sooner}");
}

#[test]
fn real_a_limit_of_a_qos_is_told_with_its_figures_and_a_hold_with_its_holder() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = desk(&cluster);
    let _narrow = NarrowQos::new(&cluster);
    submit(&desk, "runs", "00:05:00", ", qos: narrow");
    submit(&desk, "waits", "00:05:00", ", qos: narrow");
    let found = causes(&desk, "waits", "QOSMaxGRESPerUser");
    assert!(says(&found, "QOS `narrow`, for each person, lets 4 of gres/gpu be taken at once; 4 are"), "{found:?}");
    desk.json(&["cancel", "waits"]);
    desk.json(&["cancel", "runs"]);
    let held = submit(&desk, "held", "00:05:00", ", begin: now+1hour");
    desk.tool(&["scontrol", "hold", &held]);
    let found = causes(&desk, "held", "JobHeldUser");
    assert_eq!(found[0]["class"], "held");
    let foreign = desk.tool(&["sbatch", "--parsable", "--account=atlas", "--begin=now+1hour", "--wrap=true"]);
    let found = causes(&desk, &foreign, "BeginTime");
    assert_eq!(found[0]["class"], "begin");
    desk.tool(&["scancel", &foreign]);
    desk.json(&["cancel", "held"]);
}

#[test]
fn real_another_partition_of_horeka_that_would_start_a_job_sooner_is_offered() {
    let cluster = Rc::new(lab::attach("horeka").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "hk-project-atlas", "horeka:a100", "100");
    let file = desk.write(
        "waits.yaml",
        "name: waits\nkind: command\nproject: atlas\nsite: horeka\nlaunch: command\nrun: sleep 300\n\
         resources: { nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }\n\
         scheduler: { account: hk-project-atlas, partition: accelerated }\n",
    );
    // All nodes of the partition are taken until the desk is gone.
    let takes_all = format!("--wrap=while [ -e {} ]; do sleep 0.2; done", file.display());
    let nodes = ["--partition=accelerated", "--nodes=2", "--exclusive", "--gres=gpu:4", "--time=00:30:00"];
    let words = ["sbatch", "--parsable", "--account=hk-project-atlas", "--output=/dev/null"];
    let other = desk.tool(&[&words[..], &nodes, &[&takes_all]].concat());
    let runs = || desk.tool(&["squeue", "-h", "-o", "%T", "-j", &other]).contains("RUNNING").then_some(());
    wait_until("the start of the one that takes all", 2 * PATIENCE, runs).expect("it starts");
    desk.json(&["submit", "waits.yaml"]);
    let mut last = Value::Null;
    let offered = wait_until("another partition", PATIENCE, || {
        last = desk.json(&["why", "waits"]);
        let sooner = &last["pending"]["sooner"];
        let offers = sooner["offers"].as_array()?;
        let offer = offers.iter().find(|offer| offer["partition"] == "accelerated-h100")?;
        Some((offer["starts_at"].clone(), sooner["unchanged_at"].clone()))
    });
    let (there, here) = offered.unwrap_or_else(|error| panic!("{error}: {last}"));
    assert!(text(&there) < text(&here), "{last}");
    let said = desk.pakt(&["why", "waits"]).expect(0).stdout;
    assert!(said.contains("sooner     in partition `accelerated-h100`: about "), "{said}");
    desk.json(&["cancel", "waits"]);
    desk.tool(&["scancel", &other]);
}
