//! A job that a site made larger than an enforced budget covers is taken back, sooner or later, and never passed over.

use crate::{
    desk::Desk,
    wish::{cancelled, enforce, fails, held_hours, killed, once, only_job, sent},
};
use jobs::{Gravity, submit::SubmitOutcome};
use model::WallTime;
use scheduler_adapters::AdapterErrorKind as Kind;

/// A desk whose budget of 1000 hours is enforced or not, at a site that makes 1001 of one.
async fn desk(is_enforced: bool) -> Desk {
    let desk = Desk::new().await;
    enforce(&desk, is_enforced).await;
    desk.says().handed.filter = Some(|job| job.time_limit = Some(WallTime::from_seconds(1_001 * 3_600)));
    desk
}

#[tokio::test]
async fn it_is_taken_back_and_its_hold_closed() {
    let desk = desk(true).await;
    let error = fails(&desk).await;
    assert_eq!((error.gravity, sent(&desk), cancelled(&desk)), (Gravity::Refused, 1, vec![101]));
    assert!(error.what.contains("was submitted as 101 and taken back"), "{error}");
    assert!(error.why.contains("time limit: asked for 01:00:00"), "{error}");
    let (directory, intent) = only_job(&desk).await;
    assert!(directory.cancel().await.expect("read").is_some());
    assert_eq!(held_hours(&desk).await, 1, "nobody knows yet what it used");
    desk.settle("ada").await;
    assert_eq!(held_hours(&desk).await, 0);
    desk.says().handed.filter = None;
    let next = once(&desk).await.expect("a new one");
    assert!(next.outcome == SubmitOutcome::New && next.id != intent.id);
}

#[tokio::test]
async fn a_budget_that_only_advises_holds_what_the_site_made_of_it() {
    let desk = desk(false).await;
    let answer = once(&desk).await.expect("submitted");
    assert_eq!((answer.drift.len(), held_hours(&desk).await, cancelled(&desk)), (1, 1_001, vec![]));
}

#[tokio::test]
async fn one_that_is_not_taken_back_is_told_and_tried_again() {
    for (kind, gravity) in [
        (Kind::Unreachable, Gravity::Unreachable),
        (Kind::AccountingDown, Gravity::Unreachable),
        (Kind::OutcomeUnknown, Gravity::Unknown),
        (Kind::NotPermitted, Gravity::Unknown),
        (Kind::NotFound, Gravity::Unknown),
        (Kind::Refused { said: "no".to_owned() }, Gravity::Unknown),
    ] {
        let desk = desk(true).await;
        for _ in 0..2 {
            desk.says().fails = Some(("cancel", kind.clone()));
            let error = fails(&desk).await;
            assert_eq!((error.gravity, cancelled(&desk)), (gravity, vec![]), "{kind:?}: {error}");
            assert!(error.what.contains("stands in the queue as 101"), "{error}");
            assert!(error.why.contains("time limit: asked for 01:00:00"), "{error}");
        }
        let error = fails(&desk).await;
        assert_eq!((error.gravity, cancelled(&desk), sent(&desk)), (Gravity::Refused, vec![101], 1), "{kind:?}");
    }
}

#[tokio::test]
async fn killed_while_it_is_taken_back_nothing_stays_in_the_queue() {
    let desk = desk(true).await;
    desk.says().handed.dies_in = Some("cancel");
    killed(&desk, None).await;
    assert_eq!(cancelled(&desk), [101]);
    // The first one is over; the next is another job, and as large.
    assert_eq!(fails(&desk).await.gravity, Gravity::Refused);
    assert_eq!((cancelled(&desk), sent(&desk)), (vec![101, 102], 2));
    desk.settle("ada").await;
    assert_eq!(desk.balance().await.committed.milli(), 0);
}
