//! Chains on a real Slurm: whatever happens to a link, the chain ends right, and the books agree to the second.

use crate::{
    desk::Desk,
    real_jupiter::{charged, text},
};
use lab::{Cluster, User, wait_until};
use serde_json::Value;
use std::{fs, path::Path, rc::Rc, time::Duration};

pub(crate) const PATIENCE: Duration = Duration::from_mins(3);
/// The GPUs of a node.
const GPUS: i64 = 4;

fn jupiter() -> (Rc<Cluster>, Desk) {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    (cluster, desk)
}

/// The trainer of docs/checkpoints.md, which takes so long a step.
fn trainer(desk: &Desk, seconds_a_step: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/checkpoints.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, behind) = page.split_once("```python\n").expect("an example");
    let (example, _) = behind.split_once("```").expect("its end");
    let pause = format!("; time.sleep({seconds_a_step})  # One step");
    desk.write("train.py", &example.replace("import json,", "import time, json,").replacen("# One step", &pause, 1));
}

/// A chain of links of one node and one minute, with these words below `chain:` and these lines.
fn chain(desk: &Desk, name: &str, words: &str, run: &str, more: &str) -> String {
    let file = desk.job_at("jupiter", name, "{ nodes: 1, gpus_per_node: 4, time: \"00:01:00\" }", run);
    continued(desk, &file, words, more);
    file
}

/// Makes a chain of a job file, with these words and these lines.
fn continued(desk: &Desk, file: &str, words: &str, more: &str) {
    let path = desk.work().join(file);
    let written = fs::read_to_string(&path).expect("written");
    fs::write(&path, format!("{written}chain: {{ until: steps, {words} }}\n{more}")).expect("ours");
}

/// The scheduler jobs of a chain, in the order of its links.
pub(crate) fn links(desk: &Desk, name: &str) -> Vec<String> {
    let shown = desk.json(&["show", name]);
    let links = shown["links"].as_array().expect("links").iter();
    links
        .map(|link| link["scheduler_job"].as_str().map_or_else(|| link["scheduler_job"].to_string(), str::to_owned))
        .collect()
}

/// Waits until a file is there that the job's program makes.
fn await_file(desk: &Desk, name: &str) {
    let is_there = || desk.work().join(name).exists().then_some(());
    wait_until(name, PATIENCE, is_there).expect("the program makes it");
}

/// The queue has nothing of these jobs, and the books have, for each, what `sacct -D` says of it to the second.
pub(crate) fn expect_books(cluster: &Cluster, desk: &Desk, name: &str, gpus: i64) {
    let links = links(desk, name);
    let shown = desk.json(&["show", name]);
    let (attempts, id) = (shown["attempts"].as_array().expect("attempts"), text(&shown["id"]).to_owned());
    let has_begun = |link: &str| attempts.iter().any(|one| one["scheduler_job"].to_string().trim_matches('"') == link);
    for link in links.iter().filter(|link| has_begun(link)) {
        cluster.await_accounted(link).expect("accounted");
    }
    let is_settled = || {
        desk.json(&["settle"]);
        let hold = &desk.json(&["show", name])["hold"];
        (!hold["closing"].is_null()).then_some(())
    };
    wait_until("the end of the hold", PATIENCE, is_settled).expect("nothing is left to wait for");
    let mut all = 0;
    for link in &links {
        // A controller that was killed gives numbers again: what is of another job has another stamp.
        let rows = desk.tool(&["sacct", "-nXPD", "--format=ElapsedRaw,JobName%200", "--jobs", link]);
        let of_job = rows.lines().filter_map(|row| row.split_once('|')).filter(|(_, name)| name.contains(&id));
        let elapsed: i64 = of_job.map(|(elapsed, _)| elapsed.parse::<i64>().expect("seconds")).sum();
        assert_eq!(charged(desk, link), gpus * elapsed * 1000, "link {link}");
        all += gpus * elapsed * 1000;
    }
    let shown = desk.json(&["show", name]);
    assert_eq!(shown["hold"]["charged"].as_i64(), Some(all), "{shown}");
    assert_eq!(desk.tool(&["squeue", "-h", "-j", &links.join(",")]).trim(), "");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}

/// How the youngest job of a number ended.
fn state_of(desk: &Desk, link: &str) -> String {
    desk.tool(&["sacct", "-nXP", "--format=State", "--jobs", link]).lines().last().unwrap_or_default().trim().to_owned()
}

