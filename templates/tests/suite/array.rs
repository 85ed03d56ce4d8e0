//! The script of an array in real bash: each task goes on with the script of the job that it is, and the claim guards it.

use crate::{
    common::job,
    sites,
    stage::{Stage, Start, errors},
};
use model::{ArrayStamp, JobId, Launch, Timestamp};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use templates::{ArrayScript, ArrayTask, BatchScript, Dialect, exit_code, render, render_array};

fn array() -> ArrayStamp {
    ArrayStamp::of(JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 0x1234_5678_9abc_def0_1234))
}

fn directory(stage: &Stage, task: u32) -> PathBuf {
    stage.path("state/jobs").join(array().task(task).job.to_string())
}

/// Two jobs, tasks 0 and 2 of an array: their scripts, and that of the array. Each leaves a line where it works.
fn set(stage: &Stage, log: Option<&str>) -> PathBuf {
    let spec =
        job(Launch::Command, "echo \"works as $SLURM_JOB_NAME ${PAKT_TASK-} in $(pwd)\"; echo x >>\"$STAGE/work\"");
    let placement = sites::local();
    let tasks = [0, 2].map(|index| {
        let (folder, stamp) = (directory(stage, index), array().task(index));
        fs::create_dir_all(&folder).expect("ours");
        let job_directory = folder.to_str().expect("a path as text");
        let (spec, placement, made_by) = (&spec, &placement, "pakt 0.1.0");
        let script = BatchScript {
            is_array: false,
            code: None,
            stamp,
            spec,
            placement,
            job_directory,
            dialect: Dialect::Slurm,
            failure_patterns: &[],
            made_by,
        };
        fs::write(folder.join("script.sh"), render(&script).expect("a script")).expect("ours");
        let log = log.map(str::to_owned).filter(|_| index == 2);
        ArrayTask { index, job: stamp.job, name: format!("job-{index}.{stamp}"), log }
    });
    let jobs = stage.path("state/jobs");
    let jobs = jobs.to_str().expect("a path as text");
    let script = ArrayScript { stamp: array(), placement: &placement, jobs, tasks: &tasks, made_by: "pakt 0.1.0" };
    let file = stage.path("array.sh");
    fs::write(&file, render_array(&script).expect("a script")).expect("ours");
    file
}

/// Runs a task of array 4711, whose own number is this.
fn run(stage: &Stage, script: &Path, task: u32, number: u64, restart: u32) -> Output {
    run_of(stage, script, "4711", task, number, restart)
}

fn run_of(stage: &Stage, script: &Path, array: &str, task: u32, number: u64, restart: u32) -> Output {
    let variables = vec![("SLURM_ARRAY_JOB_ID", array.to_owned()), ("SLURM_ARRAY_TASK_ID", task.to_string())];
    stage.run(script, &Start { restart, variables, ..Start::slurm(number) })
}

fn said(stage: &Stage, task: u32, log: &str) -> String {
    fs::read_to_string(directory(stage, task).join(log)).unwrap_or_default()
}

fn work(stage: &Stage) -> usize {
    fs::read_to_string(stage.path("work")).unwrap_or_default().lines().count()
}

#[test]
fn each_task_goes_on_with_its_own_job_and_is_called_by_array_and_index() {
    let stage = Stage::new();
    let script = set(&stage, Some("logs/%j-job.out"));
    fs::create_dir(directory(&stage, 2).join("logs")).expect("ours");
    // The last task has the number of the array.
    for (task, number, log) in [(0, 4712, "log"), (2, 4711, "logs/4711_2-job.out")] {
        let output = run(&stage, &script, task, number, 0);
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        let folder = directory(&stage, task);
        let stamp = array().task(task);
        assert_eq!(said(&stage, task, log), format!("works as job-{task}.{stamp}  in /\n"));
        let owner = fs::read_to_string(folder.join("links/1/claim/owner")).expect("claimed");
        assert!(owner.starts_with(&format!("scheduler_job=4711_{task}\n")), "{owner}");
        let attempt = folder.join(format!("links/1/attempts/4711_{task}-0"));
        let started = fs::read_to_string(attempt.join("started")).expect("it started");
        assert!(started.contains(&format!("scheduler_job=4711_{task}\n")), "{started}");
        assert!(fs::read_to_string(attempt.join("ended")).expect("it ended").contains("exit_code=0\n"));
    }
    assert_eq!(work(&stage), 2);
}

