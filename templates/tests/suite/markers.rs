//! The markers: what happened is told, whatever happened.

use crate::{
    common::job,
    sites,
    stage::{ATTEMPT, Stage, Start, errors, signal},
};
use model::{Launch, RunLine};
use std::{collections::BTreeSet, fs, time::SystemTime};
use templates::Dialect;

#[test]
fn start_and_end_are_told_with_the_programs_own_code() {
    let stage = Stage::new();
    let output = stage.run_command(&job(Launch::Command, "exit 7"));
    assert_eq!(output.status.code(), Some(7));
    assert_eq!((stage.marker("ended", "exit_code"), stage.marker("ended", "signal")), ("7".into(), "0".into()));
    assert_eq!(stage.marker("ended", "received"), "none");
    assert_eq!(stage.marker("started", "scheduler_job"), "41");
    assert_eq!(stage.marker("started", "restart"), "0");
    assert_eq!(stage.marker("started", "node_list"), "n[1-2]");
    assert_eq!(stage.marker("started", "stamp"), crate::common::stamp().to_string());
    assert!(!stage.marker("started", "host").is_empty());
    let seconds = |name| stage.marker(name, "epoch_seconds").parse::<u64>().expect("seconds");
    assert!(seconds("started") > 1_700_000_000 && seconds("ended") >= seconds("started"));
    assert!(stage.exists(&format!("{ATTEMPT}/heartbeat")));
    let partial = fs::read_dir(stage.path(ATTEMPT)).expect("attempt");
    assert!(!partial.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(".partial")));
}

/// Where the log of a start begins in the file that all of them are appended to; a pipe has no bytes.
#[test]
fn each_start_tells_how_long_the_log_was() {
    let stage = Stage::new();
    let script =
        stage.script("script", &job(Launch::Command, "echo a line of 20 bytes."), &sites::local(), Dialect::Slurm);
    fs::write(stage.path("log"), "before\n").expect("written");
    for (restart, bytes) in [(0, "7"), (1, "27")] {
        let log = fs::File::options().append(true).open(stage.path("log")).expect("there");
        let start = Start { restart, ..Start::slurm(41) };
        assert!(stage.command(&script, &start).stdout(log).status().expect("bash").success());
        let started = stage.read(&format!("job/links/1/attempts/41-{restart}/started"));
        assert!(started.lines().any(|line| line == format!("log_bytes={bytes}")), "{restart}: {started}");
    }
    assert_eq!(stage.read("log"), format!("before\n{0}{0}", "a line of 20 bytes.\n"));
}

#[test]
fn a_program_ended_by_a_signal_is_told_apart() {
    let stage = Stage::new();
    let output = stage.run_command(&job(Launch::Command, "kill -SEGV $$"));
    assert_eq!(output.status.code(), Some(139));
    assert_eq!((stage.marker("ended", "exit_code"), stage.marker("ended", "signal")), ("139".into(), "11".into()));
}

#[test]
fn a_signal_to_the_script_reaches_the_program_and_its_own_end_is_waited_for() {
    for (sent, seen, code) in [("TERM", "TERM", 9), ("USR1", "USR1", 9), ("INT", "TERM", 9)] {
        let stage = Stage::new();
        // What saves its state takes its time, and ends with a code of its own.
        stage.double(
            "trainer",
            "exec {idle}<> <(:)\n\
             trap 'touch \"$STAGE/told\"; until [ -e \"$STAGE/saved\" ]; do read -r -t 0.01 -u $idle _; done; exit 9' TERM\n\
             trap 'echo USR1 >>\"$STAGE/signals\"; touch \"$STAGE/told\"' USR1\n\
             touch \"$STAGE/ready\"\n\
             until [ -e \"$STAGE/saved\" ]; do read -r -t 0.01 -u $idle _; done\nexit 9",
        );
        let script = stage.script("script", &job(Launch::Command, "trainer"), &sites::local(), Dialect::Slurm);
        let child = stage.start(&script, &Start::slurm(41));
        stage.wait_until("the program runs", |stage| stage.exists("ready"));
        signal(sent, &child.id().to_string());
        stage.wait_until("the program was told", |stage| stage.exists("told"));
        assert!(!stage.exists(&format!("{ATTEMPT}/ended")), "{sent}: the program has not ended yet");
        fs::write(stage.path("saved"), "").expect("saved");
        let output = child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(code), "{sent} as {seen}: {}", errors(&output));
        assert_eq!(stage.marker("ended", "exit_code"), "9");
        assert_eq!(stage.marker("ended", "received"), sent);
    }
}

