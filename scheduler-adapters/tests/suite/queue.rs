//! Where jobs stand, and ending them.

use super::{LIMIT, Size, Stage, SystemClock, long_ago, unusual::runs_below};
use model::{BaseState, Clock, SchedulerJobId};
use scheduler_adapters::{AdapterErrorKind, JobForm, StampSearch, Whose};

/// An id that no cluster of a test has given out.
const NOBODYS: SchedulerJobId = SchedulerJobId::new(60_000_000);

pub(crate) async fn a_job_is_read_back(stage: &Stage) {
    let submission = stage.gated("facts", Size::Small);
    let id = stage.submit(&submission).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is there");
    assert_eq!((facts.sighting.id, facts.sighting.stamp), (id, Some(submission.stamp)));
    assert_eq!((&facts.sighting.user, facts.sighting.time_limit), (&stage.user, Some(LIMIT)));
    assert_eq!(facts.work_directory, Some(stage.folder.clone()));
    assert_eq!((facts.sighting.form, facts.sighting.leader, facts.tasks), (JobForm::Single, id, 1));
    assert_eq!((facts.sighting.nodes, facts.output), (1, Some(stage.output_of(submission.stamp))));
    stage.open(&submission);
    stage.ended(id).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is still known");
    assert_eq!((facts.sighting.stamp, &facts.sighting.user), (Some(submission.stamp), &stage.user));
    assert!(facts.sighting.state.is_final(), "{facts:?}");
    let error = stage.scheduler.read_back(NOBODYS).await.expect_err("nobody has it");
    assert_eq!(error.kind, AdapterErrorKind::NotFound);
}

pub(crate) async fn states_of_known_and_unknown_jobs(stage: &Stage) {
    let (running, ending) = (stage.gated("running", Size::Small), stage.submission("ending", Size::Small, "true"));
    let (running_id, ending_id) = (stage.submit(&running).await, stage.submit(&ending).await);
    stage.running(running_id).await;
    stage.ended(ending_id).await;
    let ids = [running_id, NOBODYS, ending_id];
    let states = stage.scheduler.states(&ids, long_ago()).await.expect("both answer");
    assert_eq!(states.keys().copied().collect::<Vec<_>>(), [running_id.min(ending_id), running_id.max(ending_id)]);
    assert!(states[&running_id].state.is_running());
    assert_eq!(states[&ending_id].state.base, BaseState::Completed);
    let much_later = SystemClock.now().plus_seconds(3 * 86_400);
    let states = stage.scheduler.states(&ids, much_later).await.expect("both answer");
    assert!(states.is_empty(), "an earlier owner of an id is no answer: {states:?}");
    assert!(stage.scheduler.states(&[], long_ago()).await.expect("nothing to ask").is_empty());
    stage.open(&running);
    stage.ended(running_id).await;
}

pub(crate) async fn a_clock_that_differs_hides_no_job(stage: &Stage) {
    let (running, ended) = (stage.gated("running", Size::Small), stage.submission("ended", Size::Small, "true"));
    let ids = [stage.submit(&running).await, stage.submit(&ended).await];
    stage.running(ids[0]).await;
    stage.ended(ids[1]).await;
    // Our clock is half a day ahead of the site's: the jobs seem to be older than the wish for them.
    let since = SystemClock.now().plus_seconds(43_200);
    let states = stage.scheduler.states(&ids, since).await.expect("both answer");
    assert_eq!(states.len(), 2, "{states:?}");
    let search = StampSearch { since, ..Stage::search(&running) };
    assert_eq!(stage.scheduler.find(&search).await.expect("both answer").len(), 1);
    stage.open(&running);
    stage.ended(ids[0]).await;
}

pub(crate) async fn where_the_output_goes_is_known(stage: &Stage) {
    let mut submission = stage.gated("output", Size::Small);
    submission.output = Some(format!("{}/out-%j.txt", stage.folder.display()));
    let id = stage.submit(&submission).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is there");
    assert_eq!(facts.output, Some(stage.folder.join(format!("out-{id}.txt"))));
    stage.running(id).await;
    stage.open(&submission);
    stage.ended(id).await;
    assert!(facts.output.expect("known").exists(), "it went there");
}

