//! What happens to few jobs and is seldom tried: parts of a heterogeneous job, a job that can never start, one that loses a node.

use super::{Deed, Size, Stage, SystemClock, accounting::runs_of, until};
use model::{BaseState, Clock, Run};
use reach::Retry;
use scheduler_adapters::{AdapterErrorKind, JobForm, JobSighting, Whose};

/// The runs of whatever bears a leader's id, once there are so many and all have ended.
pub(super) async fn runs_below(stage: &Stage, wanted: usize, is_ours: impl Fn(&Run) -> bool) -> Vec<Run> {
    let ours = async || -> Vec<Run> { stage.runs().await.runs.into_iter().filter(|run| is_ours(run)).collect() };
    let all = until(async || {
        let runs = ours().await;
        (runs.len() == wanted && runs.iter().all(|run| run.ended_at.is_some())).then_some(runs)
    });
    let Some(mut runs) = all.await else { panic!("{wanted} runs are wanted, accounting has {:?}", ours().await) };
    runs.sort_by(|left, right| (&left.shown_id, left.started_at).cmp(&(&right.shown_id, right.started_at)));
    runs
}

pub(crate) async fn a_throttled_array_waits_in_one_row(stage: &Stage) {
    let mut submission = stage.gated("throttled", Size::Small);
    submission.options = vec!["--array=5-9%1".to_owned()];
    let id = stage.submit(&submission).await;
    let of_it = async || -> Vec<JobSighting> {
        let queue = stage.scheduler.queue(&Whose::visible()).await.expect("it answers").jobs;
        queue.into_iter().filter(|job| job.leader == id && !job.state.is_final()).collect()
    };
    let rows = until(async || {
        let rows = of_it().await;
        rows.iter().any(|job| job.state.is_running()).then_some(rows)
    });
    let rows = rows.await.expect("one task starts");
    let waiting: Vec<&JobSighting> = rows.iter().filter(|job| job.state.is_pending()).collect();
    let [rest] = waiting.as_slice() else { panic!("four wait in one row: {rows:?}") };
    assert_eq!((rest.tasks, rest.form, rest.shown_id.as_str()), (4, JobForm::Array, format!("{id}_[6-9%1]").as_str()));
    let running: Vec<&str> =
        rows.iter().filter(|job| job.state.is_running()).map(|job| job.shown_id.as_str()).collect();
    assert_eq!(running, [format!("{id}_5")], "one at once");
    stage.scheduler.cancel(id).await.expect("all of it");
    assert_eq!(stage.ended(id).await.state.base, BaseState::Cancelled);
    let runs = runs_below(stage, 1, |run| run.stamp == Some(submission.stamp)).await;
    assert_eq!(runs[0].shown_id, format!("{id}_5"), "what never started is no run");
}

pub(crate) async fn an_array_beyond_the_sites_bound_is_refused(stage: &Stage) {
    let facts = stage.scheduler.describe().await.expect("it answers");
    let bound = facts.max_array_size.expect("the cluster says it");
    let mut submission = stage.submission("too-large", Size::Small, "true");
    // The highest index is one less than the bound (slurm.conf(5), MaxArraySize).
    submission.options = vec![format!("--array=0-{bound}")];
    let error = stage.scheduler.submit(&submission).await.expect_err("one index is too high");
    assert!(matches!(error.kind, AdapterErrorKind::Refused { .. }), "{error:?}");
    assert_eq!(error.retry, Retry::Never);
    assert_eq!(stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer"), []);
}

pub(crate) async fn a_heterogeneous_job_is_one_submission_and_a_run_for_each_part(stage: &Stage) {
    let directives: String =
        (stage.directives)(Size::Small).iter().map(|option| format!("#SBATCH {option}\n")).collect();
    let body = format!("#SBATCH hetjob\n{directives}#SBATCH --time=00:05:00\ntrue");
    let mut submission = stage.submission("parts", Size::Small, &body);
    submission.options = vec!["--hold".to_owned()];
    let id = stage.submit(&submission).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is there");
    assert_eq!((facts.sighting.form, facts.sighting.leader, facts.tasks), (JobForm::Heterogeneous, id, 2), "{facts:?}");
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert_eq!(found.iter().map(|job| job.sighting.id).collect::<Vec<_>>(), [id], "one submission");
    stage.scheduler.release(id).await.expect("let go");
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed);
    let shown = [format!("{id}+0"), format!("{id}+1")];
    // Where another test has a node down, Slurm may start one part and take it back: a run that ended while it waits.
    let has_worked = |run: &Run| run.state.base == BaseState::Completed;
    let runs = runs_below(stage, 2, |run| shown.contains(&run.shown_id) && has_worked(run)).await;
    assert_eq!([&runs[0].shown_id, &runs[1].shown_id], [&shown[0], &shown[1]]);
    assert_ne!(runs[0].key, runs[1].key, "each is a run of its own");
    assert!(runs.iter().all(|run| run.stamp == Some(submission.stamp)), "each is ours: {runs:?}");
}

