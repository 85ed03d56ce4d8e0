//! One job, started more than once, stopped in between, or not before it is let go.

use super::{Deed, Size, Stage, accounting::runs_of, until};
use model::{BaseState, Run};

pub(crate) async fn a_requeued_job_is_two_runs_of_one_id(stage: &Stage) {
    let submission = stage.gated("requeued", Size::Small);
    let id = stage.submit(&submission).await;
    let first = stage.running(id).await;
    (stage.hands)(Deed::Requeue, id);
    let is_second = |job: &scheduler_adapters::JobSighting| job.submitted_at > first.submitted_at;
    stage.until(id, "running again", |job| job.state.is_running() && is_second(job)).await;
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert_eq!(found.iter().map(|job| job.sighting.id).collect::<Vec<_>>(), [id], "one job, however often it starts");
    stage.open(&submission);
    let last = stage.ended(id).await;
    assert_eq!(last.state.base, BaseState::Completed, "the last start tells");
    let both = until(async || {
        let batch = stage.runs().await;
        let runs: Vec<Run> = runs_of(&batch, id).into_iter().cloned().collect();
        (runs.len() == 2 && runs.iter().all(|run| run.ended_at.is_some())).then_some(runs)
    });
    let mut runs = both.await.expect("accounting has both starts");
    runs.sort_by_key(|run| run.key.submitted_at);
    assert_ne!(runs[0].key, runs[1].key, "a requeue resets the submit time");
    assert_eq!((runs[0].started_at, runs[0].stamp), (first.started_at.expect("it ran"), Some(submission.stamp)));
    assert!(!runs[0].state.is_running() && runs[0].state.base != BaseState::Completed, "{runs:?}");
    assert_eq!((runs[1].state.base, runs[1].stamp), (BaseState::Completed, Some(submission.stamp)));
    assert!(runs.iter().all(|run| run.allocated.nodes == Some(1)), "{runs:?}");
}

pub(crate) async fn a_suspended_job_keeps_its_allocation(stage: &Stage) {
    let submission = stage.gated("suspended", Size::Small);
    let id = stage.submit(&submission).await;
    stage.running(id).await;
    (stage.hands)(Deed::Suspend, id);
    let suspended = stage.until(id, "suspended", |job| job.state.base == BaseState::Suspended).await;
    assert!(suspended.state.is_running() && !suspended.state.is_final(), "it is still charged");
    assert!(suspended.requested.cpus > Some(0), "{suspended:?}");
    let run = until(async || {
        let batch = stage.runs().await;
        runs_of(&batch, id).into_iter().find(|run| run.state.base == BaseState::Suspended).cloned()
    });
    let run = run.await.expect("accounting has it");
    assert_eq!((run.ended_at, run.stamp), (None, Some(submission.stamp)));
    (stage.hands)(Deed::Resume, id);
    stage.open(&submission);
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed);
}

pub(crate) async fn a_held_job_starts_when_it_is_released(stage: &Stage) {
    let mut submission = stage.gated("held", Size::Small);
    submission.options = vec!["--hold".to_owned()];
    let id = stage.submit(&submission).await;
    let held = stage.until(id, "held", |job| job.reason.contains("Held")).await;
    assert!(held.state.is_pending(), "{held:?}");
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert_eq!(found.len(), 1, "a held job is a job");
    stage.scheduler.release(id).await.expect("released");
    stage.running(id).await;
    stage.scheduler.release(id).await.expect("it has started already");
    stage.open(&submission);
    stage.ended(id).await;
    stage.scheduler.release(id).await.expect("it has ended already");
    let is_run = until(async || stage.runs().await.runs.iter().any(|run| run.key.scheduler_job == id).then_some(()));
    is_run.await.expect("accounting has it");
}
