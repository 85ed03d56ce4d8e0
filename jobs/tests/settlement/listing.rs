//! The list of jobs beside the ledger: which of them are over, and whom the scheduler's answer is about.

use crate::cluster::{run, stamped, waiting};
use crate::desk::{DAY, Desk, NOW};
use crate::directories::{ended, forget_the_end};
use jobs::{
    directory::Origin,
    list::{Phase, list},
};
use model::{BaseState, JobState};
use scheduler_adapters::Freshness;

#[tokio::test]
async fn the_list_ends_a_job_whose_hold_is_closed() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    let mut over = waiting(9, "ada", NOW - DAY);
    (over.state, over.started_at) = (JobState::of(BaseState::Completed), Some(crate::desk::at(NOW - 900)));
    desk.says().states = vec![over];
    let is_over = async || {
        let listed = list(&desk.house("ada"), 10, false, Freshness::Shared).await.expect("listed").jobs.remove(0);
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
    let listed = list(&desk.house("ada"), 10, false, Freshness::Shared).await.expect("listed").jobs;
    let states: Vec<_> = listed.iter().map(|job| &job.phase).collect();
    assert!(
        states.iter().all(|phase| matches!(phase, Phase::Submitted { state, .. } if *state == JobState::unknown()))
    );
}

/// Markers of an attempt, and the progress of its program, as the batch script leaves them.
fn attempt(job: &crate::desk::Job, scheduler_job: u64, started: i64, ended: i64) {
    let folder = job.directory.path().join(format!("links/1/attempts/{scheduler_job}-0"));
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(folder.join("started"), format!("epoch_seconds={started}\n")).expect("written");
    std::fs::write(folder.join("ended"), format!("epoch_seconds={ended}\nexit_code=0\n")).expect("written");
    std::fs::write(folder.join("progress"), "190 200 loss=3.0\n200 200 loss=2.9\n").expect("written");
}

#[tokio::test]
async fn a_settled_job_still_shows_how_long_it_ran_and_how_far_it_came() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    attempt(&job, 9, NOW - 895, NOW - 805);
    desk.says().runs = vec![stamped(run(9, "ada", NOW - 900, Some(NOW - 800)), job.stamp())];
    desk.settle("ada").await;
    let shown = async || {
        // Nobody is asked for a job that is over.
        desk.says().fails = Some(("states", scheduler_adapters::AdapterErrorKind::Unreachable));
        let found = list(&desk.house("ada"), 10, false, Freshness::Shared).await.expect("listed");
        assert_eq!(found.unasked, None);
        let job = found.jobs.into_iter().next().expect("one");
        let progress = job.progress.map(|progress| (progress.step, progress.total, progress.note));
        assert_eq!(progress, Some((200, 200, "loss=2.9".to_owned())));
        (job.elapsed.map(model::WallTime::seconds), job.time_limit.map(model::WallTime::seconds))
    };
    assert_eq!(shown().await, (Some(100), Some(3_600)), "as accounting says");
    assert_eq!(shown().await, (Some(100), Some(3_600)), "and again, from the index");
    // A record of an earlier Pakt has none of it: the markers tell.
    let mut record = ended(&job).await.expect("over");
    forget_the_end(&desk, &job);
    (record.elapsed, record.time_limit, record.progress) = (None, None, None);
    job.directory.put_ended(&record).await.expect("written");
    assert_eq!(shown().await, (Some(90), None));
}