fn over(desk: &Desk, name: &str) -> Value {
    desk.json(&["show", name])["over"].clone()
}

fn classes(desk: &Desk, name: &str) -> Vec<String> {
    let shown = desk.json(&["show", name]);
    let attempts = shown["attempts"].as_array().expect("attempts").iter();
    attempts.map(|one| one["class"].as_str().unwrap_or("none").to_owned()).collect()
}

#[test]
fn real_a_chain_goes_on_past_its_limit_and_ends_when_its_work_is_done() {
    let (cluster, desk) = jupiter();
    trainer(&desk, "0.1");
    // Told 8 s after its start: in two links there is no time for 200 steps.
    let file = chain(&desk, "lm", "steps: 200, lead: 52s, ahead: 3", "python3 train.py", "");
    let said = desk.pakt(&["submit", &file]).expect(0).stdout;
    assert!(said.contains("behind it: link 2 as ") && said.contains(", link 3 as "), "{said}");
    let waiting = desk.tool(&["squeue", "-h", "-o", "%E", "-j", &links(&desk, "lm")[1..].join(",")]);
    assert!(waiting.lines().all(|line| line.starts_with("afterany:")), "{waiting}");
    desk.pakt(&["watch", "lm"]).expect(0);
    assert_eq!((over(&desk, "lm")["why"].as_str(), over(&desk, "lm")["step"].as_u64()), (Some("done"), Some(200)));
    let classes = classes(&desk, "lm");
    assert!(
        classes.len() >= 3 && classes[..classes.len() - 1].iter().all(|class| class == "checkpointed"),
        "{classes:?}"
    );
    expect_books(&cluster, &desk, "lm", GPUS);
}

#[test]
fn real_a_crash_loop_ends_after_so_many_links() {
    let (cluster, desk) = jupiter();
    let file = chain(&desk, "crash", "stalled_links: 2, ahead: 3", "echo crash; exit 3", "");
    desk.pakt(&["submit", "--watch", &file]).expect(6);
    assert_eq!(over(&desk, "crash")["why"], "stalled");
    assert_eq!(classes(&desk, "crash"), ["failed", "failed"]);
    let told = desk.pakt(&["show", "crash"]).expect(0).stdout;
    assert!(told.contains("too many links made no newer checkpoint"), "{told}");
    expect_books(&cluster, &desk, "crash", GPUS);
}

/// Ledger, claims of requests, configuration and what was learnt of the cluster: all but the directories of jobs, which lie where the
/// nodes see them.
#[test]
fn real_a_chain_goes_on_although_all_else_on_the_login_node_was_lost() {
    let (cluster, desk) = jupiter();
    trainer(&desk, "0.1");
    let run = "echo \"from ${PAKT_RESUME_STEP:-0}\"; python3 train.py";
    let file = chain(&desk, "lost", "steps: 200, lead: 52s, ahead: 1", run, "");
    desk.pakt(&["submit", &file]).expect(0);
    let first = links(&desk, "lost").join(",");
    let is_over = || desk.tool(&["squeue", "-h", "-j", &first]).trim().is_empty().then_some(());
    wait_until("the end of the first link", PATIENCE, is_over).expect("it ends");
    let shown = desk.json(&["show", "lost"]);
    let (directory, saved) = (text(&shown["directory"]).to_owned(), shown["checkpoints"]["last"]["step"].clone());
    assert!(saved.as_u64().is_some_and(|step| step > 0), "{shown}");
    for (folder, kept) in [(desk.home(), "state"), (desk.home().join("state"), "jobs")] {
        for entry in fs::read_dir(folder).expect("a folder").flatten().filter(|entry| entry.file_name() != kept) {
            let is_folder = entry.file_type().expect("known").is_dir();
            let path = entry.path();
            if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("ours");
        }
    }
    desk.configure("site: jupiter\nproject: atlas\n");
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "1000", "--unit", "jupiter:gh200", "--account", "atlas"]).expect(0);
    let resumed = desk.json(&["resume", "--directory", &directory]);
    assert_eq!(resumed["job"]["sent"].as_array().map(Vec::len), Some(1), "{resumed}");
    desk.pakt(&["watch", "lost"]).expect(0);
    let over = over(&desk, "lost");
    assert_eq!((&over["why"], over["step"].as_u64()), (&"done".into(), Some(200)), "{over}");
    // The second link began where the first one had saved, and what it printed stands behind what the first one did.
    let begun = |words: &[&str]| -> Vec<String> {
        let log = desk.pakt(&[&["logs", "lost"], words].concat()).expect(0).stdout;
        log.lines().filter(|line| line.starts_with("from ")).map(str::to_owned).collect()
    };
    assert_eq!(begun(&["--attempt", "2"]), [format!("from {saved}")]);
    assert_eq!(begun(&[])[..2], ["from 0".to_owned(), format!("from {saved}")]);
    expect_books(&cluster, &desk, "lost", GPUS);
}

