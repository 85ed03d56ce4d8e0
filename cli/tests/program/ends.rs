//! How jobs end that do not end well, and how watching ends.

use crate::desk::Desk;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Stdio},
};

/// The lines `why` and `next` of `pakt show`.
fn told(desk: &Desk, job: &str) -> (String, String) {
    let shown = desk.pakt(&["show", job]).expect(0);
    let line = |name: &str| {
        let line = shown.stdout.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no `{name}` in {}", shown.stdout)).trim().to_owned()
    };
    (line("why "), line("next "))
}

#[test]
fn a_job_that_was_cancelled_says_by_whom() {
    let desk = Desk::with_grant("10");
    let file = desk.job("unwanted", "sleep 600");
    desk.json(&["submit", &file]);
    desk.json(&["cancel", "unwanted"]);
    let watched = desk.pakt(&["watch", "unwanted"]).expect(6);
    assert!(watched.stdout.contains("ended it with `pakt cancel` at "), "{}", watched.stdout);
    let (why, next) = told(&desk, "unwanted");
    assert!(
        why.contains("@local ended it with `pakt cancel` at ") && next.starts_with("submit it again"),
        "{why}; {next}"
    );
    let end = &desk.json(&["show", "unwanted"])["end"];
    assert_eq!(end["why"], why.as_str());
}

#[test]
fn a_job_that_reached_its_limit_says_which() {
    let desk = Desk::with_grant("10");
    let file =
        desk.job_at("local", "slow", "{ nodes: 1, cpus: 1, time: 1s }", "echo '3 9 x' >>\"$PAKT_PROGRESS\"; sleep 600");
    desk.pakt(&["submit", "--watch", &file]).expect(6);
    let (why, next) = told(&desk, "slow");
    assert_eq!(why, "it reached its time limit of 00:00:01 at step 3 of 9");
    assert!(next.starts_with("ask for more with `time:`"), "{next}");
}

#[test]
fn a_job_that_failed_says_how_and_one_that_did_not_says_nothing() {
    let desk = Desk::with_grant("10");
    for (name, run, why) in [
        ("coded", "exit 3", "its program ended with exit code 3"),
        ("killed", "kill -9 $$", "its program was ended by signal 9"),
    ] {
        let file = desk.job(name, run);
        desk.pakt(&["submit", "--watch", &file]).expect(6);
        assert_eq!(told(&desk, name), (why.to_owned(), format!("its last words are in its log: `pakt logs {name}`")));
    }
    let file = desk.job("well", "true");
    let watched = desk.pakt(&["submit", "--watch", &file]).expect(0);
    assert!(!watched.stdout.contains("why "), "{}", watched.stdout);
    assert!(desk.json(&["show", "well"])["end"].is_null());
}

/// Starts a command that watches, and returns once it has said on stderr that it does.
fn watching(desk: &Desk, words: &[&str], said: &str) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut command = desk.command(words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.starts_with(said) {
        line.clear();
        assert!(stderr.read_line(&mut line).expect("text") > 0, "it ended before it said `{said}`");
    }
    (child, stderr)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it lives");
}

#[test]
fn ctrl_c_ends_the_watching_and_says_that_the_job_goes_on() {
    let desk = Desk::with_grant("10");
    let file = desk.job("long", "echo begun; sleep 600");
    let (mut child, mut stderr) = watching(&desk, &["submit", "--watch", &file], "log:");
    signal(&child, Signal::INT);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{rest}");
    for part in ["the job goes on", "`pakt watch 0", "`pakt cancel 0"] {
        assert!(rest.contains(part), "{part}: {rest}");
    }
    assert_eq!(desk.json(&["jobs", "--open"])["jobs"].as_array().map(Vec::len), Some(1), "it goes on");
    let (mut child, _stderr) = watching(&desk, &["watch", "long"], "begun");
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().expect("it ends").signal(), Some(15), "SIGTERM ends it as any program");
    desk.json(&["cancel", "long"]);
}
