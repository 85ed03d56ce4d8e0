//! Questions that are answered badly or not at all: no job is lost for it, and none is thought absent.

use super::submission::found;
use crate::{
    stages::double::{Double, stage_and_double},
    suite::{Size, Stage, long_ago},
};
use model::{GpuCount, SchedulerJobId};
use reach::Retry;
use scheduler_adapters::{AdapterError, AdapterErrorKind, Scheduler, Submission, Whose};

/// A stage with one running job, and what a fault makes of the questions about it.
async fn running_job() -> (Stage, Double, Submission, SchedulerJobId) {
    let (stage, double) = stage_and_double(true);
    let submission = stage.gated("asked", Size::Small);
    let id = stage.submit(&submission).await;
    stage.running(id).await;
    (stage, double, submission, id)
}

#[tokio::test]
async fn a_question_that_was_not_answered_is_never_an_empty_answer() {
    let (stage, double, submission, id) = running_job().await;
    for (program, fault, kind) in [
        ("squeue", "empty", AdapterErrorKind::Unreadable),
        ("squeue", "garbage", AdapterErrorKind::Unreadable),
        ("squeue", "cut", AdapterErrorKind::Unreadable),
        ("squeue", "down", AdapterErrorKind::Unreachable),
        ("sacct", "empty", AdapterErrorKind::Unreadable),
        ("sacct", "garbage", AdapterErrorKind::Unreadable),
        ("sacct", "cut", AdapterErrorKind::Unreadable),
        ("sacct", "down", AdapterErrorKind::AccountingDown),
        ("squeue", "says Invalid user: ada", AdapterErrorKind::Unreachable),
        ("squeue", "says Protocol authentication error", AdapterErrorKind::Unreachable),
        ("squeue", "says something that no release has said yet", AdapterErrorKind::Unreachable),
        ("squeue", "complains Invalid user: ada", AdapterErrorKind::Unreachable),
        ("sacct", "says Invalid user id: ada", AdapterErrorKind::AccountingDown),
        ("sacct", "says Protocol authentication error", AdapterErrorKind::AccountingDown),
        ("sacct", "complains Invalid user id: ada", AdapterErrorKind::AccountingDown),
    ] {
        // Accounting's columns are asked for once, beforehand: the fault is to meet the question itself.
        stage.runs().await;
        double.fails(program, fault);
        let error = stage.scheduler.find(&Stage::search(&submission)).await.expect_err(fault);
        assert_eq!((&error.kind, error.retry), (&kind, Retry::Later), "{program} {fault}: {error}");
        assert_eq!(found(&stage, &submission).await, [id], "{program} {fault} is over");
    }
    stage.open(&submission);
}

#[tokio::test]
async fn a_command_that_hangs_is_an_answer_that_did_not_come() {
    let (stage, double) = stage_and_double(false);
    let submission = stage.submission("slow", Size::Small, "true");
    stage.submit(&submission).await;
    stage.runs().await;
    for (program, kind) in [("squeue", AdapterErrorKind::Unreachable), ("sacct", AdapterErrorKind::AccountingDown)] {
        double.fails(program, "slow");
        let error = stage.scheduler.find(&Stage::search(&submission)).await.expect_err(program);
        assert_eq!((&error.kind, error.retry), (&kind, Retry::Later), "{program}");
    }
}

#[tokio::test]
async fn a_banner_is_no_row() {
    let (stage, double, submission, id) = running_job().await;
    stage.runs().await;
    double.fails("squeue", "banner always");
    double.fails("sacct", "banner always");
    assert_eq!(found(&stage, &submission).await, [id]);
    let queue = stage.scheduler.queue(&Whose::mine()).await.expect("readable").jobs;
    assert_eq!(queue.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), [submission.job_name.as_str()]);
    let batch = stage.runs().await;
    assert_eq!((batch.runs.len(), batch.rejected.len()), (1, 0));
    stage.open(&submission);
}

