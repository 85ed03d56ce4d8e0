//! Exactly once, on a real Slurm.

use crate::{
    desk::Desk,
    once::STEPS,
    real_jupiter::{accounted, charged, job, scheduler_job, text},
};
use lab::{Cluster, User};
use serde_json::Value;
use std::{fs, os::unix::process::ExitStatusExt, process::Stdio, rc::Rc};

const NODE: &str = "{ nodes: 1, gpus_per_node: 4, time: \"00:06:00\" }";

fn jupiter(hours: &str) -> (Rc<Cluster>, Desk) {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", hours);
    (cluster, desk)
}

/// How many lines a program of the job left.
fn ran(desk: &Desk, name: &str) -> usize {
    fs::read_to_string(desk.work().join(format!("{name}.ran"))).map_or(0, |text| text.lines().count())
}

#[test]
fn real_a_submission_killed_after_any_step_becomes_one_working_job_with_one_hold() {
    let (cluster, desk) = jupiter("1000");
    let files = STEPS.map(|step| {
        let name = format!("killed-{}", step.to_lowercase());
        (step, job(&desk, &name, NODE, &format!("until [ -e go ]; do sleep 0.1; done; echo ran >>{name}.ran")), name)
    });
    let mut ids = Vec::new();
    for (step, file, _) in &files {
        let mut command = desk.command(["submit", file]);
        let killed = command.env("PAKT_TEST_STOP_AFTER", step).output().expect("the program starts");
        assert_eq!(killed.status.signal(), Some(9), "{step}: {killed:?}");
        ids.push(scheduler_job(&desk.json(&["submit", file])));
    }
    fs::write(desk.work().join("go"), "").expect("ours");
    for ((step, _, name), slurm) in files.iter().zip(&ids) {
        cluster.await_accounted(slurm).expect("it ends");
        desk.json(&["watch", name]);
        assert_eq!(ran(&desk, name), 1, "{step}");
        let known = desk.tool(&["sacct", "-nXP", "--format=JobID,JobName%80", "--starttime=now-1hour"]);
        let user_jobs = desk.json(&["show", name]);
        let stamp = format!("pakt-{}", text(&user_jobs["intent"]["id"]));
        assert_eq!(known.lines().filter(|line| line.contains(&stamp)).count(), 1, "{step}: one scheduler job");
    }
    assert_eq!(desk.entries_of_kind("hold"), STEPS.len(), "one hold each");
    desk.json(&["settle"]);
    let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!(balance["committed"], 0, "every hold is closed");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_of_two_submissions_at_once_one_works() {
    let (cluster, desk) = jupiter("1000");
    let file = job(&desk, "twice", NODE, "echo ran >>twice.ran");
    let both = [(); 2].map(|()| {
        let mut command = desk.command(["--json", "submit", &file]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    });
    let told: Vec<Value> = both
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).expect("JSON")
        })
        .collect();
    assert_eq!(told[0]["id"], told[1]["id"]);
    cluster.await_accounted(&scheduler_job(&told[0])).expect("it ends");
    desk.json(&["watch", "twice"]);
    assert_eq!((ran(&desk, "twice"), desk.entries_of_kind("hold")), (1, 1));
}

