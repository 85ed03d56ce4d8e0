//! Jobs of one call as tasks of an array, on a real Slurm: submitted, looked at, cancelled, killed and settled one by one.

use crate::{
    desk::Desk,
    once::STEPS,
    real_jupiter::{scheduler_job, text},
};
use lab::{Cluster, User, wait_until};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, os::unix::process::ExitStatusExt, rc::Rc, time::Duration};

const PATIENCE: Duration = Duration::from_mins(2);

fn jupiter() -> (Rc<Cluster>, Desk) {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    (cluster, desk)
}

/// A document for each job of a sweep, of which this is the text that it runs.
fn documents(name: &str, count: usize, run: impl Fn(usize) -> String) -> String {
    let document = |number: usize| {
        format!(
            "---\nname: {name}-{number}\nkind: command\nproject: atlas\nsite: jupiter\n\
             resources: {{ nodes: 1, gpus_per_node: 4, time: \"00:06:00\" }}\nlaunch: command\nworkdir: .\n\
             run: \"{}\"\n",
            run(number)
        )
    };
    (1..=count).map(document).collect()
}

fn jobs(answer: &Value) -> Vec<&Value> {
    answer["jobs"].as_array().expect("a list").iter().map(|job| &job["job"]).collect()
}

/// The numbers that the programs left in a file, in order.
fn ran(desk: &Desk, file: &str) -> Vec<usize> {
    let text = fs::read_to_string(desk.work().join(file)).unwrap_or_default();
    let mut numbers: Vec<usize> = text.lines().map(|line| line.parse().expect("a number")).collect();
    numbers.sort_unstable();
    numbers
}

/// What was charged from the hold of a job, in milli-seconds of the unit.
fn charged(exported: &[Value], job: &str) -> i64 {
    let is_charge = |entry: &&Value| ["settle", "overrun"].contains(&text(&entry["kind"]));
    let of_job = exported.iter().filter(is_charge).filter(|entry| entry["links"]["hold"] == job);
    of_job.map(|entry| entry["amount"].as_i64().expect("milli")).sum()
}

/// Settles until every hold is closed: Slurm numbers the rows of tasks in accounting some seconds after their start.
fn await_every_end(desk: &Desk) {
    let is_closed = || {
        desk.json(&["settle"]);
        (desk.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"] == 0).then_some(())
    };
    wait_until("the end of every hold", PATIENCE, is_closed).expect("accounting has all tasks");
}

#[test]
fn real_thirty_tasks_of_one_array_are_thirty_jobs() {
    let (cluster, desk) = jupiter();
    let run = |number| match number {
        7 => "echo 7 >>sweep.ran; exit 3".to_owned(),
        number => format!("echo {number} >>sweep.ran; echo this is {number}"),
    };
    desk.write("sweep.yaml", &documents("sweep", 30, run));
    let answer = desk.json(&["submit", "--at-once", "3", "sweep.yaml"]);
    let submitted = jobs(&answer);
    let array = answer["arrays"][0]["scheduler_job"].to_string();
    assert_eq!(answer["arrays"], json!([{ "scheduler_job": answer["arrays"][0]["scheduler_job"], "tasks": 30 }]));
    let ids: Vec<String> = submitted.iter().map(|job| scheduler_job(job)).collect();
    assert_eq!(ids, (0..30).map(|task| format!("{array}_{task}")).collect::<Vec<_>>());
    assert_eq!(desk.entries_of_kind("hold"), 30);

    // One that waits is cancelled, and no other: neither by its name nor as Slurm calls it.
    assert_eq!(desk.json(&["cancel", "sweep-30"])["cancelled"]["scheduler_jobs"], json!([format!("{array}_29")]));
    assert_eq!(desk.json(&["cancel", &format!("{array}_28")])["cancelled"]["name"], "sweep-29");
    cluster.await_accounted(&array).expect("all of it ends");
    for (job, code) in [("sweep-1", 0), ("sweep-7", 6), ("sweep-28", 0), ("sweep-29", 6), ("sweep-30", 6)] {
        desk.pakt(&["watch", job]).expect(code);
    }
    assert_eq!(ran(&desk, "sweep.ran"), (1..=28).collect::<Vec<_>>(), "each worked once");
    assert!(desk.pakt(&["logs", "sweep-12"]).expect(0).stdout.contains("this is 12"));

    await_every_end(&desk);
    let rows = desk.tool(&["sacct", "-nXP", "--format=JobID,ElapsedRaw,AllocNodes,State", "--jobs", &array]);
    let rows: BTreeMap<&str, (i64, &str)> = rows
        .lines()
        .map(|row| row.split('|').collect::<Vec<_>>())
        .map(|row| (row[0], (row[1].parse::<i64>().expect("s") * row[2].parse::<i64>().expect("nodes"), row[3])))
        .collect();
    let exported = desk.exported();
    for (job, id) in submitted.iter().zip(&ids) {
        // What was cancelled before it was split off the array leaves no row.
        let (node_seconds, state) = rows.get(id.as_str()).copied().unwrap_or((0, "CANCELLED"));
        assert_eq!(charged(&exported, text(&job["id"])), 4 * node_seconds * 1000, "{id}, to the second");
        let shown = desk.json(&["show", text(&job["id"])]);
        let base = text(&shown["ended"]["state"]["base"]);
        assert!(state.starts_with(base), "{id}: {state} {base}");
        assert!(shown["hold"]["closing"]["reason"].is_string(), "{id}: {shown}");
    }
    assert_eq!((rows.len() >= 28, rows[ids[6].as_str()].1), (true, "FAILED"));
    let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!(balance["committed"], 0, "every hold is closed");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

/// The lab's raven takes arrays of 100 tasks.
#[test]
fn real_a_call_of_more_jobs_than_an_array_may_have_is_several_arrays() {
    let cluster = Rc::new(lab::attach("raven").expect("the lab is up"));
    let desk = Desk::at(&cluster, User::Ada);
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "1000", "--unit", "raven:a100"]).expect(0);
    let text = documents("wide", 106, |number| format!("echo {number} >>wide.ran"));
    desk.write(
        "wide.yaml",
        &text.replace("site: jupiter", "site: raven").replace("gpus_per_node: 4", "gpus_per_node: 1"),
    );
    let answer = desk.json(&["submit", "wide.yaml"]);
    let ids: Vec<String> = jobs(&answer).iter().map(|job| scheduler_job(job)).collect();
    let arrays = [&ids[0], &ids[100]].map(|id| id.split_once('_').expect("a task").0.to_owned());
    let [first, second] = &arrays;
    let expected = (0..100).map(|task| format!("{first}_{task}")).chain((0..6).map(|task| format!("{second}_{task}")));
    assert_eq!(ids, expected.collect::<Vec<_>>(), "each array counts from zero");
    assert!(first != second && answer["arrays"].as_array().map(Vec::len) == Some(2), "{}", answer["arrays"]);
    for array in &arrays {
        cluster.await_accounted(array).expect("all of it ends");
    }
    assert_eq!(ran(&desk, "wide.ran"), (1..=106).collect::<Vec<_>>(), "each worked once");
    assert_eq!(desk.entries_of_kind("hold"), 106);
    await_every_end(&desk);
}

