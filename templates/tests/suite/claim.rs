//! The claim: of many scheduler jobs for one link, exactly one works, whoever is killed in between.

use crate::{
    common::job,
    sites,
    stage::{Stage, Start, errors},
};
use model::Launch;
use std::{fs, path::PathBuf};
use templates::Dialect;

/// A job that leaves one line each time it really works.
fn counting(stage: &Stage) -> PathBuf {
    let spec = job(Launch::Command, "echo \"$SLURM_JOB_ID\" >>\"$STAGE/work\"");
    stage.script("script", &spec, &sites::local(), Dialect::Slurm)
}

fn work(stage: &Stage) -> Vec<String> {
    fs::read_to_string(stage.path("work")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn of_twenty_jobs_at_once_exactly_one_works() {
    let stage = Stage::new();
    let script = counting(&stage);
    let jobs: Vec<_> = (1..=20).map(|id| (id, stage.start(&script, &Start::slurm(id)))).collect();
    let mut silent = Vec::new();
    for (id, job) in jobs {
        let output = job.wait_with_output().expect("an end");
        assert!(output.status.success(), "{id}: {}", errors(&output));
        if output.stderr.is_empty() {
            silent.push(id.to_string());
        }
    }
    assert_eq!(work(&stage), silent, "one worked, all others said that they do not");
    assert_eq!(silent.len(), 1);
    let duplicates = fs::read_dir(stage.path("job/links/1/duplicates")).expect("evidence").count();
    let attempts = fs::read_dir(stage.path("job/links/1/attempts")).expect("attempts").count();
    assert_eq!((duplicates, attempts), (19, 1));
    let left = fs::read_dir(stage.path("job/links/1")).expect("link").count();
    assert_eq!(left, 3, "claim, duplicates, attempts and nothing else");
}

#[test]
fn a_second_job_leaves_evidence_and_no_trace_in_the_markers() {
    let stage = Stage::new();
    let script = counting(&stage);
    assert!(stage.run(&script, &Start::slurm(41)).status.success());
    let ended = stage.read("job/links/1/attempts/41-0/ended");
    let output = stage.run(&script, &Start::slurm(42));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(errors(&output).lines().count(), 1);
    assert!(errors(&output).contains("scheduler job 41 holds the claim"), "{}", errors(&output));
    assert!(stage.read("job/links/1/duplicates/42/owner").contains("scheduler_job=42\n"));
    assert_eq!(stage.read("job/links/1/attempts/41-0/ended"), ended);
    assert!(!stage.exists("job/links/1/attempts/42-0"));
    assert_eq!(work(&stage), ["41"]);
}

#[test]
fn nobody_works_on_a_job_whose_directory_is_sealed() {
    let stage = Stage::new();
    let script = counting(&stage);
    assert!(stage.run(&script, &Start::slurm(41)).status.success());
    // Packed in part, and packed as a whole: the claim of 41 is still there, and it is gone.
    fs::write(stage.path("job/sealed.tar"), "").expect("ours");
    for (id, is_packed) in [(41, false), (42, true), (42, true), (43, true)] {
        if is_packed {
            let _gone_already = fs::remove_dir_all(stage.path("job/links/1/claim"));
        }
        let output = stage.run(&script, &Start::slurm(id));
        assert_eq!(output.status.code(), Some(0));
        assert!(errors(&output).contains("its directory is sealed"), "{}", errors(&output));
        assert!(stage.read(&format!("job/links/1/duplicates/{id}/owner")).contains("scheduler_job=4"));
        assert!(!stage.exists("job/links/1/claim"), "it is no claim");
    }
    assert_eq!(work(&stage), ["41"]);
    let attempts = fs::read_dir(stage.path("job/links/1/attempts")).expect("attempts").count();
    assert_eq!(attempts, 1, "and no other attempt");
}

#[test]
fn nobody_works_on_a_job_that_was_cancelled_or_given_up_before_it_came() {
    let ended = |note: &str| format!("{{\n  \"state\": {{}},\n  \"note\": {note},\n  \"observed_at\": 1\n}}");
    for (file, text, said) in [
        ("cancel.json", "{}".to_owned(), "was cancelled"),
        ("ended.json", ended("\"never sent: its hold was given back meanwhile\""), "was given up"),
        ("ended.json", ended("\"never released: it is an array\""), "was given up"),
        // An end that was seen is no reason: an administrator may start the job again.
        ("ended.json", ended("null"), ""),
    ] {
        let stage = Stage::new();
        let script = counting(&stage);
        fs::write(stage.path("job").join(file), text).expect("ours");
        for restart in 0..2 {
            let output = stage.run(&script, &Start { restart, ..Start::slurm(41) });
            assert!(output.status.success() && errors(&output).contains(said), "{file}: {}", errors(&output));
            assert_eq!(stage.exists("job/links/1/claim"), said.is_empty(), "{file}");
        }
        assert_eq!(work(&stage).len(), if said.is_empty() { 2 } else { 0 }, "{file} {said}");
    }
}

#[test]
fn a_requeued_job_goes_on_as_a_new_attempt() {
    let stage = Stage::new();
    let script = counting(&stage);
    for restart in 0..3 {
        assert!(stage.run(&script, &Start { restart, ..Start::slurm(41) }).status.success());
        assert!(stage.exists(&format!("job/links/1/attempts/41-{restart}/ended")));
    }
    assert_eq!(work(&stage).len(), 3);
    assert!(stage.read("job/links/1/claim/owner").contains("restart=0\n"), "the claim says who came first");
    assert!(!stage.exists("job/links/1/claim.41.1"), "nothing is left of later claims");
}

#[test]
fn a_start_that_the_controller_forgot_is_not_done_twice() {
    let stage = Stage::new();
    let script = counting(&stage);
    assert!(stage.run(&script, &Start::slurm(41)).status.success());
    let ended = stage.read("job/links/1/attempts/41-0/ended");
    let output = stage.run(&script, &Start::slurm(41));
    assert!(output.status.success() && errors(&output).contains("was done by this start"), "{}", errors(&output));
    assert_eq!(stage.read("job/links/1/attempts/41-0/ended"), ended);
    assert_eq!(work(&stage), ["41"]);
    // One that was ended in the middle did not do its work, and does it now.
    fs::write(stage.path("job/links/1/attempts/41-0/ended"), "exit_code=143\nsignal=15\n").expect("ours");
    assert!(stage.run(&script, &Start::slurm(41)).status.success());
    assert_eq!(work(&stage), ["41", "41"]);
}

/// A double that does what the program does and, at its n-th call in all, kills the script before or after it.
fn killer(stage: &Stage, program: &str) {
    let text = format!(
        r#"if [ -n "${{KILL_AT:-}}" ]; then
  count=$(($(/usr/bin/cat "$STAGE/count" 2>/dev/null || echo 0) + 1))
  echo "$count" >"$STAGE/count"
  if [ "$count" = "$KILL_AT" ]; then
    [ "$KILL_WHEN" = before ] || /usr/bin/{program} "$@"
    kill -KILL -- "-$(/usr/bin/ps -o pgid= -p $$ | /usr/bin/tr -d ' ')"
  fi
fi
exec /usr/bin/{program} "$@""#
    );
    stage.double(program, &text);
}

#[test]
fn a_job_killed_at_any_step_never_lets_two_work_and_never_blocks_its_own_requeue() {
    let mut steps = 0;
    for when in ["before", "after"] {
        for step in 1.. {
            let stage = Stage::new();
            let script = counting(&stage);
            for program in ["mkdir", "cat", "sync", "mv", "sed", "rm", "grep"] {
                killer(&stage, program);
            }
            let variables = vec![("KILL_AT", step.to_string()), ("KILL_WHEN", when.to_owned())];
            let first = stage.run(&script, &Start { variables, ..Start::slurm(41) });
            let was_killed = !first.status.success();
            let other = stage.run(&script, &Start::slurm(42));
            assert!(other.status.success(), "{when} step {step}: {}", errors(&other));
            let other_worked = work(&stage).contains(&"42".to_owned());
            let first_worked = work(&stage).contains(&"41".to_owned());
            assert!(!(first_worked && other_worked), "{when} step {step}: both worked");
            let requeued = stage.run(&script, &Start { restart: 1, ..Start::slurm(41) });
            assert!(requeued.status.success(), "{when} step {step}: {}", errors(&requeued));
            let ids = work(&stage);
            assert_eq!(
                ids.contains(&"41".to_owned()),
                !other_worked,
                "{when} step {step}: one of the two, and only one"
            );
            steps += 1;
            if !was_killed {
                break;
            }
            assert!(step < 50, "the script never gets through");
        }
    }
    assert!(steps > 20, "the killing doubles were not reached: {steps} steps");
}

#[test]
fn a_job_without_its_directory_says_so_and_makes_none() {
    let stage = Stage::new();
    let script = counting(&stage);
    fs::remove_dir(stage.path("job")).expect("removed");
    let output = stage.run(&script, &Start::slurm(41));
    assert_eq!(output.status.code(), Some(i32::from(templates::exit_code::NO_JOB_DIRECTORY)));
    assert!(errors(&output).contains("cannot be seen from"), "{}", errors(&output));
    assert!(!stage.exists("job") && !stage.exists("work"));
}

#[test]
fn a_script_that_no_scheduler_started_does_nothing() {
    let stage = Stage::new();
    let script = counting(&stage);
    for id in ["", "a[$(touch $STAGE/work)]", "12x"] {
        let variables = vec![("SLURM_JOB_ID", id.to_owned())];
        let output = stage.run(&script, &Start { variables, ..Start::slurm(1) });
        assert_eq!(output.status.code(), Some(i32::from(templates::exit_code::NO_JOB_DIRECTORY)), "{id}");
    }
    assert!(!stage.exists("job/links") && !stage.exists("work"));
}

#[test]
fn a_claim_does_not_depend_on_what_mv_reports() {
    // Over NFS a rename whose answer is lost is sent again, and then fails although it was done.
    let stage = Stage::new();
    let script = counting(&stage);
    stage.double("mv", "/usr/bin/mv \"$@\"\n[ \"$1\" != -T ]");
    assert!(stage.run(&script, &Start::slurm(41)).status.success());
    assert_eq!(work(&stage), ["41"]);
}