#[test]
fn real_a_cancelled_chain_leaves_nothing_in_the_queue() {
    let (cluster, desk) = jupiter();
    let file = chain(&desk, "ends", "ahead: 4", "touch started; sleep 600", "");
    desk.json(&["submit", &file]);
    await_file(&desk, "started");
    let jobs = links(&desk, "ends");
    assert_eq!(jobs.len(), 4);
    desk.pakt(&["cancel", "ends"]).expect(0);
    let is_empty = || desk.tool(&["squeue", "-h", "-j", &jobs.join(",")]).trim().is_empty().then_some(());
    wait_until("the queue", PATIENCE, is_empty).expect("nothing is left");
    expect_books(&cluster, &desk, "ends", GPUS);
    let begun = desk.json(&["show", "ends"])["attempts"].as_array().map(Vec::len);
    assert_eq!(begun, Some(1), "none of the others began");
    assert_eq!(desk.json(&["show", "ends"])["ended"]["state"]["base"], "CANCELLED");
}

/// What happens to the first link while its program works; the second one is to end the chain.
fn disturbed(name: &str, more: &str, disturb: impl FnOnce(&Cluster, &Desk, &str)) -> (Rc<Cluster>, Desk) {
    let (cluster, desk) = jupiter();
    let run = "echo \"$SLURM_JOB_NODELIST\" >node.$PAKT_LINK; echo $$ >pid.$PAKT_LINK; touch started.$PAKT_LINK; \
               [ \"$PAKT_LINK\" = 1 ] || exit 0; sleep 600";
    let file = chain(&desk, name, "ahead: 2", run, more);
    desk.json(&["submit", &file]);
    await_file(&desk, "started.1");
    let first = links(&desk, name)[0].clone();
    disturb(&cluster, &desk, &first);
    desk.pakt(&["watch", name]).expect(0);
    assert_eq!((over(&desk, name)["why"].as_str(), over(&desk, name)["link"].as_u64()), (Some("done"), Some(2)));
    expect_books(&cluster, &desk, name, GPUS);
    (cluster, desk)
}

#[test]
fn real_a_link_whose_program_is_killed_is_followed_by_the_next() {
    let (_, desk) = disturbed("killed", "", |_, desk, _| {
        let pid = fs::read_to_string(desk.work().join("pid.1")).expect("it said");
        desk.tool(&["kill", "-KILL", pid.trim()]);
    });
    assert_eq!(classes(&desk, "killed")[0], "failed");
}

#[test]
fn real_a_link_whose_node_is_set_down_is_followed_on_another() {
    let (cluster, desk) = disturbed("node-down", "", |cluster, desk, first| {
        let node = fs::read_to_string(desk.work().join("node.1")).expect("it said");
        let node = format!("NodeName={}", node.trim());
        let did = |words: &[&str]| cluster.scontrol(words).map(drop);
        did(&["update", &node, "State=DOWN", "Reason=test"]).expect("set down");
        let is_over = || desk.tool(&["squeue", "-h", "-t", "RUNNING", "-j", first]).trim().is_empty().then_some(());
        let ended = wait_until("the end of the link", PATIENCE, is_over);
        // It comes back by itself where it reports in between (slurm.conf(5), ReturnToService).
        let is_back = || {
            let shown = cluster.scontrol(["--oneliner", "show", "node", node.trim_start_matches("NodeName=")]);
            let is_down = shown.is_ok_and(|shown| shown.contains("State=DOWN"));
            (!is_down || did(&["update", &node, "State=RESUME"]).is_ok()).then_some(())
        };
        wait_until("the node", PATIENCE, is_back).expect("it is back");
        ended.expect("its node is down");
    });
    let first = links(&desk, "node-down")[0].clone();
    assert_eq!(state_of(&desk, &first), "NODE_FAIL");
    drop(cluster);
}

