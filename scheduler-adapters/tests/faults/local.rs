//! Local jobs outlive who submitted them, and end when their supervisor does.

use crate::{
    stages::local::{scheduler, stage},
    suite::{Size, Stage, SystemClock, fresh_stamp, long_ago, until},
};
use model::{BaseState, Clock, SchedulerJobId, WallTime};
use scheduler_adapters::{
    AdapterErrorKind, LocalResources, LocalScheduler, Scheduler, ScriptSource, Submission, Whose,
    local::LocalConfiguration,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

fn supervisor_of(state: &Path, id: SchedulerJobId) -> i32 {
    let text = std::fs::read_to_string(state.join(format!("jobs/{:08}/supervisor.json", id.raw()))).expect("it lives");
    let facts: serde_json::Value = serde_json::from_str(&text).expect("a fact");
    i32::try_from(facts["id"].as_i64().expect("an id")).expect("a process id")
}

fn is_alive(process: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", process.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn becomes_true(what: &str, is_so: impl Fn() -> bool) {
    assert!(until(async || is_so().then_some(())).await.is_some(), "it never came to be that {what}");
}

fn kill(process: i32) {
    let process = rustix::process::Pid::from_raw(process).expect("not zero");
    rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("it is ours");
}

#[tokio::test]
async fn a_killed_supervisor_ends_its_job_as_a_lost_node_and_leaves_no_process() {
    let stage = stage();
    let folder = stage.folder.parent().expect("a folder").join("state");
    let witness = stage.folder.join("process");
    let body = format!("echo $$ > {}; sleep 600 & sleep 600", witness.display());
    let submission = stage.submission("lost", Size::Everything, &body);
    let id = stage.submit(&submission).await;
    stage.running(id).await;
    becomes_true("the job runs", || std::fs::read_to_string(&witness).is_ok_and(|text| text.ends_with('\n'))).await;
    let process = std::fs::read_to_string(&witness).expect("written");
    assert!(is_alive(&process));
    let next = stage.submission("next", Size::Everything, "true");
    let next_id = stage.submit(&next).await;
    kill(supervisor_of(&folder, id));
    let ended = stage.ended(id).await;
    assert_eq!(ended.state.base, BaseState::NodeFail);
    let ended_at = ended.ends_at.expect("it ended");
    assert!(ended_at <= SystemClock.now() && ended_at >= ended.started_at.expect("it ran"));
    becomes_true("its processes are gone", || !is_alive(&process)).await;
    assert_eq!(stage.ended(next_id).await.state.base, BaseState::Completed, "its slots are free again");
    let batch = stage.runs().await;
    let run = batch.runs.iter().find(|run| run.key.scheduler_job == id).expect("it ran, so it counts");
    assert_eq!(run.ended_at, Some(ended_at));
}

/// Where a job's facts lie.
fn facts_of(stage: &Stage, id: SchedulerJobId) -> PathBuf {
    stage.folder.parent().expect("a folder").join(format!("state/jobs/{:08}", id.raw()))
}

async fn complains_of_the_disk(facts: &Path) {
    let log = facts.join("supervisor.log");
    becomes_true("its supervisor tries again", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("trying again"))
    })
    .await;
}

#[tokio::test]
async fn a_disk_that_takes_no_end_delays_it_and_changes_nothing() {
    let stage = stage();
    let submission = stage.gated("full", Size::Small);
    let id = stage.submit(&submission).await;
    stage.running(id).await;
    // As on a full disk, the file cannot be written: its name is taken by a folder.
    let facts = facts_of(&stage, id);
    std::fs::create_dir(facts.join("end.json")).expect("ours");
    stage.open(&submission);
    complains_of_the_disk(&facts).await;
    std::fs::remove_dir(facts.join("end.json")).expect("ours");
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed, "it was never lost");
}

