//! Runs that were submitted without Pakt, and jobs that it takes over: scripts, shells, adopted jobs.

use crate::{
    desk::Desk,
    real_jupiter::{accounted, charged, scheduler_job, text},
};
use lab::{Cluster, User, wait_until};
use serde_json::Value;
use std::{fs, rc::Rc, time::Duration};

const LIMIT: Duration = Duration::from_mins(2);

fn jupiter() -> (Rc<Cluster>, Desk) {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    (cluster, desk)
}

fn milli(desk: &Desk, field: &str) -> i64 {
    desk.json(&["balance", "atlas"])["balances"][0][field].as_i64().expect("an integer")
}

fn script(desk: &Desk, name: &str, more: &str, body: &str) -> String {
    let file = format!("{name}.sh");
    desk.write(
        &file,
        &format!(
            "#!/bin/bash\n#SBATCH --job-name={name}\n#SBATCH --account=atlas\n#SBATCH --nodes=1\n#SBATCH --gres=gpu:1\n\
             #SBATCH --time=00:05:00\n{more}\n{body}\n"
        ),
    );
    file
}

#[test]
fn real_a_foreign_job_counts_while_it_waits_runs_and_has_ended() {
    let (cluster, desk) = jupiter();
    let before = milli(&desk, "foreign_committed");
    let sbatch = ["sbatch", "--parsable", "--account=atlas", "--nodes=1", "--gres=gpu:1", "--time=00:05:00"];
    let waiting = desk.tool(&[&sbatch[..], &["--begin=now+1hour", "--wrap=true"]].concat());
    // Other tests' jobs come and go; this one alone is worth a whole node for five minutes.
    assert!(milli(&desk, "foreign_committed") >= 4 * 300 * 1000, "{before}");
    desk.tool(&["scancel", &waiting]);
    let ran = desk.tool(&[&sbatch[..], &["--job-name=by-hand", "--output=/dev/null", "--wrap=sleep 1.2"]].concat());
    let row = accounted(&cluster, &desk, &ran);
    desk.json(&["settle"]);
    assert_eq!(charged(&desk, &ran), 4 * row.elapsed * 1000, "a foreign run counts all the same");
    assert_eq!(charged(&desk, &waiting), 0);
}

#[test]
fn real_a_run_that_nothing_binds_is_listed_and_charged_once_bound() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at(&cluster, User::Ben);
    desk.pakt(&["ledger", "init"]).expect(0);
    let grant = ["ledger", "grant", "atlas", "10", "--unit", "jupiter:gh200", "--account", "atlas"];
    desk.pakt(&grant).expect(0);
    let ran = desk.tool(&[
        "sbatch",
        "--parsable",
        "--account=borealis",
        "--nodes=1",
        "--output=/dev/null",
        "--wrap=sleep 1.2",
    ]);
    let row = accounted(&cluster, &desk, &ran);
    desk.json(&["settle"]);
    assert_eq!(charged(&desk, &ran), 0);
    let listed = desk.json(&["ledger", "unattributed"])["unattributed"].to_string();
    assert!(listed.contains("borealis"), "{listed}");
    let bind =
        ["ledger", "bind", "borealis", "--unit", "jupiter:gh200", "--account", "borealis", "--from", "2026-01-01"];
    desk.pakt(&bind).expect(0);
    desk.json(&["settle"]);
    assert_eq!(charged(&desk, &ran), 4 * row.elapsed * 1000);
}

#[test]
fn real_an_unmodified_script_is_held_for_released_and_settled() {
    let (cluster, desk) = jupiter();
    let file = script(&desk, "by-script", "", "sleep 1.2; pwd; echo \"$1\" >said");
    let submitted = desk.json(&["sbatch", &file, "a word"]);
    let slurm = scheduler_job(&submitted);
    assert_eq!(submitted["hold"]["amount"], 4 * 300 * 1000, "a whole node, though one GPU is asked for: {submitted}");
    let again = desk.json(&["sbatch", &file, "a word"]);
    assert_eq!((&again["id"], &again["outcome"]), (&submitted["id"], &"already".into()));
    let row = accounted(&cluster, &desk, &slurm);
    assert_eq!(row.state, "COMPLETED");
    desk.json(&["watch", "by-script"]);
    assert_eq!(fs::read_to_string(desk.work().join("said")).expect("it ran here"), "a word\n");
    assert_eq!(charged(&desk, &slurm), 4 * row.elapsed * 1000);
    assert_eq!(desk.json(&["show", "by-script"])["hold"]["closing"]["reason"], "finished");
    let log = desk.json(&["logs", "by-script"]);
    assert_eq!(text(&log["text"]).trim(), desk.work().display().to_string());
}

#[test]
fn real_a_script_beyond_an_enforced_budget_never_starts() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "0.1");
    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "jupiter:gh200"]).expect(0);
    let file = script(&desk, "too-large", "", "touch started");
    let refused = desk.pakt(&["--json", "sbatch", &file]).expect(4);
    assert!(refused.stderr.contains("taken back before it began"), "{}", refused.stderr);
    let queued = desk.tool(&["squeue", "--me", "--noheader", "--states=PENDING,RUNNING", "--Format=Name:80"]);
    assert!(!queued.contains("too-large"), "{queued}");
    assert!(!desk.work().join("started").exists());
    desk.pakt(&["sbatch", "--anyway", "the reviewers know", &file]).expect(0);
    desk.json(&["cancel", "too-large"]);
}

