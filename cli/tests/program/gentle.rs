//! Many commands of one person at once ask a site once, on a double of Slurm's commands.

use crate::{
    desk::Desk,
    output::Ran,
    real_requests::{PROGRAMS, promised},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A person on a login node of a site whose Slurm is a double.
pub(crate) struct Login {
    pub(crate) desk: Desk,
}

impl Login {
    /// A shared answer is young for an hour, so that no test depends on how fast it runs.
    pub(crate) fn new() -> Self {
        let desk = Desk::new();
        desk.configure("site: jupiter\nproject: atlas\n");
        let profile = desk.pakt(&["sites", "show", "jupiter"]).expect(0).stdout;
        let interval = "question_interval_seconds: { value: 3600, source: assumed, confidence: guess }";
        let slow = profile.replacen("\nlogin:", &format!("\n{interval}\nlogin:"), 1);
        fs::create_dir_all(desk.home().join("sites")).expect("fresh");
        fs::write(desk.home().join("sites/jupiter.yaml"), slow).expect("ours");
        let login = Self { desk };
        fs::create_dir_all(login.double().join("bin")).expect("fresh");
        let double = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scheduler-adapters/tests/doubles/slurm");
        for program in PROGRAMS {
            symlink(&double, login.double().join("bin").join(program)).expect("fresh");
        }
        login
    }

    pub(crate) fn double(&self) -> PathBuf {
        self.desk.work().join("double")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.desk.command(words);
        let bin = self.double().join("bin");
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()));
        command.env("PAKT_SLURM_DOUBLE", self.double().join("state"));
        command
    }

    pub(crate) fn pakt(&self, words: &[&str]) -> Ran {
        self.desk.finish(words, self.command(words))
    }

    pub(crate) fn says(&self, program: &str, fault: &str) {
        fs::create_dir_all(self.double().join("state/faults")).expect("ours");
        fs::write(self.double().join("state/faults").join(program), fault).expect("ours");
    }

    /// Questions to the queue and to accounting since the last time.
    fn asked(&self) -> (usize, usize) {
        let [_, squeue, sacct, ..] = self.started();
        (squeue, sacct)
    }

    /// How often each of Slurm's programs was started since the last time.
    fn started(&self) -> [usize; PROGRAMS.len()] {
        let calls = self.double().join("state/calls");
        let text = fs::read_to_string(&calls).unwrap_or_default();
        fs::create_dir_all(self.double().join("state")).expect("ours");
        fs::write(calls, "").expect("ours");
        PROGRAMS.map(|program| text.lines().filter(|line| line.split(' ').next() == Some(program)).count())
    }

    /// A job that waits until the test is over, because another one has all nodes.
    fn with_job() -> Self {
        let login = Self::new();
        let runs = "#!/bin/bash\nwhile [ -d \"$PWD\" ] && ! [ -e done ]; do sleep 0.2; done\n";
        let script = login.desk.write("takes-all.sh", runs);
        let mut sbatch = login.command(&[]);
        sbatch = with_program(&sbatch, &login.double().join("bin/sbatch"));
        sbatch.args(["--parsable", "--nodes=4", "--job-name=takes-all"]).arg(script);
        assert!(sbatch.output().expect("it starts").status.success());
        login.desk.write(
            "waits.yaml",
            "name: waits\nkind: command\nproject: atlas\nsite: jupiter\nscheduler: { account: atlas }\n\
             resources: { nodes: 1, gpus_per_node: 4, time: \"00:10:00\" }\nlaunch: command\nrun: \"true\"\n",
        );
        login.pakt(&["submit", "waits.yaml"]).expect(0);
        login.asked();
        login
    }
}

/// The same surroundings for another program.
fn with_program(command: &Command, program: &Path) -> Command {
    let mut changed = Command::new(program);
    changed.env_clear().current_dir(command.get_current_dir().expect("it is set"));
    changed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    changed
}

impl Drop for Login {
    fn drop(&mut self) {
        drop(fs::write(self.desk.work().join("done"), ""));
    }
}

