//! Exactly once from a laptop: a person's own script that lies at the site, killed half-way.

use crate::{
    laptop::KILLED,
    real_jupiter::{scheduler_job, text},
    real_ssh::{await_all_settled, connected, entries},
};
use lab::User;
use std::{collections::BTreeSet, fs};

/// The steps in the order in which a script takes them: what it asks for is held once Slurm has it.
const STEPS: [&str; 8] = ["Claimed", "Intended", "Scripted", "Sending", "Sent", "Submitted", "ReadBack", "Held"];

#[test]
fn real_a_script_killed_on_the_laptop_after_any_step_becomes_one_working_job_with_one_hold() {
    let laptop = connected();
    let site = laptop.at_site();
    let gate = format!("until [ -e {0}/go ] || [ ! -d {0} ]; do sleep 0.1; done", site.display());
    let mut submitted = Vec::new();
    for step in STEPS {
        let script = site.join(format!("killed-{}.sh", step.to_lowercase()));
        let lines = format!(
            "#!/bin/sh\n#SBATCH --account=atlas --nodes=1 --gres=gpu:4 --time=00:06:00 --output=/dev/null\n{gate}\n\
             sleep 1.2\necho \"$1\" >>{}/{step}.ran\n",
            site.display()
        );
        fs::write(&script, lines).expect("root writes anywhere");
        let words = ["sbatch", script.to_str().expect("text"), "a word"];
        let killed = laptop.pakt_killed_after(step, &words);
        assert_eq!(killed.status.code(), Some(KILLED), "{step}: {killed:?}");
        let answer = laptop.json(&words);
        assert_eq!(laptop.json(&words)["id"], answer["id"], "{step}: it is one job");
        submitted.push((step, text(&answer["id"]).to_owned(), scheduler_job(&answer)));
    }
    fs::write(site.join("go"), "").expect("root writes anywhere");
    for (step, id, slurm) in &submitted {
        laptop.cluster.await_accounted(slurm).expect("it ends");
        laptop.pakt(&["watch", id]).expect(0);
        let ran = fs::read_to_string(site.join(format!("{step}.ran"))).expect("it ran");
        assert_eq!(ran, "a word\n", "{step}: worked once");
        let mut sacct = laptop.cluster.command_as(User::Ada, "sacct");
        sacct.args(["-nXP", "--format=JobID,JobName%80", "--starttime=now-1hour"]);
        let known = String::from_utf8(sacct.output().expect("it runs").stdout).expect("text");
        assert_eq!(known.lines().filter(|line| line.contains(&format!("pakt-{id}"))).count(), 1, "{step}: {known}");
    }
    await_all_settled(&laptop);
    let held: BTreeSet<String> =
        entries(&laptop, "hold").iter().map(|entry| text(&entry["links"]["hold"]).to_owned()).collect();
    let ids: BTreeSet<String> = submitted.iter().map(|(_, id, _)| id.clone()).collect();
    assert_eq!((held, entries(&laptop, "hold").len()), (ids, STEPS.len()), "one hold each");
    let settled = entries(&laptop, "settle");
    for (step, _, slurm) in &submitted {
        let of_it = settled.iter().filter(|entry| scheduler_job(&entry["links"]["run"]) == *slurm);
        assert_eq!(of_it.count(), 1, "{step}: charged once");
    }
    assert_eq!(laptop.json(&["ledger", "verify"])["is_consistent"], true);
    assert_eq!(laptop.node.logins().expect("a log"), 1, "one connection for all of it");
}
