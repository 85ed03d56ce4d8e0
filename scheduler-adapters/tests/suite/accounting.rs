//! Runs: what was used, once for each start.

use super::{Size, Stage, SystemClock};
use model::{BaseState, Clock, EvidenceClass, ExitCode, Run, SchedulerJobId, Window};
use scheduler_adapters::RunBatch;

pub(super) fn runs_of(batch: &RunBatch, id: SchedulerJobId) -> Vec<&Run> {
    batch.runs.iter().filter(|run| run.key.scheduler_job == id).collect()
}

/// Waits until accounting has a job as wanted: it may lag behind the queue.
async fn accounted_as(stage: &Stage, id: SchedulerJobId, is_it: impl Fn(&Run) -> bool) -> (Run, RunBatch) {
    for _ in 0..600 {
        let batch = stage.runs().await;
        if let [run] = runs_of(&batch, id).as_slice()
            && is_it(run)
        {
            return ((*run).clone(), batch);
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("accounting never had job {id}")
}

/// Waits until accounting has the end of a job.
async fn accounted(stage: &Stage, id: SchedulerJobId) -> Run {
    accounted_as(stage, id, |run| run.ended_at.is_some()).await.0
}

pub(crate) async fn a_finished_job_is_one_run(stage: &Stage) {
    let mut submission = stage.submission("three", Size::Small, "pwd; echo \"$# $2\"; exit 3");
    submission.script_arguments = vec!["one".to_owned(), "two words".to_owned()];
    let before = SystemClock.now();
    let id = stage.submit(&submission).await;
    let seen = stage.ended(id).await;
    assert_eq!(seen.state.base, BaseState::Failed);
    let run = accounted(stage, id).await;
    assert_eq!((run.state.base, run.exit), (BaseState::Failed, ExitCode { code: 3, signal: 0 }));
    assert_eq!((run.stamp, &run.user), (Some(submission.stamp), &stage.user));
    assert_eq!((run.name.as_str(), run.evidence), (submission.job_name.as_str(), EvidenceClass::SelfRead));
    assert_eq!(run.key.site, stage.site);
    let ended = run.ended_at.expect("it ended");
    assert!(before.plus_seconds(-2) <= run.key.submitted_at && run.key.submitted_at <= run.started_at);
    assert_eq!(i64::try_from(run.elapsed.seconds()).expect("short"), ended.seconds_since(run.started_at));
    assert_eq!(run.time_limit.map(model::WallTime::seconds), Some(300));
    assert!(run.allocated.cpus.is_some_and(|cpus| cpus > 0) && run.allocated.nodes == Some(1), "{run:?}");
    assert!(!run.raw.is_empty());
    let output = std::fs::read_to_string(stage.output_of(submission.stamp)).expect("the job wrote it");
    let folder = stage.folder.canonicalize().expect("it exists");
    assert_eq!(output, format!("{}\n2 two words\n", folder.display()));
}

pub(crate) async fn runs_belong_to_their_window(stage: &Stage) {
    let submission = stage.gated("window", Size::Small);
    let id = stage.submit(&submission).await;
    let started = stage.running(id).await.started_at.expect("it runs");
    let now = SystemClock.now();
    let (run, batch) = accounted_as(stage, id, |_| true).await;
    assert_eq!(batch.coverage.asked_by, stage.user);
    assert_eq!((run.ended_at, run.state.is_running()), (None, true), "a running job is a run");
    let earlier = Window { from: started.plus_seconds(-7200), to: started.plus_seconds(-3600) };
    assert!(runs_of(&stage.runs_in(earlier).await, id).is_empty(), "it had not started");
    stage.open(&submission);
    stage.ended(id).await;
    let run = accounted(stage, id).await;
    assert_eq!(run.started_at, started);
    let later = Window { from: now.plus_seconds(3600), to: now.plus_seconds(7200) };
    let batch = stage.runs_in(later).await;
    assert!(runs_of(&batch, id).is_empty(), "it had ended");
    assert_eq!((batch.cluster, batch.coverage.window), (run.key.cluster, later));
}

pub(crate) async fn odd_names_survive(stage: &Stage) {
    // No double quote: the accounting of 22.05 turns it into a backquote.
    for name in ["odd | name", "quote' and $HOME", "two\nlines", "ünïcode"] {
        let mut submission = stage.submission("odd", Size::Small, "true");
        submission.job_name = format!("{name}.{}", submission.stamp);
        let id = stage.submit(&submission).await;
        stage.ended(id).await;
        let run = accounted(stage, id).await;
        assert_eq!((run.name.as_str(), run.stamp), (submission.job_name.as_str(), Some(submission.stamp)));
        let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
        assert_eq!(found.iter().map(|job| job.sighting.id).collect::<Vec<_>>(), [id], "{name}");
    }
}