pub(crate) async fn a_job_that_is_cancelled_before_it_starts_is_no_run(stage: &Stage) {
    let mut submission = stage.submission("never", Size::Small, "true");
    submission.options = vec!["--hold".to_owned()];
    let id = stage.submit(&submission).await;
    stage.scheduler.cancel(id).await.expect("taken back");
    let ended = stage.ended(id).await;
    assert_eq!((ended.state.base, ended.elapsed.seconds()), (BaseState::Cancelled, 0));
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert!(found.len() == 1 && found[0].sighting.state.is_final(), "{found:?}");
    // What comes behind it in accounting is there, and it is not.
    let next = stage.submission("next", Size::Small, "true");
    let next = stage.submit(&next).await;
    stage.ended(next).await;
    let runs = until(async || {
        let batch = stage.runs().await;
        (!runs_of(&batch, next).is_empty()).then_some(batch)
    });
    let batch = runs.await.expect("accounting has the next one");
    assert!(runs_of(&batch, id).is_empty());
    assert!(!batch.rejected.iter().any(|row| row.raw.starts_with(&id.to_string())), "nor is it a bad row");
}

pub(crate) async fn a_dependency_that_cannot_be_met_is_told(stage: &Stage) {
    let first = stage.submission("fails", Size::Small, "exit 1");
    let first = stage.submit(&first).await;
    stage.ended(first).await;
    let failing = stage.gated("fails-later", Size::Small);
    let before = stage.submit(&failing).await;
    let mut submission = stage.submission("depends", Size::Small, "true");
    submission.options = vec![format!("--dependency=afterok:{before}")];
    let id = stage.submit(&submission).await;
    let waits = stage.until(id, "dependent", |job| job.reason.contains("Dependency")).await;
    assert!(waits.state.is_pending(), "{waits:?}");
    stage.scheduler.cancel(before).await.expect("it ends badly");
    stage.ended(before).await;
    let never = stage.until(id, "without hope", |job| job.reason.contains("DependencyNeverSatisfied")).await;
    assert!(never.state.is_pending() && !never.state.is_final(), "it waits all the same: {never:?}");
    stage.scheduler.cancel(id).await.expect("taken back");
    assert_eq!(stage.ended(id).await.state.base, BaseState::Cancelled);
}

pub(crate) async fn a_job_that_gives_nodes_back_is_two_runs_of_one_id(stage: &Stage) {
    let mut submission = stage.gated("shrinks", Size::Small);
    submission.options = vec!["--nodes=2".to_owned()];
    let id = stage.submit(&submission).await;
    let whole = stage.running(id).await;
    assert_eq!(whole.nodes, 2);
    // Accounting tells rows of one id apart by the second of their submission, and takes the change for that of the new row.
    until(async || (SystemClock.now().seconds_since(whole.submitted_at) > 1).then_some(())).await.expect("time passes");
    (stage.hands)(Deed::Shrink, id);
    let less = stage.until(id, "smaller", |job| job.nodes == 1).await;
    assert!(less.state.is_running(), "{less:?}");
    stage.open(&submission);
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed);
    let mut runs = runs_below(stage, 2, |run| run.key.scheduler_job == id).await;
    runs.sort_by_key(|run| run.started_at);
    assert_eq!(runs.iter().map(|run| run.allocated.nodes).collect::<Vec<_>>(), [Some(2), Some(1)], "{runs:?}");
    let gap = runs[1].started_at.seconds_since(runs[0].ended_at.expect("it ended"));
    assert!((-1..=1).contains(&gap), "one goes on where the other ended: {runs:?}");
    assert_ne!(runs[0].key, runs[1].key);
    assert!(runs.iter().all(|run| run.stamp == Some(submission.stamp)), "{runs:?}");
}