#[test]
fn of_two_arrays_with_one_job_one_works() {
    let stage = Stage::new();
    let script = set(&stage, None);
    assert!(run(&stage, &script, 0, 4712, 0).status.success());
    let output = run_of(&stage, &script, "4800", 0, 4801, 0);
    assert_eq!(output.status.code(), Some(0));
    assert!(said(&stage, 0, "log").contains("scheduler job 4711_0 holds the claim"), "{}", said(&stage, 0, "log"));
    assert!(directory(&stage, 0).join("links/1/duplicates/4800_0/owner").exists());
    // So it is with one that was sent by itself, whose number is that of the array.
    let single = stage.run(&directory(&stage, 0).join("script.sh"), &Start::slurm(4711));
    assert!(errors(&single).contains("scheduler job 4711 ends without work"), "{}", errors(&single));
    assert_eq!(work(&stage), 1);
}

#[test]
fn a_task_that_is_started_again_goes_on_and_loses_no_log() {
    let stage = Stage::new();
    let script = set(&stage, None);
    fs::write(directory(&stage, 0).join("log"), "of the start before\n").expect("ours");
    let output = run(&stage, &script, 0, 4712, 1);
    assert!(output.status.success(), "{}", errors(&output));
    assert!(said(&stage, 0, "log").starts_with("of the start before\nworks as"), "{}", said(&stage, 0, "log"));
    assert!(directory(&stage, 0).join("links/1/attempts/4711_0-1/ended").exists());
}

#[test]
fn what_is_no_job_any_more_or_never_was_does_no_work() {
    let stage = Stage::new();
    let script = set(&stage, None);
    let output = run(&stage, &script, 1, 4713, 0);
    assert_eq!(output.status.code(), Some(exit_code::NO_JOB_DIRECTORY.into()));
    assert!(errors(&output).contains("has no task `1`"), "{}", errors(&output));
    fs::remove_file(directory(&stage, 0).join("script.sh")).expect("there");
    fs::write(directory(&stage, 0).join("sealed.tar"), "").expect("ours");
    let output = run(&stage, &script, 0, 4712, 0);
    assert_eq!(output.status.code(), Some(0));
    assert!(errors(&output).contains("its directory is sealed"), "{}", errors(&output));
    fs::write(directory(&stage, 2).join("cancel.json"), "{}").expect("ours");
    assert_eq!(run(&stage, &script, 2, 4714, 0).status.code(), Some(0));
    assert!(said(&stage, 2, "log").contains("was cancelled; scheduler job 4711_2 ends without work"));
    fs::remove_dir_all(directory(&stage, 2)).expect("ours");
    let output = run(&stage, &script, 2, 4714, 0);
    assert_eq!(output.status.code(), Some(exit_code::NO_JOB_DIRECTORY.into()));
    assert!(errors(&output).contains("cannot be seen from"), "{}", errors(&output));
    assert_eq!(work(&stage), 0);
}

#[test]
fn names_and_logs_with_odd_letters_are_words() {
    let stage = Stage::new();
    let task = |index| ArrayTask {
        index,
        job: array().task(index).job,
        name: "a'b $(c)".to_owned(),
        log: Some("/p/$HOME \"x\"/%j".to_owned()),
    };
    let (placement, tasks) = (sites::site("jupiter"), [task(0), task(1)]);
    let script =
        ArrayScript { stamp: array(), placement: &placement, jobs: "/p/a b/jobs", tasks: &tasks, made_by: "pakt" };
    let text = render_array(&script).expect("a script");
    assert!(text.contains("#SBATCH --account=scifi\n"), "{text}");
    let file = stage.path("odd.sh");
    fs::write(&file, &text).expect("ours");
    let output = Command::new("bash").arg("-n").arg(&file).output().expect("bash");
    assert!(output.status.success(), "{}", errors(&output));
    let line = text.lines().find(|line| line.trim_start().starts_with("0)")).expect("the first task");
    let line = line.trim_start().trim_start_matches("0)").trim_end_matches(";;");
    let ask = format!("{line}\nprintf '%s\\n' \"$pakt_name\" \"$pakt_log\"");
    let output = Command::new("bash").arg("-c").arg(ask).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a'b $(c)\n/p/$HOME \"x\"/%j\n");
}