#[test]
fn real_a_second_scheduler_job_of_the_same_link_ends_without_work() {
    let (cluster, desk) = jupiter("1000");
    let file = job(&desk, "claimed", NODE, "echo ran >>claimed.ran; sleep 3");
    let first = desk.json(&["submit", &file]);
    let directory = desk.json(&["show", "claimed"])["directory"].as_str().expect("a path").to_owned();
    // Somebody hands the same script to Slurm once more.
    let second = desk.tool(&["sbatch", "--parsable", "--output=/dev/null", &format!("{directory}/script.sh")]);
    for slurm in [&scheduler_job(&first), &second] {
        cluster.await_accounted(slurm).expect("it ends");
    }
    desk.json(&["watch", "claimed"]);
    assert_eq!(ran(&desk, "claimed"), 1);
    let mut duplicates = fs::read_dir(format!("{directory}/links/1/duplicates")).expect("a duplicate ended");
    let duplicate = duplicates.next().expect("one").expect("an entry").file_name().into_string().expect("digits");
    assert!([scheduler_job(&first), second.clone()].contains(&duplicate));
    // Both burned time, whichever came first to the claim, and both are charged: one of them as foreign.
    desk.json(&["settle"]);
    let elapsed: i64 =
        [&scheduler_job(&first), &second].map(|slurm| accounted(&cluster, &desk, slurm).elapsed).iter().sum();
    let total: i64 = [&scheduler_job(&first), &second].map(|slurm| charged(&desk, slurm)).iter().sum();
    assert_eq!(total, elapsed * 4 * 1000);
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_a_second_scheduler_job_of_a_persons_own_script_ends_without_work() {
    let (cluster, desk) = jupiter("1000");
    let script = "#!/bin/sh\n#SBATCH --account=atlas --nodes=1 --time=00:05:00\n#SBATCH --output=own.log\n\
                  echo \"$1 ${0##*/} $PWD\" >>own.ran\nexec sleep 1.2\n";
    desk.write("own.sh", script);
    let first = scheduler_job(&desk.json(&["sbatch", "own.sh", "a word"]));
    let directory = text(&desk.json(&["show", "own"])["directory"]).to_owned();
    let told = desk.tool(&["scontrol", "write", "batch_script", &first, "-"]);
    let (top, rest) = script.split_once("echo").expect("as written");
    assert!(told.contains(top) && told.ends_with(&format!("echo{}", rest.trim_end())), "{told}");
    // Somebody hands what Slurm was given to it once more.
    let again = format!("{directory}/script.sh");
    let second = desk.tool(&["sbatch", "--parsable", "--output=second.log", &again, "a word"]);
    for slurm in [&first, &second] {
        cluster.await_accounted(slurm).expect("it ends");
        assert_eq!(accounted(&cluster, &desk, slurm).state, "COMPLETED");
    }
    let ran = fs::read_to_string(desk.work().join("own.ran")).expect("it ran here");
    assert_eq!(ran, format!("a word slurm_script {}\n", desk.work().display()));
    let logs = ["own.log", "second.log"].map(|log| fs::read_to_string(desk.work().join(log)).expect("a log"));
    assert_eq!(logs.iter().filter(|log| log.contains("ends without work")).count(), 1, "{logs:?}");
    assert_eq!((logs.iter().filter(|log| log.is_empty()).count(), desk.entries_of_kind("hold")), (1, 1), "{logs:?}");
}

#[test]
fn real_of_sixty_four_submissions_at_once_a_budget_for_ten_gives_ten() {
    // Four GPUs for a tenth of an hour each: 0.4 GPU-h.
    let (_cluster, desk) = jupiter("4");
    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "jupiter:gh200"]).expect(0);
    let children: Vec<_> = (0..64)
        .map(|number| {
            let file = job(&desk, &format!("many-{number}"), NODE, "true");
            let path = desk.work().join(&file);
            let text = fs::read_to_string(&path).expect("written");
            fs::write(&path, format!("{text}scheduler: {{ begin: now+1hour }}\n")).expect("ours");
            let mut command = desk.command(["--json", "submit", &file]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
        })
        .collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().expect("it ends")).collect();
    let count = |code| outputs.iter().filter(|output| output.status.code() == Some(code)).count();
    let others =
        || outputs.iter().map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).collect::<String>();
    assert_eq!((count(0), count(4)), (10, 54), "{}", others());
    let queued = desk.tool(&["squeue", "--me", "--noheader", "--Format=Name:80"]);
    assert_eq!(queued.lines().filter(|name| name.starts_with("many-")).count(), 10);
    let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!((&balance["committed"], &balance["free_at_most"]), (&14_400_000.into(), &0.into()));
    for number in 0..64 {
        desk.pakt(&["cancel", &format!("many-{number}")]).expect(0);
    }
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}
