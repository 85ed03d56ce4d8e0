//! How often Slurm is asked for many jobs, on the lab's JUPITER: as often as for few. Ten thousand, whose directories take
//! minutes to make, are asked for on the double (`scheduler-adapters/tests/faults/shared.rs`).

use crate::{desk::Desk, real_jupiter::job};
use lab::{Cluster, User};
use serde_json::Value;
use std::rc::Rc;

/// Makes a state folder of many jobs out of one, as the benchmark does.
const MANY_JOBS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/lib/many_jobs.py"));

/// How many requests of ada's slurmctld has answered since its start, by its own count (`sdiag`).
fn requests(cluster: &Cluster) -> u64 {
    let said = cluster.command_as(User::Ada, "sdiag").output().expect("it runs");
    let text = String::from_utf8(said.stdout).expect("text");
    let by_user = text.split("statistics by user").nth(1).expect("it counts by user");
    let name = User::Ada.name();
    let line = by_user.lines().find(|line| line.split_whitespace().next() == Some(name)).expect("she asked for this");
    let count = line.split("count:").nth(1).and_then(|rest| rest.split_whitespace().next());
    count.expect("a count").parse().expect("a number")
}

/// What a list of so many jobs that are not over asked: source and number of questions; and how many requests that were to
/// slurmctld. Nobody else asks meanwhile.
fn asked_for(count: usize) -> (Vec<(String, u64)>, u64) {
    let cluster = Rc::new(lab::attach_exclusive("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    let file = job(&desk, "one", "{ nodes: 1, gpus_per_node: 4, time: \"00:01:00\" }", "true");
    desk.pakt(&["submit", "--watch", &file]).expect(0);
    desk.write("many_jobs.py", MANY_JOBS);
    let (state, count_text) = (desk.home().join("state"), (count + 1).to_string());
    desk.tool(&["python3", "many_jobs.py", state.to_str().expect("text"), &count_text, &count.to_string()]);
    // What the watching was told is as good as new.
    desk.tool(&["sh", "-c", &format!("rm -r {}/answers-*", state.display())]);
    let most = (count + 1).to_string();
    let before = requests(&cluster);
    let listed = desk.json(&["jobs", "--most", &most, "--costs"]);
    let requests = requests(&cluster) - before;
    assert_eq!(listed["jobs"].as_array().map(Vec::len), Some(count + 1), "{}", listed["unasked"]);
    let questions = listed["costs"]["questions"].as_array().expect("a list");
    let of = |cost: &Value| Some((cost["source"].as_str()?.to_owned(), cost["questions"].as_u64()?));
    (questions.iter().filter_map(of).collect(), requests)
}

#[test]
fn real_a_thousand_jobs_cost_slurm_what_ten_cost() {
    let [few, many] = [10, 1_000].map(|count| {
        let (asked, requests) = asked_for(count);
        let is_one =
            |(source, questions): &(String, u64)| ["squeue", "sacct"].contains(&source.as_str()) && *questions == 1;
        assert!(asked.iter().all(is_one) && asked.iter().any(|(source, _)| source == "squeue"), "{count}: {asked:?}");
        requests
    });
    assert_eq!(few, many, "requests that slurmctld counted");
}
