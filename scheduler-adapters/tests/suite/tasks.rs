//! Jobs of ours that were submitted as tasks of one array: each is seen, found, cancelled and accounted for by itself.

use super::{Size, Stage, long_ago, until};
use model::{ArrayStamp, BaseState, Run, SchedulerJobId, Stamp};
use scheduler_adapters::{ArrayTasks, JobSighting, StampSearch, Submission, Whose};
use std::collections::{BTreeMap, BTreeSet};

/// The tasks of the array of these behaviours.
const TASKS: [u32; 3] = [0, 1, 3];

/// An array that waits until it is let go; each task ends with its index.
pub(crate) fn held_array(stage: &Stage, name: &str) -> Submission {
    let mut submission = stage.submission(name, Size::Small, "exit $SLURM_ARRAY_TASK_ID");
    submission.options = vec!["--hold".to_owned()];
    as_array(submission, TASKS)
}

fn as_array(submission: Submission, indexes: impl IntoIterator<Item = u32>) -> Submission {
    let stamp = ArrayStamp::of(submission.stamp.job);
    with_tasks(submission, stamp, indexes)
}

fn with_tasks(submission: Submission, stamp: ArrayStamp, indexes: impl IntoIterator<Item = u32>) -> Submission {
    let array = ArrayTasks { stamp, indexes: indexes.into_iter().collect(), at_once: None };
    Submission { job_name: format!("tasks.{stamp}"), array: Some(array), ..submission }
}

fn stamp(submission: &Submission, task: u32) -> Stamp {
    submission.array.as_ref().expect("an array").stamp.task(task)
}

async fn states(stage: &Stage, ids: &[SchedulerJobId]) -> BTreeMap<SchedulerJobId, JobSighting> {
    stage.scheduler.states(ids, long_ago()).await.expect("both answer")
}

/// Waits until a task that waited is not there any more: as cancelled, or without a trace.
async fn gone(stage: &Stage, id: SchedulerJobId) {
    wait(stage, id, "gone", |seen| seen.is_none_or(|job| job.state.base == BaseState::Cancelled)).await;
}

/// Waits for the end of a task; accounting may not know for a moment which task it is.
async fn over(stage: &Stage, id: SchedulerJobId) {
    wait(stage, id, "over", |seen| seen.is_some_and(|job| job.state.is_final())).await;
}

async fn wait(stage: &Stage, id: SchedulerJobId, wanted: &str, is_it: impl Fn(Option<&JobSighting>) -> bool) {
    let mut last = None;
    let look = async || {
        let seen = stage.scheduler.states(&[id], long_ago()).await;
        let is_there = seen.as_ref().is_ok_and(|seen| is_it(seen.get(&id)));
        last = Some(seen);
        is_there.then_some(())
    };
    let seen = until(look).await;
    assert!(seen.is_some(), "task {id} is not {wanted}: {last:?}");
}

fn search(submission: &Submission, task: u32) -> StampSearch {
    StampSearch { stamp: stamp(submission, task), ..Stage::search(submission) }
}

pub(crate) async fn each_task_of_an_array_of_ours_is_a_job_while_it_waits(stage: &Stage) {
    each_task_is_found(stage, held_array(stage, "waiting")).await;
    let submission = held_array(stage, "links");
    let stamp = ArrayStamp::of_links(submission.stamp);
    each_task_is_found(stage, with_tasks(submission, stamp, TASKS)).await;
}

async fn each_task_is_found(stage: &Stage, submission: Submission) {
    let id = stage.submit(&submission).await;
    let ids = TASKS.map(|task| id.with_task(task));
    let seen = states(stage, &ids).await;
    let queue = stage.scheduler.queue(&Whose::mine()).await.expect("it answers").jobs;
    let searches = TASKS.map(|task| search(&submission, task));
    let found = stage.scheduler.find_each(&searches).await.expect("both answer");
    for ((task, handle), found) in TASKS.into_iter().zip(ids).zip(found) {
        let own = stamp(&submission, task);
        let job = &seen[&handle];
        assert!(job.state.is_pending() && job.tasks == 1 && job.leader == id, "{job:?}");
        assert_eq!((job.handle(), job.stamp, &job.user), (handle, Some(own), &stage.user));
        let in_queue: Vec<_> = queue.iter().filter(|job| job.stamp == Some(own)).map(JobSighting::handle).collect();
        assert_eq!(in_queue, [handle], "once in the queue");
        let found: Vec<_> = found.iter().map(|job| job.sighting.handle()).collect();
        assert_eq!(found, [handle], "found by its own stamp");
        let facts = stage.scheduler.read_back(handle).await.expect("it is there");
        assert_eq!((facts.sighting.handle(), facts.sighting.stamp, facts.tasks), (handle, Some(own), 1));
    }
    let none = stage.scheduler.find(&search(&submission, 2)).await.expect("both answer");
    assert!(none.is_empty() && states(stage, &[id.with_task(2)]).await.is_empty(), "it has no such task");
    stage.scheduler.cancel(id).await.expect("all of it");
    for handle in ids {
        assert_eq!(stage.ended(handle).await.state.base, BaseState::Cancelled);
    }
}

