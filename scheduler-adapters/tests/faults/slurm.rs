//! Commands that lie, hang, die and chatter. Of each the same is asked: no job lost, none thought absent, none doubled.

use crate::{
    stages::double::{Double, stage_and_double},
    suite::{Size, Stage, long_ago, until},
};
use model::SchedulerJobId;
use reach::Retry;
use scheduler_adapters::{AdapterErrorKind, Scheduler, Submission, Whose};

/// The jobs with a submission's stamp.
async fn found(stage: &Stage, submission: &Submission) -> Vec<SchedulerJobId> {
    let found = stage.scheduler.find(&Stage::search(submission)).await.expect("both answer");
    found.iter().map(|job| job.sighting.id).collect()
}

#[tokio::test]
async fn a_submission_whose_outcome_is_unknown_is_found() {
    for fault in ["killed", "socket", "no-id"] {
        let (stage, double) = stage_and_double(true);
        let submission = stage.submission("unknown", Size::Small, "true");
        double.fails("sbatch", fault);
        let error = stage.scheduler.submit(&submission).await.expect_err(fault);
        assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst), "{fault}");
        assert_eq!(double.calls_of("sbatch"), 1, "{fault}: a write is never repeated");
        assert_eq!(found(&stage, &submission).await, [SchedulerJobId::new(1)], "{fault}");
    }
}

#[tokio::test]
async fn a_submission_that_hangs_after_acceptance_is_found() {
    let (stage, double) = stage_and_double(false);
    let submission = stage.submission("hangs", Size::Small, "true");
    double.fails("sbatch", "hang");
    let error = stage.scheduler.submit(&submission).await.expect_err("it hangs");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst));
    assert_eq!(found(&stage, &submission).await, [SchedulerJobId::new(1)]);
}

#[tokio::test]
async fn an_id_that_was_printed_before_the_time_was_out_is_kept() {
    let (stage, double) = stage_and_double(false);
    let submission = stage.submission("partial", Size::Small, "true");
    double.fails("sbatch", "hang-after-id");
    let submitted = stage.scheduler.submit(&submission).await.expect("the id was printed");
    assert_eq!(submitted.id, SchedulerJobId::new(1));
    assert!(submitted.chatter.contains("out of time"), "{submitted:?}");
}

#[tokio::test]
async fn sbatch_is_left_alone_when_the_time_is_out_and_its_late_job_is_found() {
    let (stage, double) = stage_and_double(false);
    let submission = stage.submission("late", Size::Small, "true");
    double.fails("sbatch", "late");
    let error = stage.scheduler.submit(&submission).await.expect_err("it is late");
    assert_eq!(error.kind, AdapterErrorKind::OutcomeUnknown);
    let came = until(async || (found(&stage, &submission).await == [SchedulerJobId::new(1)]).then_some(())).await;
    assert!(came.is_some(), "the job never came: sbatch was killed");
}

#[tokio::test]
async fn chatter_around_the_id_does_not_hide_it() {
    for (fault, cluster, said) in
        [("banner", Some("double"), "3 of 12 racks"), ("retrying", None, "temporarily unable")]
    {
        let (stage, double) = stage_and_double(true);
        let submission = stage.submission("chatter", Size::Small, "true");
        double.fails("sbatch", fault);
        let submitted = stage.scheduler.submit(&submission).await.expect(fault);
        assert_eq!(submitted.id, SchedulerJobId::new(1), "{fault}");
        assert_eq!(submitted.cluster.as_ref().map(model::ClusterName::as_str), cluster, "{fault}");
        assert!(submitted.chatter.contains(said), "{fault}: {submitted:?}");
    }
}

#[tokio::test]
async fn a_controller_that_is_not_there_took_no_job() {
    let (stage, double) = stage_and_double(true);
    let submission = stage.submission("down", Size::Small, "true");
    double.fails("sbatch", "down");
    let error = stage.scheduler.submit(&submission).await.expect_err("nobody is there");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::Unreachable, Retry::Later));
    assert!(found(&stage, &submission).await.is_empty());
}

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
    let queue = stage.scheduler.queue(&Whose::mine()).await.expect("readable");
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
    double.recycles_ids();
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
async fn many_jobs_are_one_question_to_the_queue_and_one_to_accounting() {
    let (stage, double) = stage_and_double(true);
    let ids: Vec<SchedulerJobId> = (1..=10_000).map(SchedulerJobId::new).collect();
    stage.runs().await;
    let before = (double.calls_of("squeue"), double.calls_of("sacct"));
    stage.scheduler.states(&ids, long_ago()).await.expect("both answer");
    assert_eq!((double.calls_of("squeue"), double.calls_of("sacct")), (before.0 + 1, before.1 + 1));
}

#[tokio::test]
async fn a_site_without_slurm_says_so() {
    let reach = crate::stages::wrapped::Wrapped(|command: &reach::Command| {
        let mut changed = command.clone();
        changed.program = format!("/nonexistent/{}", command.program);
        changed
    });
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
