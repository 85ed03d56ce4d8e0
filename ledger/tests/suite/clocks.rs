//! Clocks: one that was ahead once keeps nothing out afterwards, and a ledger tells when it was last written.

use crate::support::*;
use ledger::{CLOCK_TOLERANCE_SECONDS, Command, Effect, KnownAt, Outcome, SettleOutcome};
use model::Window;

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
    assert_eq!(desk.settle(read_at(ours(1, 50, 1), 200)).await, corrected(60, 50));
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
async fn a_clock_that_goes_back_records_nothing_in_the_past() {
    let desk = Desk::new();
    desk.post_at(NOW + 600, &[grant("g1", 1000), Command::Bind(binding()), hold(1, 50)]).await;
    let known = |seconds: i64| KnownAt::Instant(at(NOW + seconds));
    let window = Window { from: at(0), to: at(NOW + YEAR) };
    let closing = async |known_at: KnownAt| {
        let statement = desk.book.statement(&atlas(), &gh200(), window, Some(known_at)).await;
        statement.expect("a statement").closing.milli()
    };
    let before = closing(known(599)).await;
    // A person whose clock is ten minutes slow.
    desk.post(&[settle(foreign(1, 30)), close(1), hold(2, 7), enforce(true)]).await;
    assert_eq!((closing(known(0)).await, closing(known(599)).await), (before, before), "what was known stays");
    assert_eq!(closing(known(600)).await, 970);
    let (ada, slow, right) = (ada(), [hold(3, 1)], [hold(4, 1)]);
    let both = tokio::join!(desk.book.post(&ada, now(), &slow), desk.book.post(&ada, at(NOW + 700), &right));
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    let recorded: Vec<i64> = desk.entries().await.iter().map(|entry| entry.recorded_at.epoch_seconds() - NOW).collect();
    assert!(recorded.is_sorted() && recorded[0] == 600, "{recorded:?}");
    assert_eq!(desk.book.written_at().await, Ok(Some(at(NOW + 700))));
    assert_eq!(desk.book.bindings().await.expect("read")[0].recorded_at, at(NOW + 600));
    let held = desk.book.hold(hold_id(1)).await.expect("read").expect("there");
    assert_eq!((held.opened_at, held.closing.map(|closing| closing.at)), (at(NOW + 600), Some(at(NOW + 600))));
    desk.verify().await;
}

#[tokio::test]
async fn entries_that_are_recorded_in_the_past_are_found() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), hold(1, 50)]).await;
    desk.post_at(NOW + 5, &[settle(foreign(1, 30)), settle(foreign(2, 30)), hold(2, 1)]).await;
    let mut entries = desk.entries().await;
    assert!(found_in(&entries).await.iter().flatten().all(|finding| !finding.contains("recorded")));
    entries[4].recorded_at = at(NOW - 1);
    let expected = "entry 5 was recorded at 2026-10-26T07:33:19Z, the one before it at 2026-10-26T07:33:25Z";
    for found in found_in(&entries).await {
        assert!(found.iter().any(|finding| finding.contains(expected)), "{found:?}");
    }
}

#[tokio::test]
async fn only_a_server_has_a_clock_of_its_own() {
    let desk = Desk::new();
    let clock = desk.book.server_clock().await.expect("read");
    assert_eq!(clock.is_some(), desk.database.is_some());
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
    a_clock_that_goes_back_records_nothing_in_the_past,
    entries_that_are_recorded_in_the_past_are_found,
    only_a_server_has_a_clock_of_its_own,
    a_run_that_ends_in_the_future_is_rejected_and_costs_no_other,
    a_cursor_of_a_clock_that_was_ahead_moves_back_to_the_present,
    an_observation_of_a_clock_that_was_ahead_is_replaced,
    what_somebody_saw_by_a_clock_that_was_ahead_gives_way_to_whoever_covers_it,
    a_correction_is_not_kept_out_by_a_reading_from_the_future,
    the_same_reading_again_gives_a_run_a_date_that_can_be_believed,
    a_ledger_tells_when_it_was_last_written,
}