/// The log blames the node of the first link: the second one, which waits behind it, runs on another, and so does the third, which is
/// queued later.
#[test]
fn real_a_node_that_the_log_blames_is_left_out_of_the_links_to_come() {
    let (cluster, desk) = jupiter();
    let run = "echo \"$SLURMD_NODENAME\" >\"node.$PAKT_LINK\"; scontrol --oneliner show job \"$SLURM_JOB_ID\" >\"seen.$PAKT_LINK\"\n\
               case \"$PAKT_LINK\" in 1) echo 'RuntimeError: GPU has fallen off the bus'; exit 1 ;; 2) exit 3 ;; esac";
    let file = chain(&desk, "bad", "stalled_links: 2", "sh run.sh", "on_failure: { user_code: 1 }\n");
    desk.write("run.sh", run);
    desk.pakt(&["submit", "--watch", &file]).expect(0);
    let read = |name: &str| fs::read_to_string(desk.work().join(name)).expect("written").trim().to_owned();
    let bad = read("node.1");
    for link in [2, 3] {
        assert_ne!(read(&format!("node.{link}")), bad, "link {link}");
        let seen = read(&format!("seen.{link}"));
        assert!(seen.contains(&format!(" ExcNodeList={bad} ")), "link {link}: {seen}");
    }
    let shown = desk.json(&["show", "bad"]);
    let failures: Vec<&Value> =
        shown["attempts"].as_array().expect("attempts").iter().map(|one| &one["failure"]).collect();
    assert_eq!(
        failures,
        ["node-fault", "user-code", "null"]
            .map(|word| if word == "null" { Value::Null } else { word.into() })
            .iter()
            .collect::<Vec<_>>()
    );
    expect_books(&cluster, &desk, "bad", GPUS);
}

#[test]
fn real_a_link_that_makes_room_for_an_urgent_job_is_followed_by_the_next() {
    let (_, desk) = disturbed("makes-room", "scheduler: { qos: leftover }\n", |_, desk, _| {
        let node = fs::read_to_string(desk.work().join("node.1")).expect("it said");
        let node = format!("--nodelist={}", node.trim());
        let words = ["sbatch", "--parsable", "--account=atlas", "--qos=urgent", "--time=5", "--output=/dev/null"];
        desk.tool(&[&words[..], &[node.as_str(), "--wrap=true"]].concat());
    });
    let first = links(&desk, "makes-room")[0].clone();
    assert_eq!(state_of(&desk, &first), "PREEMPTED");
}

#[test]
fn real_a_requeue_from_outside_starts_no_link_twice() {
    disturbed("requeued", "", |cluster, desk, first| {
        // It is sent with `--no-requeue`: the next link is the one that goes on.
        assert!(cluster.scontrol(["requeue", first]).is_err(), "Slurm does not do it");
        desk.tool(&["scancel", first]);
    });
}

/// On a cluster with few tests: whoever stops its servers waits until nobody else uses it.
#[test]
#[ignore = "it stops the lab's servers, and takes minutes where the controller forgets a link: ./ci/soak restart"]
fn real_raven_a_controller_that_is_killed_and_started_again_loses_no_link() {
    let cluster = Rc::new(lab::attach_exclusive("raven").expect("the lab is up"));
    let desk = Desk::at(&cluster, User::Ada);
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "100", "--unit", "raven:a100"]).expect(0);
    trainer(&desk, "0.1");
    let resources = "{ nodes: 1, gpus_per_node: 1, time: \"00:01:00\" }";
    let file = desk.job_at("raven", "restarted", resources, "touch started; python3 train.py");
    continued(&desk, &file, "steps: 150, lead: 52s, ahead: 2", "");
    desk.json(&["submit", &file]);
    await_file(&desk, "started");
    cluster.kill_slurmctld().expect("killed");
    cluster.start_slurmctld().expect("started");
    desk.pakt(&["watch", "restarted"]).expect(0);
    assert_eq!(over(&desk, "restarted")["why"], "done");
    expect_books(&cluster, &desk, "restarted", 1);
    // What is told to save where that step was passed saves behind it.
    let step = over(&desk, "restarted")["step"].as_u64();
    assert!(step.is_some_and(|step| (150..=200).contains(&step)), "{step:?}");
}
