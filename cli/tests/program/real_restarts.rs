//! Submissions that are killed and run again while slurmctld comes and goes: `./ci/soak restart`.

use crate::{
    desk::Desk,
    real_jupiter::{job, text},
    way::Way,
};
use lab::{Cluster, User, wait_until};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    env, fs,
    process::Stdio,
    rc::Rc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const NODE: &str = "{ nodes: 1, gpus_per_node: 4, time: \"00:06:00\" }";
/// So many rounds one desk holds the cluster alone; others may have it in between.
const ROUNDS_A_DESK: u64 = 3;
const LIMIT: Duration = Duration::from_mins(5);
/// Not reachable, and outcome unknown: the same command goes on.
const LATER: [Option<i32>; 2] = [Some(3), Some(5)];

/// Over, because slurmctld forgot it: the same command makes a new one.
const FORGOTTEN: Option<i32> = Some(4);

/// Random numbers that a seed repeats (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        for shift in [13_i32, -7, 17] {
            self.0 ^= if shift > 0 { self.0 << shift } else { self.0 >> -shift };
        }
        self.0 % most
    }

    fn wait(&mut self, most_milliseconds: u64) {
        thread::sleep(Duration::from_millis(self.below(most_milliseconds)));
    }
}

/// The way of a round: each in its turn, for scripts and for job files.
fn way(round: u64) -> Way {
    Way::ALL[usize::try_from((round + round / 3) % 3).expect("one of three")]
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// What is typed in a round: every third is a person's own script. The job waits until it may go.
fn words(desk: &Desk, round: u64) -> [String; 2] {
    let run = format!("until [ -e go ]; do sleep 0.1; done; echo ran >>{round}.ran");
    if !round.is_multiple_of(3) {
        return ["submit".to_owned(), job(desk, &format!("restart-{round}"), NODE, &run)];
    }
    let file = format!("restart-{round}.sh");
    desk.write(&file, &format!("#!/bin/bash\n#SBATCH --account=atlas --nodes=1 --time=00:06:00\n{run}\n"));
    ["sbatch".to_owned(), file]
}

/// Kills the command up to four times while slurmctld goes and comes back, and then runs it until it is done: minutes
/// later, where nobody sees whether a call of the library's or of slurmrestd's is over. How often it was killed.
fn round(cluster: &Cluster, desk: &Desk, chance: &mut Chance, round: u64) -> u64 {
    way(round).take(cluster, desk, User::Ada);
    let words = words(desk, round);
    let mut servers = Chance(chance.0 | 1);
    let mut kills = 0;
    thread::scope(|scope| {
        let restarted = scope.spawn(move || {
            servers.wait(600);
            if round.is_multiple_of(2) { cluster.kill_slurmctld() } else { cluster.stop_slurmctld() }.expect("it ends");
            servers.wait(2_000);
            cluster.start_slurmctld().expect("it starts");
        });
        for _ in 0..=chance.below(4) {
            let mut command = desk.command(&words);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
            chance.wait(700);
            child.kill().expect("ours");
            kills += u64::from(child.wait().expect("it ends").code().is_none());
        }
        restarted.join().expect("no panic");
    });
    let mut last = String::new();
    let typed = || {
        let output = desk.command(&words).output().expect("the program starts");
        last = format!("{words:?}: {output:?}");
        assert!(
            [Some(0), FORGOTTEN].contains(&output.status.code()) || LATER.contains(&output.status.code()),
            "{last}"
        );
        output.status.success().then_some(())
    };
    let submitted = wait_until("the submission", LIMIT, typed);
    submitted.unwrap_or_else(|error| panic!("{error}: {last}"));
    kills
}

/// Lets go what waits under a hold though Pakt let it go: slurmctld was killed before it had saved that. How many did.
fn release_forgotten(desk: &Desk) -> usize {
    let held = desk.tool(&["squeue", "--me", "--noheader", "--states=PENDING", "--format=%i %r %j"]);
    let ours = held.lines().filter(|line| line.contains(" JobHeldUser restart-"));
    ours.map(|line| drop(desk.tool(&["scontrol", "release", line.split(' ').next().unwrap_or_default()]))).count()
}

/// Submits again, as a person would, what slurmctld took and was killed before it had saved: the queue has no such job. How many these
/// were.
fn submit_forgotten(desk: &Desk, rounds: &[u64]) -> usize {
    let queued = desk.tool(&["squeue", "--me", "--noheader", "--Format=Name:80"]);
    let jobs = desk.json(&["jobs"]);
    let is_there = |job: &&Value| queued.contains(&format!("pakt-{}", text(&job["id"])));
    let forgotten: Vec<&Value> = jobs["jobs"].as_array().expect("a list").iter().filter(|job| !is_there(job)).collect();
    for job in &forgotten {
        let id = text(&job["id"]);
        desk.json(&["settle"]);
        let is_over = desk.json(&["show", id])["ended"].is_object();
        if !is_over {
            desk.pakt(&["cancel", id]).expect(0);
        }
        let round =
            rounds.iter().find(|round| job["name"].as_str().is_some_and(|name| name.ends_with(&format!("-{round}"))));
        let words = words(desk, *round.expect("one of these"));
        // One that had not been read back is taken back first, as it was cancelled meanwhile.
        let mut last = String::new();
        let typed = || {
            let output = desk.command(&words).output().expect("the program starts");
            last = format!("{words:?}: {output:?}; {}", desk.pakt(&["show", id]).stdout);
            assert!([Some(0), Some(4)].contains(&output.status.code()), "{last}");
            output.status.success().then_some(())
        };
        let submitted = wait_until("the submission of what was forgotten", LIMIT, typed);
        submitted.unwrap_or_else(|error| panic!("{error}: {last}"));
    }
    forgotten.len()
}

/// Lets all jobs of the desk work, and says what is not as it must be. How many scheduler jobs there were.
fn end(desk: &Desk, rounds: &[u64], lost: usize) -> Result<usize, String> {
    fs::write(desk.work().join("go"), "").map_err(|error| error.to_string())?;
    let waiting = || desk.tool(&["squeue", "--me", "--noheader", "--states=PENDING,RUNNING", "--Format=Name:80"]);
    wait_until("the end of the jobs", LIMIT, || (!waiting().contains("restart-")).then_some(()))
        .map_err(|error| error.to_string())?;
    let committed = || desk.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"].clone();
    let is_settled = || {
        let settled = desk.command(["settle"]).output().expect("the program starts");
        (settled.status.success() && committed() == 0).then_some(())
    };
    wait_until("the last settlement", LIMIT, is_settled)
        .map_err(|error| format!("{error}; {}", desk.json(&["jobs"])))?;
    let known = desk.tool(&["sacct", "-nXP", "--format=JobIDRaw,JobName%80", "--starttime=now-1hour"]);
    let jobs = desk.json(&["jobs"]);
    let jobs: BTreeSet<&str> =
        jobs["jobs"].as_array().ok_or("no list")?.iter().map(|job: &Value| text(&job["id"])).collect();
    let came = known.lines().filter(|line| jobs.iter().any(|id| line.contains(&format!("pakt-{id}")))).count();
    let ran = |round: &u64| fs::read_to_string(desk.work().join(format!("{round}.ran"))).unwrap_or_default();
    let wrong: Vec<_> = rounds.iter().filter(|round| ran(round) != "ran\n").collect();
    let holds = desk.entries_of_kind("hold");
    let is_whole = desk.json(&["ledger", "verify"])["is_consistent"] == true;
    let wanted = rounds.len() + lost;
    // What was forgotten before it was read back was never held for.
    let may_be_held = rounds.len()..=wanted;
    if !wrong.is_empty() || !may_be_held.contains(&holds) || jobs.len() != wanted || !is_whole {
        return Err(format!("not once: {wrong:?}; {holds} holds, {} jobs for {rounds:?}; {known}", jobs.len()));
    }
    Ok(came)
}

#[test]
#[ignore = "it takes minutes and stops the lab's servers: ./ci/soak restart"]
fn real_submissions_while_slurmctld_comes_and_goes() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let (rounds, seed) = (number("PAKT_SOAK_ROUNDS").unwrap_or(50), number("PAKT_SOAK_SEED").unwrap_or(since));
    let mut chance = Chance(seed | 1);
    let (mut kills, mut came, mut forgotten, mut lost) = (0, 0, 0, 0);
    for first in (1..=rounds).step_by(usize::try_from(ROUNDS_A_DESK).expect("few")) {
        let cluster = Rc::new(lab::attach_exclusive("jupiter").expect("the lab is up"));
        let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
        let of_desk: Vec<u64> = (first..(first + ROUNDS_A_DESK).min(rounds + 1)).collect();
        for number in &of_desk {
            kills += round(&cluster, &desk, &mut chance, *number);
        }
        forgotten += release_forgotten(&desk);
        let forgotten_jobs = submit_forgotten(&desk, &of_desk);
        lost += forgotten_jobs;
        came += end(&desk, &of_desk, forgotten_jobs).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        // It saves what it knows, so that the next desk's kill makes it forget nothing of this one.
        cluster.stop_slurmctld().expect("it ends");
        cluster.start_slurmctld().expect("it starts");
    }
    println!(
        "restart {rounds} jobs, {rounds} restarts of slurmctld; killed {kills} times; {came} scheduler jobs; {forgotten} releases \
         and {lost} jobs that slurmctld forgot (seed {seed})"
    );
}
