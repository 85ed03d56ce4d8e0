//! A job that has to make room for another one, by the QOS that the lab has for it.

use super::{Deed, Size, Stage, SystemClock, until, unusual::runs_below};
use model::{BaseState, Clock, Run, SchedulerJobId};
use scheduler_adapters::{JobSighting, Submission};

/// A job of a QOS that makes room, once it runs and has said where.
async fn making_room(stage: &Stage, qos: &str) -> (Submission, SchedulerJobId, JobSighting, String) {
    let mut submission = stage.gated_after("makes-room", Size::Small, "echo \"$SLURM_JOB_NODELIST\"");
    submission.options = vec![format!("--qos={qos}")];
    let id = stage.submit(&submission).await;
    let runs = stage.running(id).await;
    let output = stage.output_of(submission.stamp);
    let node = until(async || std::fs::read_to_string(&output).ok().filter(|said| said.ends_with('\n')));
    let node = node.await.expect("it says where it runs").trim().to_owned();
    // A run that takes no time would be told from none by nothing.
    let is_older = async || (SystemClock.now().seconds_since(runs.started_at?) > 1).then_some(());
    until(is_older).await.expect("time passes");
    // Slurm numbers the rows of a job in accounting some seconds after its start; one that makes room before that may share
    // its row with its next start.
    let is_accounted = async || stage.runs().await.runs.iter().any(|run| run.key.scheduler_job == id).then_some(());
    until(is_accounted).await.expect("accounting knows its start");
    (submission, id, runs, node)
}

/// A job that takes the node of another one; it has ended.
async fn takes_the_node(stage: &Stage, node: &str) {
    let mut submission = stage.submission("has-to-run", Size::Small, "true");
    submission.options = vec!["--qos=urgent".to_owned(), format!("--nodelist={node}")];
    // So that a server that is not told of nodes leaves it to `sbatch`, whichever way is looked at.
    submission.script_arguments = vec!["now".to_owned()];
    let id = stage.submit(&submission).await;
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed);
}

pub(crate) async fn a_job_that_makes_room_and_starts_again_is_two_runs_of_one_id(stage: &Stage) {
    let (submission, id, first, node) = making_room(stage, "spare").await;
    takes_the_node(stage, &node).await;
    let waits = stage.until(id, "waiting again", |job| job.state.is_pending()).await;
    assert!(!waits.state.is_final() && waits.submitted_at > first.submitted_at, "{waits:?}");
    (stage.hands)(Deed::BeginSoon, id);
    stage.running(id).await;
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert_eq!(found.iter().map(|job| job.sighting.id).collect::<Vec<_>>(), [id], "one job, however often it starts");
    stage.open(&submission);
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed, "the last start tells");
    // Where another test has a node down, Slurm may start it and take it back: a run that is neither.
    let has_worked = |run: &Run| matches!(run.state.base, BaseState::Preempted | BaseState::Completed);
    let mut runs = runs_below(stage, 2, |run| run.key.scheduler_job == id && has_worked(run)).await;
    runs.sort_by_key(|run| run.started_at);
    assert_eq!([runs[0].state.base, runs[1].state.base], [BaseState::Preempted, BaseState::Completed], "{runs:?}");
    assert_ne!(runs[0].key, runs[1].key, "each start is charged for itself");
    assert!(runs[0].elapsed.seconds() > 0 && runs[0].ended_at <= Some(runs[1].started_at), "{runs:?}");
    assert!(runs.iter().all(|run| run.stamp == Some(submission.stamp)), "{runs:?}");
}

pub(crate) async fn a_job_that_makes_room_for_good_has_ended_with_that(stage: &Stage) {
    let (submission, id, _, node) = making_room(stage, "leftover").await;
    takes_the_node(stage, &node).await;
    let ended = stage.ended(id).await;
    assert_eq!(ended.state.base, BaseState::Preempted, "{ended:?}");
    let runs = runs_below(stage, 1, |run| run.key.scheduler_job == id).await;
    assert_eq!((runs[0].state.base, runs[0].stamp), (BaseState::Preempted, Some(submission.stamp)));
    assert!(runs[0].elapsed.seconds() > 0, "what it had is charged: {runs:?}");
}
