//! Several jobs, submitted as one.

use super::{Size, Stage, until};
use model::{BaseState, ExitCode, Run};
use scheduler_adapters::{JobForm, Whose};
use std::collections::BTreeSet;

pub(crate) async fn an_array_is_one_submission_and_several_runs(stage: &Stage) {
    let mut submission = stage.submission("array", Size::Small, "exit $SLURM_ARRAY_TASK_ID");
    // Held, so that both tasks are there whenever they are looked at.
    submission.options = vec!["--array=0-1".to_owned(), "--hold".to_owned()];
    let id = stage.submit(&submission).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is there");
    assert_eq!((facts.sighting.form, facts.sighting.leader, facts.tasks), (JobForm::Array, id, 2), "{facts:?}");
    assert_eq!((facts.sighting.stamp, &facts.sighting.user), (Some(submission.stamp), &stage.user));
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert_eq!(found.iter().map(|job| job.sighting.id).collect::<Vec<_>>(), [id], "one submission");
    stage.scheduler.release(id).await.expect("let go");
    stage.ended(id).await;
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert_eq!(found.iter().map(|job| job.sighting.id).collect::<Vec<_>>(), [id], "one submission");
    let both = until(async || {
        let batch = stage.runs().await;
        let ours = batch.runs.into_iter().filter(|run| run.stamp == Some(submission.stamp) && run.ended_at.is_some());
        let runs: Vec<Run> = ours.collect();
        (runs.len() == 2).then_some(runs)
    });
    let mut runs = both.await.expect("accounting has both tasks");
    runs.sort_by(|left, right| left.shown_id.cmp(&right.shown_id));
    assert_eq!([&runs[0].shown_id, &runs[1].shown_id], [&format!("{id}_0"), &format!("{id}_1")]);
    let ids: BTreeSet<_> = runs.iter().map(|run| run.key.scheduler_job).collect();
    assert!(ids.len() == 2 && ids.contains(&id), "each has an id of its own, one that of the array: {ids:?}");
    assert_eq!((runs[0].state.base, runs[0].exit), (BaseState::Completed, ExitCode::default()));
    assert_eq!((runs[1].state.base, runs[1].exit), (BaseState::Failed, ExitCode { code: 1, signal: 0 }));
}

pub(crate) async fn an_array_has_ended_when_all_of_it_has(stage: &Stage) {
    let submission = stage.half_gated_array("half");
    let id = stage.submit(&submission).await;
    let is_half = async || {
        let queue = stage.scheduler.queue(&Whose::visible()).await.expect("it answers").jobs;
        let parts: Vec<_> = queue.into_iter().filter(|job| job.leader == id && !job.state.is_final()).collect();
        (parts.len() == 1 && parts[0].state.is_running() && parts[0].id != id).then_some(())
    };
    until(is_half).await.expect("the part that bears the id has ended");
    let seen = stage.state(id).await.expect("known");
    assert!(seen.state.is_running() && seen.leader == id, "its other task still runs: {seen:?}");
    stage.open(&submission);
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed);
}