#[test]
fn twelve_commands_at_once_ask_once() {
    let login = Login::with_job();
    let started: Vec<_> = (0..12)
        .map(|number| {
            let words: &[&str] = if number % 2 == 0 { &["jobs"] } else { &["--json", "show", "waits"] };
            let mut command = login.command(words);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("it starts")
        })
        .collect();
    for child in started {
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("PENDING"), "{output:?}");
    }
    assert_eq!(login.asked(), (1, 0));
    let answers = fs::read_dir(login.desk.home().join("state")).expect("ours").flatten().map(|entry| entry.path());
    let answers: Vec<_> = answers.filter(|path| path.to_string_lossy().contains("answers-jupiter-")).collect();
    let mode = fs::metadata(&answers[0]).expect("ours").permissions().mode();
    assert_eq!((answers.len(), mode & 0o777), (1, 0o700));
}

#[test]
fn why_a_job_waits_for_its_turn_costs_no_more_than_administrators_were_told() {
    let login = Login::with_job();
    login.pakt(&["why", "waits"]).expect(0);
    let (started, promised) = (login.started(), &promised()["why"]);
    assert!(started.iter().zip(promised).all(|(count, range)| range.has(*count)), "{started:?} {promised:?}");
    assert!(started[0] > 0, "it was not asked what would start sooner: {started:?}");
}

#[test]
fn the_age_of_a_shared_answer_is_told() {
    let login = Login::with_job();
    let first = login.pakt(&["jobs", "--costs"]).expect(0);
    assert!(!first.stderr.contains("as of"), "{}", first.stderr);
    assert!(first.stderr.contains("costs: squeue: 1 question, "), "{}", first.stderr);
    let second = login.pakt(&["jobs", "--costs"]).expect(0);
    assert!(second.stderr.contains("note: states as of "), "{}", second.stderr);
    assert!(!second.stderr.contains("squeue"), "{}", second.stderr);
    let shown = login.pakt(&["show", "waits"]).expect(0).stdout;
    assert!(shown.contains("s ago\n"), "{shown}");
    let json = login.pakt(&["--json", "jobs"]).json();
    assert!(json["observed_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{json}");
    assert_eq!(login.asked(), (1, 0));
}

#[test]
fn a_controller_that_does_not_answer_is_asked_once_and_the_person_is_told_until_when() {
    let login = Login::with_job();
    login.says("squeue", "down always\n");
    let first = login.pakt(&["jobs"]).expect(0);
    assert!(first.stdout.contains("UNKNOWN") && first.stderr.contains("Unable to contact"), "{}", first.stderr);
    for words in [&["jobs"][..], &["show", "waits"], &["jobs", "--fresh"]] {
        let ran = login.pakt(words).expect(0);
        assert!(ran.stderr.contains("not asked again until: 2"), "{words:?}: {}", ran.stderr);
    }
    assert_eq!(login.asked(), (1, 0));
    // What a person wants done is done all the same, and what it depends on is asked.
    login.says("squeue", "none\n");
    login.pakt(&["cancel", "waits"]).expect(0);
    assert!(login.asked().0 >= 1);
}

#[test]
fn the_doctor_says_what_each_source_costs() {
    let login = Login::with_job();
    login.pakt(&["jobs"]).expect(0);
    let looked = login.pakt(&["doctor"]).expect(0).stdout;
    for line in [
        "cost           squeue: 1 question, ",
        "cost           sacct: 2 questions, ",
        "cost           scontrol: 3 questions, ",
        "cost           sacctmgr: ",
        "shared         asked at most every 3600 s, with `--fresh` every 5 s, and after no answer not for up to 300 s\n",
        "shared         queue: 2 jobs, as of ",
        "shared         ended jobs: no answer lies there\n",
    ] {
        assert!(looked.contains(line), "{line}\n{looked}");
    }
    login.says("squeue", "down\n");
    let json = login.pakt(&["--json", "doctor"]).expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["shared"]["waits"][0]["source"], "controller", "{json}");
    let costs = json["costs"].as_array().expect("a list");
    let squeue = costs.iter().find(|cost| cost["source"] == "squeue").expect("it was asked");
    assert_eq!((&squeue["questions"], &squeue["unanswered"]), (&1.into(), &1.into()), "{json}");
    let found: Vec<_> = json["findings"].as_array().expect("a list").iter().map(|found| &found["name"]).collect();
    assert!(found.contains(&&"source".into()) && found.contains(&&"wait".into()), "{found:?}");
}