pub(crate) async fn why_a_job_waits_is_told(stage: &Stage) {
    let (first, second) = (stage.gated("first", Size::Everything), stage.gated("second", Size::Everything));
    let third = stage.gated("third", Size::Everything);
    let ids = [stage.submit(&first).await, stage.submit(&second).await, stage.submit(&third).await];
    stage.running(ids[0]).await;
    stage.until(ids[2], "waiting for a reason", |job| job.state.is_pending() && !job.reason.is_empty()).await;
    let job = stage.scheduler.pending(ids[2]).await.expect("it answers");
    assert_eq!((job.sighting.id, job.sighting.stamp), (ids[2], Some(third.stamp)));
    assert!(job.sighting.state.is_pending() && !job.sighting.reason.is_empty(), "{job:?}");
    assert_eq!((job.dependency.as_str(), job.reservation.as_deref()), ("", None));
    let places = job.places.expect("counted");
    assert!(places.iter().all(|at| at.ahead >= 1 && at.waiting >= 2 && at.is_whole.is_some()), "{places:?}");
    let own = job.partitions.first().expect("it waits for one");
    assert!(job.all_partitions.expect("told").iter().any(|known| known.name == *own));
    job.reservations.expect("told");
    job.limits.expect("told");
    let has_priorities = !stage.scheduler.capabilities().is_personal;
    assert_eq!(job.priority.is_some_and(|priority| priority > 0), has_priorities);
    let error = stage.scheduler.pending(NOBODYS).await.expect_err("nobody has it");
    assert_eq!(error.kind, AdapterErrorKind::NotFound);
    for (id, submission) in ids.into_iter().zip([first, second, third]) {
        stage.open(&submission);
        stage.ended(id).await;
    }
}

pub(crate) async fn waiting_and_running_jobs_are_in_the_queue(stage: &Stage) {
    let (first, second) = (stage.gated("first", Size::Everything), stage.gated("second", Size::Everything));
    let first_id = stage.submit(&first).await;
    stage.running(first_id).await;
    let second_id = stage.submit(&second).await;
    let waiting = stage.until(second_id, "waiting for a reason", |job| !job.reason.is_empty()).await;
    assert!(waiting.state.is_pending(), "{waiting:?}");
    let own = stage.scheduler.queue(&Whose::mine()).await.expect("it answers");
    assert_eq!(own.rejected, []);
    // What is asked of another way than one's own (slurmrestd) tells the same.
    let whole = stage.scheduler.queue(&Whose::visible()).await.expect("it answers");
    for queue in [own.jobs, whole.jobs] {
        let seen = |id| queue.iter().find(|job| job.id == id).unwrap_or_else(|| panic!("{id} is not in {queue:?}"));
        let (runs, waits) = (seen(first_id), seen(second_id));
        assert!(runs.state.is_running() && waits.state.is_pending());
        assert_eq!((runs.stamp, waits.stamp), (Some(first.stamp), Some(second.stamp)));
        assert!(runs.requested.cpus > Some(0) && waits.requested.cpus > Some(0), "{runs:?} {waits:?}");
        assert_eq!((waits.elapsed.seconds(), waits.tasks, runs.time_limit), (0, 1, Some(LIMIT)));
    }
    stage.scheduler.cancel(second_id).await.expect("cancelled");
    let cancelled = stage.ended(second_id).await;
    assert_eq!((cancelled.state.base, cancelled.elapsed.seconds()), (BaseState::Cancelled, 0));
    stage.open(&first);
    stage.ended(first_id).await;
    let runs = stage.runs().await;
    assert!(runs.runs.iter().all(|run| run.key.scheduler_job != second_id), "it never started");
    assert_eq!(runs.rejected, []);
}

pub(crate) async fn cancelling_is_idempotent(stage: &Stage) {
    let submission = stage.gated("cancelled", Size::Small);
    let id = stage.submit(&submission).await;
    stage.running(id).await;
    stage.scheduler.cancel(id).await.expect("cancelled");
    stage.scheduler.cancel(id).await.expect("being cancelled");
    assert_eq!(stage.ended(id).await.state.base, BaseState::Cancelled);
    stage.scheduler.cancel(id).await.expect("cancelled long ago");
    stage.scheduler.cancel(NOBODYS).await.expect("never was");
}

pub(crate) async fn a_job_ends_at_its_limit(stage: &Stage) {
    let submission = stage.submission_with("endless", Size::Small, stage.shortest_limit, "exec sleep 3000");
    let id = stage.submit(&submission).await;
    let ended = stage.ended(id).await;
    assert_eq!(ended.state.base, BaseState::Timeout);
    assert!(ended.elapsed >= stage.shortest_limit, "{ended:?}");
    let runs = runs_below(stage, 1, |run| run.key.scheduler_job == id).await;
    assert_eq!((runs[0].state.base, runs[0].stamp), (BaseState::Timeout, Some(submission.stamp)), "{runs:?}");
    assert!(runs[0].elapsed >= stage.shortest_limit, "all of it is charged: {runs:?}");
}
