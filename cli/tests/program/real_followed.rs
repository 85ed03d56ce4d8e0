//! A job that runs, followed from a laptop: its log, its state and its end, over the one connection.

use crate::{
    laptop::Laptop,
    real_jupiter::{scheduler_job, text},
    real_ssh::{await_all_settled, connect, connected, entries},
};
use lab::wait_until;
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, ChildStderr},
    time::Duration,
};

/// A job file whose job says `before`, and waits for the laptop before each further line.
fn gated(laptop: &Laptop, name: &str, lines: &[&str]) -> String {
    let gate = |line: &str| {
        let site = laptop.at_site().display().to_string();
        format!("; until [ -e {name}.{line} ] || [ ! -d {site} ]; do sleep 0.1; done; echo {line}")
    };
    let gates: String = lines.iter().map(|line| gate(line)).collect();
    laptop.job(name, &format!("echo before{gates}; sleep 1.2; exit $(cat {name}.code)"))
}

/// Lets the job say its next line.
fn let_say(laptop: &Laptop, name: &str, line: &str) {
    fs::write(laptop.at_site().join(format!("{name}.{line}")), "").expect("root writes anywhere");
}

/// With which code the job is to end.
fn let_end(laptop: &Laptop, name: &str, code: u8) {
    fs::write(laptop.at_site().join(format!("{name}.code")), code.to_string()).expect("root writes anywhere");
}

/// Reads lines until this one, which has to come: at the site a shell greets its person, in logs too.
fn read_until(lines: &mut impl BufRead, expected: &str) {
    let mut all = String::new();
    while all.lines().last() != Some(expected) {
        assert!(lines.read_line(&mut all).expect("text") > 0, "`{expected}` did not come: {all}");
    }
}

/// What a command that watches says on stderr, once it has shown the first line of the log.
fn watching(child: &mut Child) -> BufReader<ChildStderr> {
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    read_until(&mut said, "before");
    said
}

fn rest(mut said: impl BufRead) -> String {
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    rest
}

#[test]
fn real_a_log_is_followed_from_the_laptop_until_the_job_is_over() {
    let laptop = connected();
    let_end(&laptop, "followed", 3);
    let file = gated(&laptop, "followed", &["between", "after"]);
    laptop.json(&["submit", &file]);
    let words = ["logs", "--follow", "followed"];
    let mut following = laptop.pakt_begun(&words);
    let mut log = BufReader::new(following.stdout.take().expect("piped"));
    read_until(&mut log, "before");
    for line in ["between", "after"] {
        assert!(following.try_wait().expect("ours").is_none(), "the job goes on");
        let_say(&laptop, "followed", line);
        read_until(&mut log, line);
    }
    rest(log);
    // The job's bad end is not this command's.
    laptop.finish(&words, following).expect(0);
    let attempt = &laptop.json(&["show", "followed"])["attempts"][0];
    assert_eq!(attempt["exit_code"], 3, "the job had ended: {attempt}");
    assert_eq!(laptop.node.logins().expect("a log"), 1, "one connection for all of it");
}

#[test]
fn real_a_job_that_runs_is_watched_from_the_laptop_to_its_end() {
    let laptop = connected();
    let_end(&laptop, "watched", 0);
    let file = gated(&laptop, "watched", &["after"]);
    let submitted = laptop.json(&["submit", &file]);
    let words = ["watch", "watched"];
    let mut begun = laptop.pakt_begun(&words);
    let said = watching(&mut begun);
    let open = laptop.json(&["jobs", "--open"]);
    assert!(open.to_string().contains(text(&submitted["id"])), "it is watched while it runs: {open}");
    let_say(&laptop, "watched", "after");
    let rest = rest(said);
    let ended = laptop.finish(&words, begun).expect(0);
    assert!(rest.lines().any(|line| line == "after"), "{rest}");
    assert!(ended.stdout.contains("state      COMPLETED"), "{}", ended.stdout);
    await_all_settled(&laptop);
    let slurm = scheduler_job(&submitted);
    let settled = entries(&laptop, "settle");
    assert_eq!(settled.iter().filter(|entry| scheduler_job(&entry["links"]["run"]) == slurm).count(), 1);
}

