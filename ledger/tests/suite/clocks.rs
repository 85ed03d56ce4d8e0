//! Clocks: one that was ahead once keeps nothing out afterwards, and a ledger tells when it was last written.

use crate::support::*;
use ledger::{CLOCK_TOLERANCE_SECONDS, Command, Effect, Outcome, SettleOutcome};

const YEAR: i64 = 365 * 86_400;

#[tokio::test]
async fn a_cursor_of_a_clock_that_was_ahead_moves_back_to_the_present() {
    let desk = Desk::new();
    desk.post_at(NOW + YEAR, &[cursor("user:ada", NOW + YEAR)]).await;
    let read = async || desk.book.cursor(&name("jupiter"), &name("booster"), &name("user:ada")).await.expect("read");
    for (until, effect, stands_at) in [
        (NOW, Effect::Done, NOW),
        (NOW - 60, Effect::AlreadyDone, NOW),
        (NOW + CLOCK_TOLERANCE_SECONDS, Effect::Done, NOW + CLOCK_TOLERANCE_SECONDS),
        (NOW + 60, Effect::AlreadyDone, NOW + CLOCK_TOLERANCE_SECONDS),
    ] {
        assert_eq!(desk.post(&[cursor("user:ada", until)]).await, [Outcome::Advanced(effect)], "{until}");
        assert_eq!(read().await.expect("there").settled_until, at(stands_at), "{until}");
    }
}

#[tokio::test]
async fn an_observation_of_a_clock_that_was_ahead_is_replaced() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    desk.post_at(NOW + YEAR, &[observe(NOW + YEAR, vec![], vec![pending(1, None, 50)])]).await;
    assert_eq!(desk.numbers().await[4], 50, "as long as nobody knows better, it counts");
    let outcomes = desk.post(&[observe(NOW, vec![], vec![pending(2, None, 7)])]).await;
    assert_eq!((outcomes, desk.numbers().await[4]), (vec![Outcome::Observed(Effect::Done)], 7));
}

#[tokio::test]
async fn what_somebody_saw_by_a_clock_that_was_ahead_gives_way_to_whoever_covers_it() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let ahead = observe_in("user:bob", &[], NOW + YEAR, vec![], vec![of_user("bob", pending(1, None, 50))]);
    desk.post_at(NOW + YEAR, &[ahead]).await;
    desk.post(&[observe_in("all:carol", &["hai"], NOW, vec![], vec![])]).await;
    assert_eq!(desk.numbers().await[4], 0);
}

#[tokio::test]
async fn a_correction_is_not_kept_out_by_a_reading_from_the_future() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
    desk.post_at(NOW + YEAR, &[settle(read_at(ours(1, 60, 1), YEAR))]).await;
    let corrected = SettleOutcome::Corrected { difference: milli(-10) };
    assert_eq!(desk.settle(read_at(ours(1, 50, 1), 200)).await, corrected);
    assert_eq!(desk.settle(read_at(ours(1, 60, 1), 100)).await, SettleOutcome::Stale, "dates order again");
    assert_eq!(desk.numbers().await[1], 50);
    desk.verify().await;
}

#[tokio::test]
async fn the_same_reading_again_gives_a_run_a_date_that_can_be_believed() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
    desk.post_at(NOW + YEAR, &[settle(read_at(ours(1, 60, 1), YEAR))]).await;
    assert_eq!(desk.settle(read_at(ours(1, 60, 1), 200)).await, SettleOutcome::Same);
    assert_eq!(desk.settle(read_at(ours(1, 50, 1), 100)).await, SettleOutcome::Stale);
    assert_eq!(desk.numbers().await[1], 60);
}

#[tokio::test]
async fn a_ledger_tells_when_it_was_last_written() {
    let desk = Desk::new();
    assert_eq!(desk.book.written_at().await, Ok(None));
    desk.post(&[grant("g1", 1000)]).await;
    assert_eq!(desk.book.written_at().await, Ok(Some(now())));
    desk.post_at(NOW + YEAR, &[grant("g1", 1000)]).await;
    assert_eq!(desk.book.written_at().await, Ok(Some(now())), "nothing was changed");
    desk.post_at(NOW + YEAR, &[grant("g2", 1)]).await;
    assert_eq!(desk.book.written_at().await, Ok(Some(at(NOW + YEAR))));
    desk.post(&[grant("g3", 1)]).await;
    assert_eq!(desk.book.written_at().await, Ok(Some(now())), "the last one counts, not the one of the latest date");
}

#[tokio::test]
async fn a_run_that_ends_in_the_future_is_rejected_and_costs_no_other() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let outcomes = desk
        .post(
            &[(1, 1), (2, 0)]
                .map(|(number, ahead)| settle(ended(foreign(number, 8), NOW + CLOCK_TOLERANCE_SECONDS + ahead))),
        )
        .await;
    insta::assert_snapshot!(format!("{:?}", outcomes[0]), @r#"Settled(Rejected { reason: "it ends at 2026-10-26T07:38:21Z, and it is 2026-10-26T07:33:20Z now: one of two clocks is wrong" })"#);
    assert!(matches!(outcomes[1], Outcome::Settled(SettleOutcome::New { .. })), "{outcomes:?}");
    assert_eq!(desk.numbers().await, [1000, 8, 0, 0, 0, 992]);
}

on_postgres_too! {
    a_run_that_ends_in_the_future_is_rejected_and_costs_no_other,
    a_cursor_of_a_clock_that_was_ahead_moves_back_to_the_present,
    an_observation_of_a_clock_that_was_ahead_is_replaced,
    what_somebody_saw_by_a_clock_that_was_ahead_gives_way_to_whoever_covers_it,
    a_correction_is_not_kept_out_by_a_reading_from_the_future,
    the_same_reading_again_gives_a_run_a_date_that_can_be_believed,
    a_ledger_tells_when_it_was_last_written,
}