#[test]
fn real_a_script_of_a_mistyped_project_is_taken_back_where_another_is_enforced() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "100");
    let file = script(&desk, "typo", "", "touch started");
    let as_other = ["sbatch", "--project", "atals", &file];
    let advised = desk.pakt(&as_other).expect(0);
    assert!(advised.stdout.contains("is charged to project `atlas`"), "{}", advised.stdout);
    desk.json(&["cancel", "typo"]);
    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "jupiter:gh200"]).expect(0);
    let refused = desk.pakt(&[&["sbatch", "--again"], &as_other[1..]].concat()).expect(4);
    for words in ["taken back before it began", "that budget is enforced", "write `project: atlas`"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    let queued = desk.tool(&["squeue", "--me", "--noheader", "--states=PENDING,RUNNING", "--Format=Name:80"]);
    assert!(!queued.contains("typo"), "{queued}");
}

#[test]
fn real_arrays_and_other_clusters_are_refused_before_anything_is_sent() {
    let (_cluster, desk) = jupiter();
    for more in ["#SBATCH --array=0-9", "#SBATCH --clusters=other", "#SBATCH hetjob"] {
        let file = script(&desk, "array", more, "true");
        desk.pakt(&["sbatch", &file]).expect(2);
    }
    assert_eq!(desk.json(&["jobs"])["jobs"].as_array().expect("a list").len(), 0);
}

#[test]
fn real_a_script_that_wants_to_stay_held_does() {
    let (_cluster, desk) = jupiter();
    let file = script(&desk, "stays-held", "#SBATCH --hold", "touch started");
    let submitted = desk.json(&["sbatch", &file]);
    let reason = desk.tool(&["squeue", "--noheader", "--format=%r", "--jobs", &scheduler_job(&submitted)]);
    assert_eq!(reason, "JobHeldUser");
    desk.json(&["cancel", "stays-held"]);
}

#[test]
fn real_a_shell_is_held_for_and_settled_and_one_that_never_opens_gives_its_hold_back() {
    let (cluster, desk) = jupiter();
    let words = ["shell", "--nodes", "1", "--gpus-per-node", "4", "--time", "00:02:00", "--account", "atlas"];
    // salloc speaks to the terminal itself.
    let said = desk.pakt(&[&["--json"], &words[..], &["bash", "-c", "sleep 1.2; touch opened"]].concat()).expect(0);
    let opened: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(opened["status"], 0, "{opened}");
    assert!(desk.work().join("opened").exists());
    let slurm = scheduler_job(&opened);
    let row = accounted(&cluster, &desk, &slurm);
    desk.json(&["settle"]);
    assert_eq!(charged(&desk, &slurm), 4 * row.elapsed * 1000);
    let shown = desk.json(&["show", text(&opened["id"])]);
    assert!(shown["hold"]["closing"]["reason"].is_string(), "{shown}");
    // The association is gone between plan and salloc: Slurm refuses at once, and nothing stays held.
    let elsewhere = ["--account", "nobody", "true"];
    let refused = desk.pakt(&[&["--json"], &words[..7], &elsewhere].concat()).expect(4);
    let never: Value = serde_json::from_str(&refused.stdout).expect("JSON");
    assert_eq!(never["scheduler_job"], Value::Null, "{never}");
    assert_eq!(desk.json(&["balance", "atlas"])["balances"][0]["committed"], 0);
}

#[test]
fn real_a_job_that_is_taken_over_keeps_its_charge_however_often_it_is_settled() {
    let (cluster, desk) = jupiter();
    let wrap = format!("--wrap=until [ -e {}/go ]; do sleep 0.1; done", desk.work().display());
    let call = [
        "sbatch",
        "--parsable",
        "--account=atlas",
        "--nodes=1",
        "--time=00:05:00",
        "--output=/dev/null",
        "--job-name=by-hand",
    ];
    let slurm = desk.tool(&[&call[..], &[&wrap]].concat());
    let adopted = desk.json(&["adopt", &slurm]);
    assert_eq!(
        (&adopted["was_known"], &adopted["hold"]["amount"]),
        (&false.into(), &(4 * 300 * 1000).into()),
        "{adopted}"
    );
    assert_eq!(desk.json(&["adopt", &slurm])["was_known"], true);
    let id = text(&adopted["id"]).to_owned();
    wait_until("the start", LIMIT, || {
        let state = desk.json(&["show", &id])["state"]["base"].clone();
        (state == "RUNNING").then_some(())
    })
    .expect("it runs");
    fs::write(desk.work().join("go"), "").expect("ours");
    let row = accounted(&cluster, &desk, &slurm);
    for _ in 0..3 {
        desk.json(&["settle"]);
        assert_eq!(charged(&desk, &slurm), 4 * row.elapsed * 1000);
        let shown = desk.json(&["show", &id]);
        assert_eq!(shown["hold"]["charged"].as_i64(), Some(4 * row.elapsed * 1000), "{shown}");
        assert_eq!(shown["ended"]["state"]["base"], "COMPLETED");
    }
    assert_eq!(desk.entries_of_kind("correct"), 0, "nothing was reversed");
    let over = desk.pakt(&["adopt", &slurm]);
    assert_eq!(over.code, Some(2), "a job that is over is not taken over: {}", over.stderr);
    let others: Vec<Value> = desk.json(&["jobs"])["jobs"].as_array().expect("jobs").clone();
    assert_eq!(others.len(), 1);
}
