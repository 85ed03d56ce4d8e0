//! Clocks: one that goes backwards is told and loses nothing, one that was ahead leaves no gap, and no wish leaves one.

use crate::cluster::run;
use crate::desk::{DAY, Desk, NOW, at};
use jobs::{Gravity, settle::SettleOptions};
use scheduler_adapters::AdapterErrorKind;

fn trusting() -> SettleOptions {
    SettleOptions { trust_clock: true, ..SettleOptions::default() }
}

#[tokio::test]
async fn a_clock_that_went_backwards_is_told_and_nothing_is_changed() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "ada", NOW - 600, Some(NOW - 500))];
    desk.settle("ada").await;
    let before = (desk.entries().await, desk.cursor("user:ada").await);
    for behind in [301, DAY, 400 * DAY] {
        desk.set_clock(NOW - behind);
        let error = desk.try_settle("ada", SettleOptions::default()).await.expect_err("the clock is behind");
        assert_eq!(error.gravity, Gravity::Unreachable, "{error}");
        assert!(
            error.why.contains(&at(NOW - behind).to_string()) && error.why.contains(&at(NOW).to_string()),
            "{error}"
        );
        assert_eq!((desk.entries().await, desk.cursor("user:ada").await), before);
    }
    desk.set_clock(NOW - 300);
    desk.settle("ada").await;
}

#[tokio::test]
async fn going_on_by_a_clock_that_is_behind_loses_nothing() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "ada", NOW - 600, Some(NOW - 500))];
    desk.settle("ada").await;
    desk.says().runs.push(run(2, "ada", NOW - 3 * DAY, Some(NOW - 3 * DAY + 1_000)));
    desk.set_clock(NOW - 5 * DAY);
    desk.try_settle("ada", trusting()).await.expect("settled");
    assert_eq!(desk.cursor("user:ada").await, Some(NOW - 5 * DAY), "what lies ahead is read again");
    desk.set_clock(NOW);
    desk.settle("ada").await;
    assert_eq!((desk.used().await, desk.cursor("user:ada").await), (1_100, Some(NOW)));
}

#[tokio::test]
async fn a_clock_that_was_ahead_once_leaves_no_gap() {
    let desk = Desk::new().await;
    desk.set_clock(NOW + 365 * DAY);
    desk.settle("ada").await;
    desk.set_clock(NOW);
    desk.says().runs = vec![run(1, "ada", NOW - 50 * DAY, Some(NOW - 50 * DAY + 100))];
    let error = desk.try_settle("ada", SettleOptions::default()).await.expect_err("one of two clocks is wrong");
    assert!(error.next.contains("--trust-clock"), "{error}");
    let report = desk.try_settle("ada", trusting()).await.expect("settled");
    assert_eq!((desk.used().await, desk.cursor("user:ada").await), (100, Some(NOW)));
    assert_eq!(report.settled_until, Some(at(NOW)));
    assert!(report.notes[0].contains("ahead of this clock"), "{:?}", report.notes);
    let report = desk.settle("ada").await;
    assert_eq!((report.since, report.notes), (Some(at(NOW - 2 * DAY)), vec![]), "everything is as it was");
}

#[tokio::test]
async fn a_wish_to_look_back_less_leaves_no_gap() {
    let desk = Desk::new().await;
    desk.settle("ada").await;
    desk.set_clock(NOW + 20 * DAY);
    desk.says().runs = vec![run(1, "ada", NOW + 5 * DAY, Some(NOW + 5 * DAY + 100))];
    let options = SettleOptions { since: Some(at(NOW + 19 * DAY)), ..SettleOptions::default() };
    let report = desk.try_settle("ada", options).await.expect("settled");
    assert_eq!((desk.used().await, report.since), (100, Some(at(NOW - 2 * DAY))));
}

#[tokio::test]
async fn long_look_backs_are_posted_month_by_month_and_the_cursor_moves_last() {
    let desk = Desk::new().await;
    let daily = |day: i64| {
        let started = NOW - (95 - day) * DAY;
        run(u64::try_from(day).expect("small") + 1, "ada", started, Some(started + DAY))
    };
    desk.says().runs = (0..90).map(daily).collect();
    let report = desk.settle("ada").await;
    assert_eq!((report.counts.new, desk.says().asked.len()), (90, 4));
    // The queue does not answer after accounting did: what was read stands, the cursor does not move, nothing is lost.
    desk.set_clock(NOW + 10 * DAY);
    desk.says().runs.push(run(200, "ada", NOW + 100, Some(NOW + 200)));
    desk.says().fails = Some(("queue", AdapterErrorKind::Unreachable));
    let error = desk.try_settle("ada", SettleOptions::default()).await.expect_err("no queue");
    assert_eq!((error.gravity, desk.used().await), (Gravity::Unreachable, 90 * DAY + 100));
    assert_eq!(desk.cursor("user:ada").await, Some(NOW));
    let report = desk.settle("ada").await;
    assert_eq!((report.counts.new, report.counts.same, desk.used().await), (0, 1, 90 * DAY + 100));
    assert_eq!(desk.cursor("user:ada").await, Some(NOW + 10 * DAY));
}