#[test]
fn the_tasks_of_srun_are_told_through_slurm_because_srun_would_kill_them() {
    for launch in [Launch::Srun, Launch::Torchrun] {
        let stage = Stage::new();
        // Slurm's part: the tasks are told, take their time and end with a code of their own.
        stage.double("scancel", "echo \"$@\" >>\"$STAGE/scancel.calls\"; touch \"$STAGE/told\"");
        let task = "touch \"$STAGE/ready\"\nuntil [ -e \"$STAGE/told\" ]; do read -r -t 0.01 _ <> <(:); done\nexit 9";
        stage.double("rank", task);
        stage.double("torchrun", task);
        let script = stage.script("script", &job(launch, "rank"), &sites::local(), Dialect::Slurm);
        let child = stage.start(&script, &Start::slurm(41));
        stage.wait_until("a task runs", |stage| stage.exists("ready"));
        signal("TERM", &child.id().to_string());
        let output = child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(9), "{launch:?}: {}", errors(&output));
        assert_eq!(stage.read("scancel.calls"), "--signal=TERM 41\n", "{launch:?}");
        assert_eq!(stage.marker("ended", "received"), "TERM");
    }
}

#[test]
fn a_signal_to_a_program_that_does_not_care_ends_both() {
    let stage = Stage::new();
    let mut spec = job(Launch::Command, "");
    spec.run = RunLine::Words(["bash", "-c", "touch \"$STAGE/ready\"; exec sleep 100"].map(str::to_owned).to_vec());
    let script = stage.script("script", &spec, &sites::local(), Dialect::Slurm);
    let child = stage.start(&script, &Start::slurm(41));
    stage.wait_until("the program runs", |stage| stage.exists("ready"));
    signal("TERM", &child.id().to_string());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(143));
    assert_eq!(stage.marker("ended", "signal"), "15");
}

/// As the local scheduler and Slurm's limit do it: bash loses the end of a program that dies in that instant about every other time, and
/// would wait for it for ever.
#[test]
fn a_signal_to_all_of_a_job_at_once_ends_it() {
    for round in 0..12 {
        let stage = Stage::new();
        stage.sleeper();
        let run = "exec sleeper \"$STAGE/ready\"";
        let script = stage.script("script", &job(Launch::Command, run), &sites::local(), Dialect::Slurm);
        let mut child = stage.start(&script, &Start::slurm(41));
        stage.wait_until("the program runs", |stage| stage.exists("ready"));
        signal("TERM", &format!("-{}", child.id()));
        let ended = std::cell::Cell::new(None);
        let mut look = || {
            ended.set(child.try_wait().expect("ours"));
            ended.get().is_some()
        };
        stage.wait_until("the script ends", |_| look());
        assert_eq!(ended.get().and_then(|status| status.code()), Some(143), "{round}");
        assert_eq!(stage.marker("ended", "exit_code"), "143", "{round}");
    }
}

/// Programs around a trainer, the code it ends with when told, and what then becomes of the job.
const TOLD: [(&str, u8, i32); 11] = [
    ("trainer", 0, 0),
    ("trainer\n\n# nothing more\n", 0, 0),
    ("trainer", 9, 9),
    ("trainer\ntouch \"$STAGE/second\"", 0, 143),
    ("trainer\ntouch \"$STAGE/second\"", 9, 9),
    ("trainer && touch \"$STAGE/second\"", 0, 143),
    ("trainer; touch \"$STAGE/second\"", 0, 143),
    ("if trainer; then touch \"$STAGE/second\"; fi", 0, 143),
    ("for part in 1 2; do trainer; touch \"$STAGE/second\"; done", 0, 143),
    ("work() { trainer; touch \"$STAGE/second\"; }\nwork", 0, 143),
    ("work() { trainer; }\nwork", 0, 0),
];

