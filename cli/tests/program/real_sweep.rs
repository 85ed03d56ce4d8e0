//! Sweeps on a real Slurm.

use crate::{desk::Desk, once::STEPS, real_jupiter::text};
use lab::{Cluster, User, wait_until};
use std::{collections::BTreeSet, fs, os::unix::process::ExitStatusExt, rc::Rc, time::Duration};

/// The GPUs of a node.
const GPUS: i64 = 4;
const PATIENCE: Duration = Duration::from_mins(3);

fn jupiter() -> (Rc<Cluster>, Desk) {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    (cluster, desk)
}

/// A sweep of links of one node and five minutes.
fn sweep(desk: &Desk, site: &str, name: &str, sweep: &str, run: &str) -> String {
    let file = desk.job_at(site, name, "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", run);
    let path = desk.work().join(&file);
    let written = fs::read_to_string(&path).expect("written");
    fs::write(&path, format!("{written}sweep: {sweep}\n")).expect("ours");
    file
}

/// The queue has nothing of a sweep, its hold is closed, and the books have of it what `sacct -D` says to the second.
pub(crate) fn expect_books(desk: &Desk, name: &str) {
    let is_settled = || {
        desk.json(&["settle"]);
        (!desk.json(&["show", name])["hold"]["closing"].is_null()).then_some(())
    };
    wait_until("the end of the hold", PATIENCE, is_settled).expect("nothing is left to wait for");
    let shown = desk.json(&["show", name]);
    let links = shown["links"].as_array().expect("links").iter();
    let arrays: BTreeSet<&str> =
        links.map(|link| text(&link["scheduler_job"]).split('_').next().unwrap_or_default()).collect();
    let arrays = arrays.into_iter().collect::<Vec<_>>().join(",");
    let rows = desk.tool(&["sacct", "-nXPD", "--format=ElapsedRaw,JobName%200", "--jobs", &arrays]);
    let rows = rows.lines().filter_map(|row| row.split_once('|'));
    let of_job = rows.filter(|(_, job)| job.contains(text(&shown["id"])));
    let elapsed: i64 = of_job.map(|(elapsed, _)| elapsed.parse::<i64>().expect("seconds")).sum();
    assert_eq!(shown["hold"]["charged"].as_i64(), Some(GPUS * elapsed * 1000), "{shown}");
    assert_eq!(desk.tool(&["squeue", "-h", "-j", &arrays]).trim(), "");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

/// The lines that the programs left in a file, in order.
fn ran(desk: &Desk, file: &str) -> Vec<String> {
    let text = fs::read_to_string(desk.work().join(file)).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn real_a_sweep_is_one_array_one_job_and_one_hold_and_the_books_agree() {
    let (_cluster, desk) = jupiter();
    let file = sweep(
        &desk,
        "jupiter",
        "seeds",
        "{ grid: { seed: [1, 2, 3, 4, 5, 6, 7] }, pack: 2, at_once: 2 }",
        "echo $seed >>ran",
    );
    let said = desk.pakt(&["submit", &file]).expect(0).stdout;
    assert!(said.contains("\ncells: 7, in 4 of 4 links\n"), "{said}");
    desk.pakt(&["watch", "seeds"]).expect(0);
    assert_eq!(ran(&desk, "ran"), ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(desk.json(&["show", "seeds"])["over"]["why"], "done");
    expect_books(&desk, "seeds");
    assert_eq!(desk.entries_of_kind("hold"), 1);
}

#[test]
fn real_a_sweep_whose_submission_is_killed_after_any_step_is_finished_by_the_next() {
    let (_cluster, desk) = jupiter();
    for step in STEPS {
        let name = step.to_lowercase();
        let run = format!("echo $seed >>{name}.ran");
        let file = sweep(&desk, "jupiter", &name, "{ grid: { seed: [1, 2, 3, 4, 5] }, pack: 2 }", &run);
        let mut command = desk.command(["submit", &file]);
        let killed = command.env("PAKT_TEST_STOP_AFTER", step).output().expect("the program starts");
        assert_eq!(killed.status.signal(), Some(9), "{step}: {killed:?}");
        let answer = desk.json(&["submit", &file]);
        assert_eq!(answer["links"].as_array().map(Vec::len), Some(3), "{step}: {answer}");
    }
    for name in STEPS.map(str::to_lowercase) {
        expect_books(&desk, &name);
        assert_eq!(ran(&desk, &format!("{name}.ran")), ["1", "2", "3", "4", "5"], "{name}: each worked once");
        let id = text(&desk.json(&["show", &name])["id"]).to_owned();
        let known = desk.tool(&["sacct", "-nXP", "--format=JobID,JobName%80", "--starttime=now-1hour"]);
        assert_eq!(known.lines().filter(|line| line.contains(&id)).count(), 3, "{name}: one array\n{known}");
    }
    assert_eq!(desk.entries_of_kind("hold"), STEPS.len(), "one hold each");
    assert_eq!(desk.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"], 0, "every hold is closed");
}
