//! Several scheduler jobs of one link: one of them is ours, and those that only wait to end at their claim are taken back.

use crate::{
    cluster::waiting,
    desk::{Desk, NOW},
    wish::{cancelled, fails, killed, once, only_job, sent},
};
use jobs::{Gravity, Step, submit::SubmitOutcome};
use model::{BaseState, JobState};
use scheduler_adapters::AdapterErrorKind;

/// Three jobs with the stamp of ada's: 101 and 102 wait, 103 runs; 103 came first. Nobody noted an id.
async fn three() -> Desk {
    let desk = Desk::new().await;
    killed(&desk, Some(Step::Sent)).await;
    let (_, intent) = only_job(&desk).await;
    let mut waits = waiting(102, "ada", NOW + 1);
    let mut runs = waiting(103, "ada", NOW - 1);
    runs.state = JobState::of(BaseState::Running);
    (waits.stamp, runs.stamp) = (Some(intent.stamp()), Some(intent.stamp()));
    desk.says().queue.extend([waits, runs]);
    desk
}

/// One of them claims the link.
async fn claimed_by(desk: &Desk, id: u64) {
    let (directory, _) = only_job(desk).await;
    let claim = directory.path().join("links/1/claim");
    std::fs::create_dir_all(&claim).expect("ours");
    std::fs::write(claim.join("owner"), format!("scheduler_job={id}\n")).expect("ours");
}

#[tokio::test]
async fn the_one_that_claimed_the_link_stays() {
    let desk = three().await;
    claimed_by(&desk, 102).await;
    let answer = once(&desk).await.expect("found");
    assert_eq!((answer.scheduler_job.raw(), cancelled(&desk), sent(&desk)), (102, vec![101], 1));
    let again = once(&desk).await.expect("known");
    assert_eq!((again.scheduler_job.raw(), cancelled(&desk), sent(&desk)), (102, vec![101], 1));
}

#[tokio::test]
async fn unclaimed_it_is_the_oldest() {
    let desk = three().await;
    let answer = once(&desk).await.expect("found");
    assert_eq!((answer.scheduler_job.raw(), cancelled(&desk), sent(&desk)), (103, vec![101, 102], 1));
}

#[tokio::test]
async fn a_duplicate_that_is_not_taken_back_is_tried_again() {
    let desk = three().await;
    desk.says().fails = Some(("cancel", AdapterErrorKind::Unreachable));
    assert_eq!(fails(&desk).await.gravity, Gravity::Unreachable);
    let (directory, _) = only_job(&desk).await;
    assert_eq!(directory.submitted().await.expect("read"), None);
    let answer = once(&desk).await.expect("found");
    assert_eq!((answer.scheduler_job.raw(), cancelled(&desk), sent(&desk)), (103, vec![101, 102], 1));
}

#[tokio::test]
async fn a_job_is_not_over_when_the_one_that_was_noted_ended_at_the_claim_of_another() {
    let desk = Desk::new().await;
    let first = once(&desk).await.expect("submitted");
    let (_, intent) = only_job(&desk).await;
    // It came twice: 102 was seen by nobody until it ran, and 101 ended without work.
    claimed_by(&desk, 102).await;
    let mut works = waiting(102, "ada", NOW);
    (works.stamp, works.state) = (Some(intent.stamp()), JobState::of(BaseState::Running));
    desk.says().queue[0].state = JobState::of(BaseState::Completed);
    desk.says().queue.push(works);
    let again = once(&desk).await.expect("known");
    assert_eq!((again.id, again.outcome, sent(&desk)), (first.id, SubmitOutcome::Already, 1));
    assert_eq!(again.scheduler_job.raw(), 102, "the one that works is told");
    desk.says().queue[1].state = JobState::of(BaseState::Completed);
    once(&desk).await.map(drop).expect("a new one");
    assert_eq!(sent(&desk), 2, "it is over when that one is");
}