#[tokio::test]
async fn a_disk_that_takes_no_start_and_no_sign_of_life_fails_no_job() {
    let stage = stage();
    let (first, second) = (stage.gated("first", Size::Everything), stage.gated("second", Size::Everything));
    let (first_id, second_id) = (stage.submit(&first).await, stage.submit(&second).await);
    stage.running(first_id).await;
    let facts = facts_of(&stage, second_id);
    for name in ["start.json", "heartbeat", "leader.json"] {
        std::fs::create_dir(facts.join(name)).expect("ours");
    }
    stage.open(&first);
    complains_of_the_disk(&facts).await;
    std::fs::remove_dir(facts.join("start.json")).expect("ours");
    stage.running(second_id).await;
    stage.open(&second);
    assert_eq!(stage.ended(second_id).await.state.base, BaseState::Completed);
    let run = stage.runs().await.runs.into_iter().find(|run| run.key.scheduler_job == second_id);
    assert_eq!(run.expect("it ran").state.base, BaseState::Completed);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_costs_no_other() {
    let stage = stage();
    let (good, odd) = (stage.gated("good", Size::Small), stage.gated("odd", Size::Small));
    let (good_id, odd_id) = (stage.submit(&good).await, stage.submit(&odd).await);
    for id in [good_id, odd_id] {
        stage.running(id).await;
    }
    let record = facts_of(&stage, odd_id).join("record.json");
    let kept = std::fs::read(&record).expect("ours");
    std::fs::write(&record, "no record").expect("ours");
    let queue = stage.scheduler.queue(&Whose::mine()).await.expect("readable");
    assert_eq!(queue.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [good_id]);
    assert_eq!(queue.rejected.iter().map(|row| row.raw.as_str()).collect::<Vec<_>>(), [odd_id.to_string()]);
    let states = stage.scheduler.states(&[good_id], long_ago()).await.expect("readable");
    assert!(states[&good_id].state.is_running());
    let error = stage.scheduler.states(&[good_id, odd_id], long_ago()).await.expect_err("it is not absent");
    assert_eq!(error.kind, AdapterErrorKind::Unreadable);
    let error = stage.scheduler.read_back(odd_id).await.expect_err("it is not absent");
    assert_eq!(error.kind, AdapterErrorKind::Unreadable);
    let error = stage.scheduler.find(&Stage::search(&good)).await.expect_err("it may carry any stamp");
    assert_eq!(error.kind, AdapterErrorKind::Unreadable);
    let batch = stage.runs().await;
    assert_eq!((batch.runs.len(), batch.rejected.len()), (1, 1));
    std::fs::write(&record, kept).expect("ours");
    stage.open(&good);
    stage.open(&odd);
    for id in [good_id, odd_id] {
        stage.ended(id).await;
    }
}

#[tokio::test]
async fn what_a_script_leaves_behind_ends_with_it() {
    let stage = stage();
    let witness = stage.folder.join("process");
    let body = format!("sleep 600 & echo $! > {}", witness.display());
    let id = stage.submit(&stage.submission("leaves", Size::Small, &body)).await;
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed);
    let process = std::fs::read_to_string(&witness).expect("written");
    becomes_true("it is gone", || !is_alive(&process)).await;
}

#[tokio::test]
async fn a_job_gets_its_own_gpu_slots() {
    let stage = stage();
    let body = "echo $CUDA_VISIBLE_DEVICES/$PAKT_LOCAL_JOB_ID; until [ -e \"$1\" ]; do sleep 0.05; done";
    let mut seen = Vec::new();
    let mut jobs = Vec::new();
    for name in ["one", "two"] {
        let mut submission = stage.submission(name, Size::Small, body);
        submission.local_resources.gpus = 2;
        submission.script_arguments = vec![stage.folder.join("gate").display().to_string()];
        let id = stage.submit(&submission).await;
        stage.running(id).await;
        let output = stage.output_of(submission.stamp);
        becomes_true("it has said so", || std::fs::read_to_string(&output).is_ok_and(|text| !text.is_empty())).await;
        seen.push(std::fs::read_to_string(&output).expect("written"));
        jobs.push(id);
    }
    assert_eq!(seen, [format!("0,1/{}\n", jobs[0]), format!("2,3/{}\n", jobs[1])]);
    std::fs::write(stage.folder.join("gate"), "").expect("ours");
    for id in jobs {
        stage.ended(id).await;
    }
}

