//! Jobs that share a name: which one a name means, and what is ended by it.

use crate::{
    desk::Desk,
    wish::{ONE_GPU, cancelled, wish},
};
use jobs::{Gravity, cancel::cancel, show::show, submit::submit};
use model::{BaseState, JobState};
use scheduler_adapters::{AdapterErrorKind, Freshness};

/// Submits so many jobs of one name within a second, 101 and on.
async fn of_one_name(count: u64) -> Desk {
    let desk = Desk::new().await;
    for _ in 0..count {
        let mut wish = wish(ONE_GPU);
        wish.again = true;
        submit(&desk.house("ada"), wish).await.expect("submitted");
    }
    desk
}

#[tokio::test]
async fn a_name_means_the_newest_job_also_of_those_of_one_second() {
    let desk = of_one_name(5).await;
    let shown = show(&desk.house("ada"), "once", Freshness::Shared).await.expect("known");
    assert_eq!(shown.submitted.map(|note| note.scheduler_job.raw()), Some(105));
}

#[tokio::test]
async fn by_a_name_of_several_jobs_none_is_ended() {
    let desk = of_one_name(3).await;
    let error = cancel(&desk.house("ada"), "once").await.expect_err("which one?");
    assert_eq!(error.gravity, Gravity::Usage);
    assert!(error.why.starts_with("3 jobs of this name are not over: "), "{error}");
    assert!(cancelled(&desk).is_empty());
    // Each that it names can be ended by its id, and then the name means the one that is left.
    let ids = error.why.rsplit(": ").next().expect("a list");
    for id in ids.split(", ").take(2) {
        cancel(&desk.house("ada"), id).await.expect("ended");
    }
    let last = cancel(&desk.house("ada"), "once").await.expect("ended");
    assert!(!last.was_over && cancelled(&desk).len() == 3, "{:?}", cancelled(&desk));
}

#[tokio::test]
async fn what_the_scheduler_knows_to_be_over_is_not_meant_and_silence_is_told() {
    let desk = of_one_name(3).await;
    for place in [0, 2] {
        desk.says().queue[place].state = JobState::of(BaseState::Completed);
    }
    desk.says().fails = Some(("states", AdapterErrorKind::Unreachable));
    let error = cancel(&desk.house("ada"), "once").await.expect_err("nobody says which are over");
    assert!(error.why.contains("3 jobs") && error.why.contains("was not told"), "{error}");
    let ended = cancel(&desk.house("ada"), "once").await.expect("one is left");
    assert_eq!((ended.was_over, cancelled(&desk)), (false, vec![102]));
}

#[tokio::test]
async fn a_name_means_the_newest_job_that_was_sent() {
    let desk = of_one_name(1).await;
    desk.says().fails = Some(("submit", AdapterErrorKind::Refused { said: "no such account".to_owned() }));
    let mut again = wish(ONE_GPU);
    again.again = true;
    submit(&desk.house("ada"), again).await.map(drop).expect_err("refused");
    let shown = show(&desk.house("ada"), "once", Freshness::Shared).await.expect("known");
    assert_eq!(shown.submitted.map(|note| note.scheduler_job.raw()), Some(101), "the refused one has the name too");
    // Where none was sent, the name means one that was not.
    let desk = Desk::new().await;
    desk.says().fails = Some(("submit", AdapterErrorKind::Refused { said: "no such account".to_owned() }));
    submit(&desk.house("ada"), wish(ONE_GPU)).await.map(drop).expect_err("refused");
    let shown = show(&desk.house("ada"), "once", Freshness::Shared).await.expect("known");
    assert!(shown.submitted.is_none() && shown.ended.is_some());
}
