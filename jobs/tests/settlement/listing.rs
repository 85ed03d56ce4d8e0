//! The list of jobs beside the ledger: which of them are over, and whom the scheduler's answer is about.

use crate::cluster::{run, stamped, waiting};
use crate::desk::{DAY, Desk, NOW};
use crate::directories::{ended, forget_the_end};
use jobs::{
    directory::Origin,
    list::{Phase, list},
};
use model::{BaseState, JobState};

#[tokio::test]
async fn the_list_ends_a_job_whose_hold_is_closed() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    let mut over = waiting(9, "ada", NOW - DAY);
    (over.state, over.started_at) = (JobState::of(BaseState::Completed), Some(crate::desk::at(NOW - 900)));
    desk.says().states = vec![over];
    let is_over = async || {
        let listed = list(&desk.house("ada"), 10, false).await.expect("listed").jobs.remove(0);
        matches!(listed.phase, Phase::Ended { .. })
    };
    assert!(!is_over().await && ended(&job).await.is_none(), "its hold is open");
    desk.says().runs = vec![stamped(run(9, "ada", NOW - 900, Some(NOW - 800)), job.stamp())];
    desk.settle("ada").await;
    forget_the_end(&desk, &job);
    assert!(is_over().await && ended(&job).await.is_some());
}

#[tokio::test]
async fn the_list_believes_no_earlier_owner_of_an_id() {
    let desk = Desk::new().await;
    for (number, made_at) in [(1, NOW - 20 * DAY), (2, NOW - 500)] {
        let job = desk.job_without_hold("ada", number, made_at, Origin::Shell).await;
        job.submitted(7 + u64::from(number), made_at, None).await;
    }
    let mut former = waiting(9, "bob", NOW - 10 * DAY);
    former.state = JobState::of(BaseState::Cancelled);
    desk.says().states = vec![former];
    let listed = list(&desk.house("ada"), 10, false).await.expect("listed").jobs;
    let states: Vec<_> = listed.iter().map(|job| &job.phase).collect();
    assert!(
        states.iter().all(|phase| matches!(phase, Phase::Submitted { state, .. } if *state == JobState::unknown()))
    );
}
