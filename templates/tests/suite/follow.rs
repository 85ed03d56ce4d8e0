//! A link of an evaluation that follows a chain takes the checkpoints that are new, and begins what no link ended.

use crate::{
    common::{job, stamp},
    sites,
    stage::{Stage, Start, errors, signal},
    sweep::record,
};
use model::{Evaluation, Follows, Harness, JobId, JobSpec, Launch, LinkNumber, Stamp, Sweep, Timestamp};
use std::{fs, path::PathBuf, process::Output};
use templates::{BatchScript, Dialect, render};

fn chain() -> JobId {
    JobId::from_parts(Timestamp::from_epoch_seconds(1_700_000_000), 7)
}

fn follows(tasks: &[&str], every: Option<u64>) -> Sweep {
    Sweep {
        parameters: ["PAKT_MODEL", "PAKT_STEP", "PAKT_TASKS"].map(|name| name.parse().expect("a name")).into(),
        cells: Vec::new(),
        pack: 1,
        side_by_side: 1,
        at_once: None,
        evaluation: Some(Evaluation { harness: Harness::Command, serve: None }),
        follows: Some(Follows {
            chain: "train".to_owned(),
            job: Some(chain()),
            tasks: tasks.iter().map(|tasks| (*tasks).to_owned()).collect(),
            every,
        }),
        continues: None,
    }
}

const SEES: &str = "echo \"$PAKT_LINK $PAKT_CELL ${PAKT_MODEL##*/} $PAKT_STEP $PAKT_TASKS\" >>\"$STAGE/seen\"; echo it >\"$PAKT_RESULTS/scores.jsonl\"";

fn spec(sweep: Sweep, run: &str) -> JobSpec {
    JobSpec { sweep: Some(sweep), ..job(Launch::Command, run) }
}

/// The chain's program saved these, or says that it did: steps and names, of which those that begin with `gone` are not there.
fn saved(stage: &Stage, checkpoints: &[(u64, &str)]) {
    let folder = stage.path(&chain().to_string());
    fs::create_dir_all(&folder).expect("ours");
    let line = |(step, name): &(u64, &str)| {
        let path = folder.join(name);
        if !name.starts_with("gone") {
            fs::create_dir_all(&path).expect("ours");
        }
        format!("{step} {}\n", path.display())
    };
    fs::write(folder.join("checkpoints"), checkpoints.iter().map(line).collect::<String>()).expect("ours");
}