pub(crate) async fn a_job_whose_node_fails_has_ended_with_that(stage: &Stage) {
    let mut submission = stage.gated("loses-its-node", Size::Small);
    submission.options = vec!["--no-requeue".to_owned()];
    let id = stage.submit(&submission).await;
    stage.running(id).await;
    (stage.hands)(Deed::FailNode, id);
    let ended = stage.ended(id).await;
    assert_eq!(ended.state.base, BaseState::NodeFail, "{ended:?}");
    let runs = runs_below(stage, 1, |run| run.key.scheduler_job == id).await;
    assert_eq!(runs[0].state.base, BaseState::NodeFail, "what it had is charged, and why it ended is kept");
}

pub(crate) async fn a_job_whose_node_fails_starts_again_and_is_two_runs_of_one_id(stage: &Stage) {
    let mut submission = stage.gated("starts-again", Size::Small);
    submission.options = vec!["--requeue".to_owned()];
    let id = stage.submit(&submission).await;
    let first = stage.running(id).await;
    // Accounting tells rows of one id apart by the second of their submission, which a requeue makes anew.
    until(async || (SystemClock.now().seconds_since(first.submitted_at) > 1).then_some(())).await.expect("time passes");
    (stage.hands)(Deed::FailNode, id);
    (stage.hands)(Deed::BeginSoon, id);
    let is_second = |job: &JobSighting| job.submitted_at > first.submitted_at;
    stage.until(id, "running again", |job| job.state.is_running() && is_second(job)).await;
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert_eq!(found.iter().map(|job| job.sighting.id).collect::<Vec<_>>(), [id], "one job, however often it starts");
    stage.open(&submission);
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed, "the last start tells");
    let mut runs = runs_below(stage, 2, |run| run.key.scheduler_job == id).await;
    runs.sort_by_key(|run| run.started_at);
    assert_eq!([runs[0].state.base, runs[1].state.base], [BaseState::NodeFail, BaseState::Completed], "{runs:?}");
    assert_ne!(runs[0].key, runs[1].key, "each start is charged for itself");
    assert_eq!(runs[0].started_at, first.started_at.expect("it ran"));
    assert!(runs.iter().all(|run| run.stamp == Some(submission.stamp)), "{runs:?}");
}

pub(crate) async fn a_job_runs_in_its_reservation_and_an_unknown_one_is_refused(stage: &Stage) {
    let mut submission = stage.gated("reserved", Size::Small);
    submission.options = vec!["--reservation=pakt-nowhere".to_owned()];
    let error = stage.scheduler.submit(&submission).await.expect_err("there is no such reservation");
    assert!(matches!(error.kind, AdapterErrorKind::Refused { .. }), "{error:?}");
    assert_eq!(stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer"), []);
    let name = format!("pakt-{}", &submission.stamp.job.to_string()[18..]);
    let reservation = (stage.reserve)(&name);
    let mut submission = stage.gated("reserved", Size::Small);
    submission.options = vec![format!("--reservation={name}")];
    let id = stage.submit(&submission).await;
    stage.running(id).await;
    stage.open(&submission);
    assert_eq!(stage.ended(id).await.state.base, BaseState::Completed);
    drop(reservation);
}

pub(crate) async fn what_a_submit_filter_makes_of_a_job_is_read_back(stage: &Stage) {
    // No GPU is asked for, and the site's filter gives all four of the node.
    let mut submission = stage.submission("filtered", Size::Small, "true");
    let scheduler_adapters::ScriptSource::File(script) = &submission.script;
    let text = std::fs::read_to_string(script).expect("the folder is ours").replace("#SBATCH --gpus-per-node=1\n", "");
    std::fs::write(script, text).expect("the folder is ours");
    submission.options = vec!["--hold".to_owned()];
    let id = stage.submit(&submission).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is there").sighting;
    assert_eq!(facts.requested.gpus_total, Some(4), "{facts:?}");
    stage.scheduler.cancel(id).await.expect("taken back");
}