#[test]
fn a_told_program_with_lines_left_is_no_success_and_one_that_saved_at_its_end_is() {
    for (text, own, code) in TOLD {
        let stage = Stage::new();
        stage.double(
            "trainer",
            &format!("exec {{idle}}<> <(:)\ntrap 'exit {own}' TERM\ntouch \"$STAGE/ready\"\nwhile :; do read -r -t 0.01 -u $idle _; done"),
        );
        let script = stage.script("script", &job(Launch::Command, text), &sites::local(), Dialect::Slurm);
        let child = stage.start(&script, &Start::slurm(41));
        stage.wait_until("the program runs", |stage| stage.exists("ready"));
        signal("TERM", &child.id().to_string());
        let output = child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(code), "{text} ends {own}: {}", errors(&output));
        assert_eq!(stage.marker("ended", "exit_code"), code.to_string(), "{text}");
        assert!(!stage.exists("second"), "{text}: nothing further is begun");
    }
}

#[test]
fn a_signal_during_the_claim_ends_the_job_with_a_marker() {
    let stage = Stage::new();
    // The first step of the claim; the script leads its process group.
    stage.double(
        "sync",
        "[ -e \"$STAGE/sent\" ] || { touch \"$STAGE/sent\"; kill -s TERM \"$(/usr/bin/ps -o pgid= -p $$ | tr -d ' ')\"; }",
    );
    let output = stage.run_command(&job(Launch::Command, "touch \"$STAGE/work\""));
    assert_eq!(output.status.code(), Some(143), "{}", errors(&output));
    assert_eq!((stage.marker("ended", "exit_code"), stage.marker("ended", "received")), ("143".into(), "TERM".into()));
    assert!(stage.exists("job/links/1/claim/owner") && !stage.exists("work"));
}

#[test]
fn who_has_no_claim_leaves_no_marker_of_an_end() {
    let stage = Stage::new();
    let script = stage.script("script", &job(Launch::Command, "true"), &sites::local(), Dialect::Slurm);
    assert!(stage.run(&script, &Start::slurm(41)).status.success());
    let output = stage.run(&script, &Start::slurm(42));
    assert!(output.status.success() && !errors(&output).contains("cannot write"), "{}", errors(&output));
    assert!(!stage.exists("job/links/1/attempts/42-0"));
}

#[test]
fn a_signal_that_comes_while_the_program_starts_is_passed_on_once() {
    let stage = Stage::new();
    let spec = job(
        Launch::Command,
        "exec {idle}<> <(:); until [ -e \"$STAGE/over\" ]; do read -r -t 0.01 -u $idle _; done; exit 0",
    );
    let script = stage.script("script", &spec, &sites::local(), Dialect::Slurm);
    // Bash itself sends the signal, right behind the line that knows the program's process.
    let watched = format!(
        r#"set -T
kill() {{ echo "$*" >>"$STAGE/kills"; touch "$STAGE/over"; }}
trap 'case "$BASH_COMMAND" in
pakt_child=*) pakt_test_is_next=yes ;;
*) [ -z "${{pakt_test_is_next:-}}" ] || {{ pakt_test_is_next=; builtin kill -s USR1 $$; }} ;;
esac' DEBUG
. '{}'"#,
        script.display()
    );
    fs::write(stage.path("watched"), watched).expect("a script");
    let output = stage.run(&stage.path("watched"), &Start::slurm(41));
    assert!(output.status.success(), "{}", errors(&output));
    // The shell and what it has in front are told, each of them once.
    let kills = stage.read("kills");
    let told: Vec<&str> = kills.lines().filter(|line| line.starts_with("-s USR1")).collect();
    let processes: BTreeSet<&str> = told.iter().copied().collect();
    assert_eq!((told.is_empty(), processes.len()), (false, told.len()), "{kills}");
}