#[tokio::test]
async fn a_row_that_was_cut_is_handed_back() {
    let (stage, double, submission, id) = running_job().await;
    stage.runs().await;
    double.fails("sacct", "cut");
    let batch = stage.runs_in(stage.runs().await.coverage.window).await;
    // The fault met the first of the two questions; the second is whole again.
    assert_eq!(batch.runs.iter().map(|run| run.key.scheduler_job).collect::<Vec<_>>(), [id]);
    double.fails("sacct", "cut");
    let batch = stage.runs().await;
    assert_eq!((batch.runs.len(), batch.rejected.len()), (0, 1), "{batch:?}");
    assert!(batch.rejected[0].raw.starts_with("1\u{1f}"));
    stage.open(&submission);
}

#[tokio::test]
async fn without_accounting_the_queue_still_tells_where_its_jobs_stand() {
    let (stage, double, submission, id) = running_job().await;
    double.fails("sacct", "down always");
    let states = stage.scheduler.states(&[id], long_ago()).await.expect("the queue knows it");
    assert!(states[&id].state.is_running());
    let gone = SchedulerJobId::new(4711);
    let error = stage.scheduler.states(&[id, gone], long_ago()).await.expect_err("nobody can say");
    assert_eq!(error.kind, AdapterErrorKind::AccountingDown);
    double.fails("sacctmgr", "down always");
    let facts = stage.scheduler.describe().await.expect("the controller answers");
    assert_eq!(facts.accounting, None);
    stage.open(&submission);
}

#[tokio::test]
async fn an_earlier_owner_of_an_id_is_never_taken_for_the_job() {
    let (stage, double) = stage_and_double(true);
    double.set("former", "");
    let submission = stage.gated("recycled", Size::Small);
    let id = stage.submit(&submission).await;
    let running = stage.running(id).await;
    assert_eq!(running.user, stage.user);
    assert_eq!(found(&stage, &submission).await, [id]);
    stage.open(&submission);
    let ended = stage.ended(id).await;
    assert_eq!((&ended.user, ended.name.as_str()), (&stage.user, submission.job_name.as_str()));
    let facts = stage.scheduler.read_back(id).await.expect("accounting knows it");
    assert_eq!(facts.sighting.submitted_at, ended.submitted_at);
    let batch = stage.runs().await;
    let keys: Vec<_> = batch.runs.iter().map(|run| &run.key).collect();
    assert!(keys.iter().all(|key| key.scheduler_job == id) && keys.len() == 2, "two runs, told apart: {keys:?}");
    assert_ne!(keys[0].submitted_at, keys[1].submitted_at);
}

#[tokio::test]
async fn one_row_that_cannot_be_read_stops_nothing() {
    let (stage, double, submission, id) = running_job().await;
    let odd = stage.gated("odd", Size::Small);
    let odd_id = stage.submit(&odd).await;
    stage.running(odd_id).await;
    double.spoils_row_of(odd_id);
    let queue = stage.scheduler.queue(&Whose::mine()).await.expect("readable");
    assert_eq!(queue.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);
    let [row] = queue.rejected.as_slice() else { panic!("{queue:?}") };
    assert!(row.raw.starts_with(&format!("{odd_id}\u{1f}")) && row.reason.contains("yesterday"), "{row:?}");
    assert_eq!((row.stamp, row.is_cut), (Some(odd.stamp), false), "whose it is can be read");
    assert_eq!(found(&stage, &submission).await, [id], "the other job cannot be this one");
    let error = stage.scheduler.find(&Stage::search(&odd)).await.expect_err("it is there and cannot be read");
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::Unreadable, Retry::Later));
    let states = stage.scheduler.states(&[id], long_ago()).await.expect("readable");
    assert!(states[&id].state.is_running());
    let error = stage.scheduler.states(&[id, odd_id], long_ago()).await.expect_err("it is not absent");
    assert_eq!(error.kind, AdapterErrorKind::Unreadable);
    let error = stage.scheduler.read_back(odd_id).await.expect_err("it is not absent");
    assert_eq!(error.kind, AdapterErrorKind::Unreadable);
    let batch = stage.runs().await;
    assert_eq!((batch.runs.len(), batch.rejected.len()), (1, 1));
    stage.open(&submission);
    stage.open(&odd);
}