pub(crate) async fn one_task_of_an_array_of_ours_is_cancelled_and_no_other(stage: &Stage) {
    let submission = held_array(stage, "cancelled");
    let id = stage.submit(&submission).await;
    stage.scheduler.cancel(id.with_task(1)).await.expect("cancelled");
    gone(stage, id.with_task(1)).await;
    for task in [0, 3] {
        assert!(stage.state(id.with_task(task)).await.expect("known").state.is_pending(), "task {task} still waits");
    }
    // The last task of an array gets the array's own number: to cancel it is not to cancel the array.
    stage.scheduler.cancel(id.with_task(3)).await.expect("cancelled");
    gone(stage, id.with_task(3)).await;
    assert!(stage.state(id.with_task(0)).await.expect("known").state.is_pending(), "the first still waits");
    stage.scheduler.cancel(id.with_task(0)).await.expect("cancelled");
    gone(stage, id.with_task(0)).await;
    assert!(stage.state(id).await.is_some_and(|array| array.state.is_final()), "the array is known");
}

pub(crate) async fn several_are_cancelled_together_and_no_other(stage: &Stage) {
    let submission = held_array(stage, "together");
    let id = stage.submit(&submission).await;
    let mut other = stage.submission("alone", Size::Small, "true");
    other.options = vec!["--hold".to_owned()];
    let other = stage.submit(&other).await;
    let gone_already = stage.submit(&stage.submission("gone", Size::Small, "true")).await;
    stage.ended(gone_already).await;
    let wanted = [id.with_task(0), other, gone_already, id.with_task(3)];
    for answer in stage.scheduler.cancel_each(&wanted).await {
        answer.expect("it is being ended, or had ended");
    }
    for ended in [id.with_task(0), other, id.with_task(3)] {
        gone(stage, ended).await;
    }
    assert!(stage.state(id.with_task(1)).await.expect("known").state.is_pending(), "task 1 still waits");
    stage.scheduler.cancel(id).await.expect("the rest");
    gone(stage, id.with_task(1)).await;
    assert!(stage.scheduler.cancel_each(&[]).await.is_empty());
}

pub(crate) async fn the_runs_of_an_array_of_ours_are_those_of_its_jobs(stage: &Stage) {
    let submission = held_array(stage, "runs");
    let id = stage.submit(&submission).await;
    stage.scheduler.cancel(id.with_task(1)).await.expect("cancelled");
    stage.scheduler.release(id).await.expect("let go");
    gone(stage, id.with_task(1)).await;
    for task in [0, 3] {
        over(stage, id.with_task(task)).await;
    }
    let stamps: BTreeSet<Stamp> = (0..5).map(|task| stamp(&submission, task)).collect();
    let is_ours = |run: &Run| run.stamp.is_some_and(|stamp| stamps.contains(&stamp)) && run.ended_at.is_some();
    let both = until(async || {
        let runs: Vec<Run> = stage.runs().await.runs.into_iter().filter(is_ours).collect();
        (runs.len() >= 2).then_some(runs)
    });
    let mut runs = both.await.expect("accounting has both");
    runs.sort_by_key(|run| run.stamp);
    let told: Vec<_> = runs.iter().map(|run| (run.stamp, run.shown_id.clone(), run.exit.code)).collect();
    let expected = [0, 3].map(|task| (Some(stamp(&submission, task)), format!("{id}_{task}"), task));
    assert_eq!(told, expected, "what never started is no run");
    let searches = [0, 3].map(|task| search(&submission, task));
    let found = stage.scheduler.find_each(&searches).await.expect("both answer");
    let found: Vec<Vec<_>> = found.iter().map(|jobs| jobs.iter().map(|job| job.sighting.handle()).collect()).collect();
    assert_eq!(found, [0, 3].map(|task| vec![id.with_task(task)]));
}

/// More tasks that wait than Slurm shows in a row of its usual length.
pub(crate) async fn tasks_that_wait_in_a_long_row_are_each_told(stage: &Stage) {
    let mut submission = stage.submission("long", Size::Small, "true");
    submission.options = vec!["--hold".to_owned()];
    // No two side by side: `0,2,4,...`.
    let submission = as_array(submission, (0..60).step_by(2));
    let id = stage.submit(&submission).await;
    let ids: Vec<SchedulerJobId> = (0..60).step_by(2).map(|task| id.with_task(task)).collect();
    let seen = states(stage, &ids).await;
    assert_eq!(seen.len(), 30);
    for (handle, job) in &seen {
        let task = handle.task().expect("a task");
        assert_eq!((job.stamp, job.tasks), (Some(stamp(&submission, task)), 1), "{handle}");
    }
    stage.scheduler.cancel(id).await.expect("all of it");
    stage.ended(ids[29]).await;
}

pub(crate) async fn how_large_an_array_may_be_is_told(stage: &Stage) {
    let facts = stage.scheduler.describe().await.expect("it answers");
    assert_eq!(stage.scheduler.largest_array().await.expect("it answers"), facts.max_array_size);
    assert!(facts.max_array_size.is_some_and(|largest| largest > 1));
}