#[test]
fn the_heartbeat_goes_on_while_the_script_lives_and_stops_when_it_is_killed() {
    let stage = Stage::new();
    let spec = job(Launch::Command, "touch \"$STAGE/ready\"; exec sleep 100");
    let script = stage.script("script", &spec, &sites::local(), Dialect::Slurm);
    let variables = vec![("PAKT_HEARTBEAT_SECONDS", "0.05".to_owned())];
    let mut child = stage.start(&script, &Start { variables, ..Start::slurm(41) });
    stage.wait_until("the program runs", |stage| stage.exists("ready"));
    let beat = |stage: &Stage| -> Option<SystemTime> {
        fs::metadata(stage.path(&format!("{ATTEMPT}/heartbeat"))).and_then(|file| file.modified()).ok()
    };
    let first = beat(&stage);
    stage.wait_until("a second beat", |stage| beat(stage) != first);
    // A signal for the job is none for its heartbeat: the program may still be saving its state.
    signal("KILL", &child.id().to_string());
    child.wait().expect("an end");
    stage.wait_until("the heartbeat has ended", |stage| {
        let group = std::process::Command::new("pgrep").args(["-g", &child.id().to_string(), "-x", "bash"]).output();
        let _ = stage;
        group.expect("pgrep").stdout.is_empty()
    });
    assert!(!stage.exists(&format!("{ATTEMPT}/ended")), "nobody was left to say how it ended");
    signal("KILL", &format!("-{}", child.id()));
}

#[test]
fn a_mistake_in_the_users_text_breaks_the_program_and_not_the_script() {
    for text in ["if true", "}", "echo 'open", "PAKT_PROGRAM\nexit 2", "cat <<EOF"] {
        let stage = Stage::new();
        stage.run_command(&job(Launch::Command, text));
        assert!(stage.exists(&format!("{ATTEMPT}/ended")), "{text}");
        assert!(stage.read(&format!("{ATTEMPT}/program")).ends_with(&format!("{text}\n")), "{text}: kept as it is");
    }
}

#[test]
fn the_program_knows_the_job_and_may_report_progress() {
    let stage = Stage::new();
    let text = "echo \"120 200 loss=2.31\" >>\"$PAKT_PROGRESS\"; echo step-120 >>\"$PAKT_CHECKPOINTS\"; \
                echo \"$PAKT_JOB_ID $PAKT_LINK $PAKT_JOB_DIRECTORY\" >\"$STAGE/seen\"; ulimit -c";
    let output = stage.run_command(&job(Launch::Command, text));
    assert_eq!(output.stdout, b"0\n", "no core files");
    // Tasks on other nodes do not inherit the limits of the batch script where a site does not hand them on.
    assert!(stage.read(&format!("{ATTEMPT}/program")).contains("\nulimit -c 0\n"));
    assert_eq!(stage.read(&format!("{ATTEMPT}/progress")), "120 200 loss=2.31\n");
    assert_eq!(stage.read("job/checkpoints"), "step-120\n");
    let seen = format!("{} 1 {}\n", crate::common::stamp().job, stage.path("job").display());
    assert_eq!(stage.read("seen"), seen);
}

#[test]
fn a_local_job_has_its_own_id_and_the_same_markers() {
    let stage = Stage::new();
    let spec = job(Launch::Command, "exit 3");
    let script = stage.script("script", &spec, &sites::local(), Dialect::Local);
    assert!(!fs::read_to_string(&script).expect("a script").contains("#SBATCH"));
    let output = stage.run(&script, &Start { dialect: Dialect::Local, ..Start::slurm(41) });
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stage.marker("ended", "exit_code"), "3");
    assert_eq!(stage.marker("started", "restart"), "0");
}