#[tokio::test]
async fn many_submitters_get_ids_of_their_own_and_jobs_run_in_order() {
    let stage = stage();
    let log = stage.folder.join("order");
    let body = format!("echo $PAKT_LOCAL_JOB_ID >> {}", log.display());
    let submissions: Vec<Submission> = (0..12).map(|_| stage.submission("many", Size::Everything, &body)).collect();
    let submitting: Vec<_> = submissions
        .into_iter()
        .map(|submission| {
            let scheduler = Arc::clone(&stage.scheduler);
            tokio::spawn(async move { scheduler.submit(&submission).await.expect("submitted").id })
        })
        .collect();
    let mut ids = Vec::new();
    for submitted in submitting {
        ids.push(submitted.await.expect("no panic"));
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=12).map(SchedulerJobId::new).collect::<Vec<_>>());
    for id in &ids {
        stage.ended(*id).await;
    }
    let order = std::fs::read_to_string(&log).expect("written");
    let mut sorted: Vec<u64> = order.lines().map(|line| line.parse().expect("an id")).collect();
    assert_eq!(sorted.len(), 12);
    sorted.dedup();
    assert_eq!(sorted.len(), 12, "each ran once: {order}");
}

fn submission(script: &Path) -> Submission {
    let stamp = fresh_stamp();
    Submission {
        script: ScriptSource::File(script.display().to_string()),
        job_name: format!("x.{stamp}"),
        array: None,
        stamp,
        output: None,
        directory: script.parent().map(|folder| folder.display().to_string()),
        options: Vec::new(),
        script_arguments: Vec::new(),
        keeps_environment_options: false,
        local_resources: LocalResources { nodes: 1, cpus: 1, gpus: 0, time_limit: WallTime::from_seconds(60) },
    }
}

#[tokio::test]
async fn what_is_no_script_or_no_option_of_ours_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = scheduler(folder.path().join("state"));
    let script = folder.path().join("script");
    let refused = async |submission: &Submission| match local.submit(submission).await.expect_err("refused").kind {
        AdapterErrorKind::Refused { said } => said,
        other => panic!("{other:?}"),
    };
    assert!(refused(&submission(&script)).await.contains("cannot be read"));
    std::fs::write(&script, "echo no interpreter\n").expect("ours");
    assert!(refused(&submission(&script)).await.contains("interpreter"));
    std::fs::write(&script, "#!/bin/sh\ntrue\n").expect("ours");
    let mut with_option = submission(&script);
    with_option.options = vec!["--reservation=x".to_owned()];
    assert!(refused(&with_option).await.contains("--reservation=x"));
    assert!(!folder.path().join("state/jobs/00000001").exists(), "nothing was begun");
}

#[tokio::test]
async fn a_supervisor_that_does_not_start_leaves_no_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/bin/sh\ntrue\n").expect("ours");
    for supervisor in [vec!["/nonexistent/pakt".to_owned()], vec!["false".to_owned()]] {
        let configuration =
            LocalConfiguration { state_directory: folder.path().join("state"), supervisor, cpus: 1, gpus: 0 };
        let local = LocalScheduler::new(configuration, "alice".parse().expect("a user"), Arc::new(SystemClock));
        let error = local.submit(&submission(&script)).await.expect_err("nothing supervises");
        assert_eq!(error.kind, AdapterErrorKind::Unreachable, "{error}");
        assert!(local.queue(&Whose::mine()).await.expect("it answers").jobs.is_empty());
    }
}

#[tokio::test]
async fn a_job_that_ignores_the_request_to_end_is_killed() {
    let stage = stage();
    let mut submission = stage.submission("deaf", Size::Small, "trap '' TERM; echo deaf; while :; do sleep 0.1; done");
    submission.local_resources.time_limit = WallTime::from_seconds(1);
    let id = stage.submit(&submission).await;
    let ended = stage.ended(id).await;
    assert_eq!(ended.state.base, BaseState::Timeout);
    let run = stage.runs().await.runs.into_iter().find(|run| run.key.scheduler_job == id).expect("it ran");
    assert_eq!(run.exit.signal, 9);
}