#[test]
fn real_a_call_whose_jobs_are_tasks_is_killed_after_any_step_and_finished_by_the_next() {
    const TASKS: usize = 5;
    let (cluster, desk) = jupiter();
    let mut arrays = Vec::new();
    for step in STEPS {
        let name = step.to_lowercase();
        let file = format!("{name}.yaml");
        desk.write(&file, &documents(&name, TASKS, |number| format!("echo {number} >>{name}.ran")));
        let mut command = desk.command(["submit", &file]);
        let killed = command.env("PAKT_TEST_STOP_AFTER", step).output().expect("the program starts");
        assert_eq!(killed.status.signal(), Some(9), "{step}: {killed:?}");
        let answer = desk.json(&["submit", &file]);
        let ids: Vec<String> = jobs(&answer).iter().map(|job| scheduler_job(job)).collect();
        let array = ids[0].split('_').next().expect("an id").to_owned();
        assert_eq!(ids, (0..TASKS).map(|task| format!("{array}_{task}")).collect::<Vec<_>>(), "{step}");
        arrays.push((name, array, text(&jobs(&answer)[0]["id"]).to_owned()));
    }
    for (_, array, _) in &arrays {
        cluster.await_accounted(array).expect("it ends");
    }
    for (name, _, first) in &arrays {
        assert_eq!(ran(&desk, &format!("{name}.ran")), (1..=TASKS).collect::<Vec<_>>(), "{name}: each worked once");
        let stamp = format!("pakt-array-{first}");
        // Slurm numbers the rows of tasks in accounting some seconds after their start.
        let in_accounting = || {
            let known = desk.tool(&["sacct", "-nXP", "--format=JobID,JobName%80", "--starttime=now-1hour"]);
            let count = known.lines().filter(|line| line.contains(&stamp)).count();
            (count >= TASKS).then_some(count)
        };
        let known = wait_until("the rows of its tasks", PATIENCE, in_accounting).expect("accounting has them");
        assert_eq!(known, TASKS, "{name}: one array");
    }
    assert_eq!(desk.entries_of_kind("hold"), STEPS.len() * TASKS, "one hold each");
    desk.json(&["settle"]);
    assert_eq!(desk.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"], 0, "every hold is closed");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_tasks_that_wait_are_told_one_by_one_and_may_be_none() {
    let (_cluster, desk) = jupiter();
    let later = |text: String| text.replace("workdir: .\n", "workdir: .\nscheduler: { begin: now+1hour }\n");
    desk.write("later.yaml", &later(documents("later", 6, |_| "true".to_owned())));
    let ids: Vec<String> = jobs(&desk.json(&["submit", "later.yaml"])).iter().map(|job| scheduler_job(job)).collect();
    let listed = desk.json(&["jobs", "--open"]);
    let listed: BTreeMap<&str, &str> = listed["jobs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|job| (text(&job["scheduler_job"]), text(&job["state"]["base"])))
        .collect();
    assert_eq!(listed, ids.iter().map(|id| (id.as_str(), "PENDING")).collect());
    let why = desk.json(&["why", "later-4"]);
    assert_eq!(why["scheduler_job"], ids[3].as_str());
    assert_eq!(desk.json(&["settle"])["settled"]["unknown"], json!([]));
    let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!(balance["committed"], 6 * 4 * 360_000);
    let names: Vec<String> = (1..=6).map(|number| format!("later-{number}")).collect();
    let words: Vec<&str> = ["cancel"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let cancelled = desk.json(&words);
    let ended: Vec<&Value> = cancelled["jobs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|job| &job["cancelled"]["scheduler_jobs"][0])
        .collect();
    assert_eq!(ended, ids.iter().map(String::as_str).collect::<Vec<_>>(), "with one call");
    desk.json(&["settle"]);
    assert_eq!(desk.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"], 0);
    // As many jobs as they are files, where a person wants that.
    desk.write("alone.yaml", &later(documents("alone", 6, |_| "true".to_owned())));
    let answer = desk.json(&["submit", "--no-array", "alone.yaml"]);
    assert!(jobs(&answer).iter().all(|job| job["scheduler_job"].is_u64()) && answer["arrays"] == json!([]));
    for number in 1..=6 {
        desk.json(&["cancel", &format!("alone-{number}")]);
    }
}