fn script(stage: &Stage, spec: &JobSpec, link: u32) -> PathBuf {
    let job_directory = stage.path("job");
    let script = BatchScript {
        is_array: false,
        code: None,
        stamp: Stamp { link: LinkNumber::new(link).expect("not 0"), ..stamp() },
        spec,
        placement: &sites::local(),
        job_directory: job_directory.to_str().expect("a path as text"),
        dialect: Dialect::Slurm,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    let file = stage.path(&format!("script.{link}"));
    fs::write(&file, render(&script).expect("a script")).expect("a script");
    file
}

fn run(stage: &Stage, spec: &JobSpec, link: u32) -> Output {
    stage.run(&script(stage, spec, link), &Start::slurm(40 + u64::from(link)))
}

fn log(stage: &Stage, link: u32) -> String {
    stage.read(&format!("job/links/{link}/log"))
}

#[test]
fn each_link_takes_what_is_new_and_one_without_anything_new_ends_at_once() {
    let stage = Stage::new();
    let spec = spec(follows(&["sums,words", "maths"], None), SEES);
    // Nothing was saved yet, and the chain has no list.
    assert_eq!(run(&stage, &spec, 1).status.code(), Some(0), "{}", log(&stage, 1));
    assert_eq!(log(&stage, 1), "pakt: no checkpoint is new; scheduler job 41 ends without work\n");
    assert!(stage.read("job/links/1/attempts/41-0/ended").contains("exit_code=0\n"));

    saved(&stage, &[(10, "it's 10%"), (20, "b$HOME")]);
    assert_eq!(run(&stage, &spec, 2).status.code(), Some(0), "{}", log(&stage, 2));
    saved(&stage, &[(10, "it's 10%"), (20, "b$HOME"), (20, "b$HOME"), (30, "c")]);
    assert_eq!(run(&stage, &spec, 3).status.code(), Some(0), "{}", log(&stage, 3));
    assert_eq!(run(&stage, &spec, 4).status.code(), Some(0), "{}", log(&stage, 4));
    let seen = stage.read("seen");
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(
        lines,
        [
            "2 1 it's 10% 10 sums,words",
            "2 2 it's 10% 10 maths",
            "2 3 b$HOME 20 sums,words",
            "2 4 b$HOME 20 maths",
            "3 5 c 30 sums,words",
            "3 6 c 30 maths"
        ]
    );
    assert_eq!(record(&stage, 3, "43-0"), ["started 5", "ended 5 0", "started 6", "ended 6 0"]);
    let taken = stage.read("job/taken");
    let listed = stage.read(&format!("{}/checkpoints", chain()));
    let mut once: Vec<&str> = listed.lines().collect();
    once.dedup();
    assert_eq!(taken.lines().collect::<Vec<_>>(), once);
    assert!(log(&stage, 4).starts_with("pakt: no checkpoint is new; "));
}

#[test]
fn what_failed_is_left_to_its_person_and_what_was_ended_is_begun_by_the_next_link() {
    let stage = Stage::new();
    let run_line = format!(
        "{SEES}; [ \"$PAKT_STEP\" != 10 ] || exit 3; [ \"$PAKT_STEP\" != 20 ] || [ -e \"$STAGE/again\" ] || exec sleeper \"$STAGE/sleeps\""
    );
    let spec = spec(follows(&["sums"], None), &run_line);
    stage.sleeper();
    saved(&stage, &[(10, "a"), (20, "b"), (30, "c")]);
    let first = stage.start(&script(&stage, &spec, 1), &Start::slurm(41));
    stage.wait_until("the program runs", |stage| stage.exists("sleeps"));
    signal("TERM", &first.id().to_string());
    let ended = first.wait_with_output().expect("it ends").status;
    assert_eq!(ended.code(), Some(3), "the first failure: {}", log(&stage, 1));
    assert_eq!(record(&stage, 1, "41-0"), ["started 1", "ended 1 3", "started 2", "ended 2 143"]);
    fs::write(stage.path("again"), "").expect("ours");
    // A line that was cut, as a node that was lost leaves it, is none, and is taken again.
    fs::write(
        stage.path("job/taken"),
        format!("{}30 /now", stage.read("job/taken").lines().take(2).collect::<Vec<_>>().join("\n") + "\n"),
    )
    .expect("ours");
    assert_eq!(run(&stage, &spec, 2).status.code(), Some(0), "{}", log(&stage, 2));
    assert_eq!(record(&stage, 2, "42-0"), ["started 2", "ended 2 0", "started 3", "ended 3 0"]);
    let taken: Vec<String> = stage.read("job/taken").lines().map(str::to_owned).collect();
    assert!(taken[2] == "30 /now\u{1}" && taken[3].starts_with("30 ") && taken[3].ends_with("/c"), "{taken:?}");

    // What another job took over is begun no more, and an earlier link that somebody starts again does nothing.
    saved(&stage, &[(40, "d")]);
    fs::create_dir_all(stage.path("job/given-away")).expect("ours");
    fs::write(stage.path("job/given-away/x"), "given 1\ngiven 5\n").expect("ours");
    let again = stage.run(&script(&stage, &spec, 1), &Start { restart: 1, ..Start::slurm(41) });
    assert_eq!(again.status.code(), Some(0), "{}", errors(&again));
    assert!(
        log(&stage, 1).contains("-1 has gone on in link 2; scheduler job 41 ends without work\n"),
        "{}",
        log(&stage, 1)
    );
    assert!(!stage.read("seen").contains(" d 40"));
}

#[test]
fn of_so_many_steps_the_first_checkpoint_that_is_there_is_taken() {
    let stage = Stage::new();
    let spec = spec(follows(&["sums"], Some(100)), SEES);
    saved(&stage, &[(50, "early"), (100, "gone100"), (110, "a"), (150, "b"), (250, "c"), (299, "d")]);
    assert_eq!(run(&stage, &spec, 1).status.code(), Some(0), "{}", log(&stage, 1));
    assert!(
        log(&stage, 1)
            .starts_with("pakt: 1 of the checkpoints that were saved are not there any more, and are not evaluated\n"),
        "{}",
        log(&stage, 1)
    );
    saved(&stage, &[(299, "d"), (300, "e"), (310, "f")]);
    assert_eq!(run(&stage, &spec, 2).status.code(), Some(0), "{}", log(&stage, 2));
    assert_eq!(stage.read("seen"), "1 1 a 110 sums\n1 2 c 250 sums\n2 3 e 300 sums\n");
}

#[test]
fn a_comma_that_the_harness_would_read_as_an_end_is_told_and_nothing_else_is_evaluated_in_its_place() {
    let stage = Stage::new();
    let mut sweep = follows(&["sums"], None);
    sweep.evaluation = Some(Evaluation { harness: Harness::LmEval, serve: None });
    let spec = spec(sweep, SEES);
    saved(&stage, &[(10, "a,b"), (20, "c")]);
    assert_eq!(run(&stage, &spec, 1).status.code(), Some(0), "{}", log(&stage, 1));
    assert_eq!(stage.read("seen"), "1 1 c 20 sums\n");
    assert!(log(&stage, 1).contains("/a,b is not evaluated: to lm-evaluation-harness the comma ends its name\n"));
}

#[test]
fn no_more_is_taken_than_is_read_again() {
    let stage = Stage::new();
    let spec = spec(follows(&["sums"], None), SEES);
    saved(&stage, &[(20, "c")]);
    let earlier = format!("10 /{}\n", "x".repeat(4_000)).repeat(261);
    assert!(earlier.len() > 1_044_076 && earlier.len() < 1_048_576);
    fs::write(stage.path("job/taken"), &earlier).expect("ours");
    fs::create_dir_all(stage.path("job/given-away")).expect("ours");
    let all: String = (1..=261).map(|cell| format!("given {cell}\n")).collect();
    fs::write(stage.path("job/given-away/x"), all).expect("ours");
    assert_eq!(run(&stage, &spec, 1).status.code(), Some(0), "{}", log(&stage, 1));
    assert_eq!(stage.read("job/taken"), earlier);
    assert!(!stage.exists("seen"));
}

#[test]
fn a_path_that_was_written_again_is_evaluated_as_it_is_and_what_was_stopped_in_its_last_start_is_begun_again() {
    let stage = Stage::new();
    let spec = spec(follows(&["sums"], None), SEES);
    saved(&stage, &[(10, "last"), (20, "b"), (30, "last")]);
    // An earlier link failed at its first start, was started again, and was told to end.
    let earlier = stage.path("job/links/1/attempts");
    for (attempt, record) in
        [("41-0", "started 1 5 - 0\nended 1 3 9 9\n"), ("41-1", "started 1 10 - 9\nended 1 143 11 9\n")]
    {
        fs::create_dir_all(earlier.join(attempt)).expect("ours");
        fs::write(earlier.join(attempt).join("cells"), record).expect("ours");
    }
    assert_eq!(run(&stage, &spec, 2).status.code(), Some(0), "{}", log(&stage, 2));
    assert_eq!(stage.read("seen"), "2 1 b 20 sums\n2 2 last 30 sums\n");
}