#[test]
fn real_what_is_submitted_and_watched_from_the_laptop_tells_the_jobs_bad_end() {
    let laptop = connected();
    let_end(&laptop, "broken", 3);
    let file = gated(&laptop, "broken", &["after"]);
    let words = ["submit", "--watch", &file];
    let mut begun = laptop.pakt_begun(&words);
    let said = watching(&mut begun);
    // Who submits it meanwhile has the same job.
    assert_eq!(laptop.json(&["submit", &file])["outcome"], "already");
    let_say(&laptop, "broken", "after");
    let rest = rest(said);
    let ended = laptop.finish(&words, begun).expect(6);
    assert!(rest.lines().any(|line| line == "after"), "{rest}");
    assert!(ended.stdout.contains("exit code 3"), "{}", ended.stdout);
    assert_eq!(entries(&laptop, "hold").len(), 1);
}

#[test]
fn real_a_broken_line_ends_the_following_and_not_the_job() {
    let mut laptop = connected();
    let_end(&laptop, "cut", 0);
    let file = gated(&laptop, "cut", &["after"]);
    laptop.json(&["submit", &file]);
    let (watch, follow) = (["watch", "cut"], ["logs", "--follow", "cut"]);
    let mut watched = laptop.pakt_begun(&watch);
    let said = watching(&mut watched);
    let mut followed = laptop.pakt_begun(&follow);
    let mut log = BufReader::new(followed.stdout.take().expect("piped"));
    read_until(&mut log, "before");
    laptop.node.cut();
    let said_at_end = rest(said);
    laptop.finish(&watch, watched).expect(3);
    rest(log);
    let refused = laptop.finish(&follow, followed).expect(3).stderr;
    for told in [&said_at_end, &refused] {
        assert!(told.contains("the same command again"), "{told}");
        assert!(!told.contains("not found"), "ssh has nothing to say of a shell here: {told}");
    }
    wait_until("the end of the connection", Duration::from_mins(1), || {
        (laptop.pakt(&["doctor"]).code == Some(3)).then_some(())
    })
    .expect("it ends");
    laptop.node.start_again().expect("it starts");
    laptop.open_as_told();
    let mut begun = laptop.pakt_begun(&watch);
    let said = watching(&mut begun);
    let_say(&laptop, "cut", "after");
    assert!(rest(said).lines().any(|line| line == "after"));
    laptop.finish(&watch, begun).expect(0);
}

#[test]
fn real_a_fresh_job_file_of_the_laptop_is_of_the_site_that_it_reaches_and_runs_there() {
    let laptop = Laptop::new();
    let said = laptop.pakt(&["init", "--template", "command", "early.yaml"]).expect(0).stdout;
    assert!(said.contains("wrote early.yaml for jupiter\nnext: write your own for YOUR_ACCOUNT, then"), "{said}");
    assert_eq!(laptop.node.attempts().expect("a log"), 0, "nothing connects for it");
    let laptop = connect(laptop);
    let said = laptop.pakt(&["init", "--template", "command", "fresh.yaml"]).expect(0).stdout;
    assert_eq!(
        said,
        "wrote fresh.yaml for jupiter\nnext: edit it, then `pakt check fresh.yaml` and `pakt plan fresh.yaml`\n"
    );
    // It names who pays, as the ledger here knows, and runs as it is.
    let checked = laptop.json(&["check", "fresh.yaml"]);
    assert_eq!(checked["sites"][0]["placement"]["account"], "atlas", "{checked}");
    laptop.pakt(&["submit", "--watch", "fresh.yaml"]).expect(0);
    let shown = laptop.json(&["show", "command"]);
    assert_eq!((&shown["project"], &shown["progress"]["step"]), (&"atlas".into(), &3.into()), "{shown}");
    assert_eq!(laptop.node.logins().expect("a log"), 1, "one connection for all of it");
}