#[tokio::test]
async fn gpus_that_nobody_counts_are_not_none() {
    let (stage, double) = stage_and_double(true);
    double.set("untracked", "");
    let submission = stage.gated("untracked", Size::Small);
    let id = stage.submit(&submission).await;
    let running = stage.running(id).await;
    assert_eq!(running.requested.gpus(), GpuCount::Untracked);
    let batch = stage.runs().await;
    assert_eq!(batch.runs[0].allocated.gpus(), GpuCount::Untracked, "absent, not zero");
    assert!(batch.runs[0].allocated.cpus > Some(0));
    assert!(!stage.scheduler.describe().await.expect("it answers").tracks_gpus);
    stage.open(&submission);
}

#[tokio::test]
async fn a_held_job_that_nobody_knows_or_that_ended_needs_no_release() {
    let (stage, double) = stage_and_double(true);
    let id = stage.submit(&stage.submission("ended", Size::Small, "true")).await;
    stage.ended(id).await;
    stage.scheduler.release(id).await.expect("it has ended");
    stage.scheduler.release(SchedulerJobId::new(4711)).await.expect("it never was");
    double.fails("scontrol", "says Protocol authentication error");
    let error = stage.scheduler.release(id).await.expect_err("nobody was asked");
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::Unreachable, Retry::Later));
}

#[tokio::test]
async fn of_jobs_that_are_cancelled_together_each_has_its_own_answer() {
    let (stage, double) = stage_and_double(true);
    let mut ids = Vec::new();
    for name in ["ours", "theirs", "ours-too"] {
        let mut submission = stage.submission(name, Size::Small, "true");
        submission.options = vec!["--hold".to_owned()];
        ids.push(stage.submit(&submission).await);
    }
    double.set(&format!("jobs/{}/theirs", ids[1]), "");
    let answers = stage.scheduler.cancel_each(&ids).await;
    let [Ok(()), Err(error), Ok(())] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::NotPermitted, Retry::Never));
    assert!(error.to_string().contains(&format!("job id {}", ids[1])), "{error}");
    assert_eq!(double.calls_of("scancel"), 4, "together, and then each by itself");
    let states = stage.scheduler.states(&ids, long_ago()).await.expect("both answer");
    assert_eq!(ids.iter().map(|id| states[id].state.is_final()).collect::<Vec<_>>(), [true, false, true]);
}

#[tokio::test]
async fn a_controller_that_is_silent_is_asked_to_cancel_once_and_not_once_a_job() {
    let (stage, double) = stage_and_double(true);
    double.fails("scancel", "down always");
    // More than one call takes.
    let many: Vec<SchedulerJobId> = (1..=1200).map(SchedulerJobId::new).collect();
    let answers = stage.scheduler.cancel_each(&many).await;
    let is_silence = |error: &AdapterError| error.kind == AdapterErrorKind::Unreachable && error.retry == Retry::Later;
    assert!(answers.len() == 1200 && answers.iter().all(|answer| answer.as_ref().is_err_and(is_silence)));
    assert_eq!(double.calls_of("scancel"), 1);
}

#[tokio::test]
async fn a_job_in_a_hidden_partition_is_seen_as_any_other() {
    let (stage, double, submission, id) = running_job().await;
    double.set("hidden", "booster");
    let queue = stage.scheduler.queue(&Whose::mine()).await.expect("it answers");
    assert!(queue.jobs.iter().any(|job| job.id == id), "{queue:?}");
    assert_eq!(found(&stage, &submission).await, [id]);
    stage.open(&submission);
}

#[tokio::test]
async fn a_site_without_slurm_says_so() {
    let change = |command: &reach::Command| {
        let mut changed = command.clone();
        changed.program = format!("/nonexistent/{}", command.program);
        changed
    };
    let reach = crate::stages::wrapped::Wrapped(change, reach::Local);
    let scheduler = scheduler_adapters::SlurmCommands::new(
        std::sync::Arc::new(reach),
        std::sync::Arc::new(crate::suite::SystemClock),
    );
    let error = scheduler.describe().await.expect_err("there are no commands");
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::Unsupported, Retry::Never));
    let (stage, _double) = stage_and_double(true);
    let error = scheduler.submit(&stage.submission("x", Size::Small, "true")).await.expect_err("no sbatch");
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::Unsupported, Retry::Never));
}
