//! Several scheduler jobs of one link: one of them is ours, and those that only wait to end at their claim are taken back.

use crate::{
    cluster::waiting,
    desk::{Desk, NOW},
    wish::{cancelled, fails, killed, once, only_job, sent},
};
use jobs::{Gravity, Step};
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
