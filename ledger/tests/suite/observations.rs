//! Observations: what runs and waits is counted once, beside what is held.

use crate::support::*;
use ledger::{CloseHold, CloseReason, Command, Coverage, Effect, LedgerErrorKind, Outcome};
use model::Window;

#[tokio::test]
async fn a_balance_counts_each_job_once() {
    // Observed jobs; then granted, used, running, committed, foreign committed and free. Hold 1 is open with 100 and
    // nothing drawn, hold 2 is closed.
    for (what, run, wait, numbers) in [
        ("nothing", vec![], vec![], [1000, 0, 0, 100, 0, 900]),
        ("ours runs", vec![running(1, Some(stamp(1)), 30, 100)], vec![], [1000, 0, 30, 70, 0, 900]),
        ("ours runs over", vec![running(1, Some(stamp(1)), 130, 140)], vec![], [1000, 0, 130, 0, 0, 870]),
        ("ours waits", vec![], vec![pending(1, Some(stamp(1)), 100)], [1000, 0, 0, 100, 0, 900]),
        ("closed runs", vec![running(1, Some(stamp(2)), 30, 50)], vec![], [1000, 0, 30, 100, 20, 850]),
        ("unknown stamp", vec![running(1, Some(stamp(9)), 30, 50)], vec![], [1000, 0, 30, 100, 20, 850]),
        ("foreign runs", vec![running(1, None, 30, 50)], vec![], [1000, 0, 30, 100, 20, 850]),
        ("foreign waits", vec![], vec![pending(1, None, 50)], [1000, 0, 0, 100, 50, 850]),
        (
            "two of ours",
            vec![running(1, Some(stamp(1)), 30, 50), running(2, Some(stamp(1)), 30, 50)],
            vec![],
            [1000, 0, 60, 40, 0, 900],
        ),
    ] {
        let desk = Desk::in_memory();
        desk.post(&[grant("g1", 1000), Command::Bind(binding()), hold(1, 100), hold(2, 50), close(2)]).await;
        desk.post(&[observe(NOW, run, wait)]).await;
        assert_eq!(desk.numbers().await, numbers, "{what}");
        assert_eq!(desk.balance().await.running_as_of, Some(now()), "{what}");
        assert_eq!(desk.entries().await.len(), 5, "{what}: an observation is no entry");
    }
}

#[tokio::test]
async fn a_settled_run_is_no_longer_running() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), hold(1, 100)]).await;
    desk.post(&[observe(NOW, vec![running(1, Some(stamp(1)), 30, 100), running(2, None, 5, 10)], vec![])]).await;
    assert_eq!(desk.numbers().await, [1000, 0, 35, 70, 5, 890]);
    desk.post(&[settle(ours(1, 40, 1)), close(1), settle(foreign(2, 6))]).await;
    assert_eq!(desk.numbers().await, [1000, 46, 0, 0, 0, 954]);
}

#[tokio::test]
async fn a_waiting_job_that_has_run_since_is_no_longer_committed() {
    // `foreign` runs end at NOW + 110: after the first observation, before the second, which sees a requeued job.
    for (as_of, foreign_committed) in [(NOW, 0), (NOW + 500, 50)] {
        let desk = Desk::in_memory();
        desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
        desk.post(&[observe(as_of, vec![], vec![pending(1, None, 50)]), settle(foreign(1, 6))]).await;
        assert_eq!(desk.numbers().await, [1000, 6, 0, 0, foreign_committed, 994 - foreign_committed], "{as_of}");
    }
}

#[tokio::test]
async fn the_later_observation_of_a_cluster_replaces_the_earlier_whenever_it_comes() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let first = observe(NOW, vec![running(1, None, 30, 50)], vec![]);
    let second = observe(NOW + 60, vec![], vec![pending(2, None, 7)]);
    assert_eq!(desk.post(&[second]).await, [Outcome::Observed(Effect::Done)]);
    assert_eq!(desk.post(&[first]).await, [Outcome::Observed(Effect::AlreadyDone)]);
    assert_eq!(desk.numbers().await, [1000, 0, 0, 0, 7, 993]);
    let mut elsewhere = running(1, None, 30, 50);
    elsewhere.key.cluster = name("other");
    let error = desk.try_post(&[observe(NOW + 90, vec![elsewhere], vec![])]).await.expect_err("of another cluster");
    assert_eq!(error.kind, LedgerErrorKind::Invalid);
}

/// What was read long ago says nothing of a job that somebody saw since.
#[tokio::test]
async fn a_close_by_an_older_reading_leaves_the_hold_of_a_job_that_was_seen_since() {
    let close_read_at = |seconds: i64| {
        let (id, reason, read_at) = (hold_id(1), CloseReason::Finished, Some(at(seconds)));
        Command::Close(CloseHold { id, reason, read_at })
    };
    let waits = || observe(NOW, vec![], vec![pending(1, Some(stamp(1)), 100)]);
    let runs = || observe(NOW, vec![running(1, Some(stamp(1)), 30, 100)], vec![]);
    // One that a clock which was ahead has dated counts for nothing.
    let ahead = || observe(NOW + 100_000, vec![], vec![pending(1, Some(stamp(1)), 100)]);
    let of_another = || observe(NOW, vec![], vec![pending(1, Some(stamp(2)), 100)]);
    for (what, seen, read_at, stays) in [
        ("waits", waits(), NOW - 1, true),
        ("runs", runs(), NOW - 1, true),
        ("at the same instant", waits(), NOW, false),
        ("ahead", ahead(), NOW - 1, false),
        ("of another", of_another(), NOW - 1, false),
    ] {
        for at_once in [false, true] {
            let desk = Desk::in_memory();
            desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
            let outcome = if at_once {
                desk.post(&[seen.clone(), close_read_at(read_at)]).await.remove(1)
            } else {
                desk.post(std::slice::from_ref(&seen)).await;
                desk.post(&[close_read_at(read_at)]).await.remove(0)
            };
            assert_eq!(matches!(outcome, Outcome::StaysOpen(_)), stays, "{what}: {outcome:?}");
            desk.post(&[close(1)]).await;
            assert_eq!(desk.book.open_holds(None).await, Ok(vec![]), "whoever does not say when is not kept from it");
        }
    }
}

#[tokio::test]
async fn what_several_people_see_is_put_together() {
    let bobs = |number, ceiling| of_user("bob", pending(number, None, ceiling));
    let adas = |number, ceiling| of_user("ada", pending(number, None, ceiling));
    let mut of_raven = bobs(2, 40);
    of_raven.account = None;
    // What is observed, one after the other; foreign committed at the end. Everything is bound to one project.
    for (what, observations, committed) in [
        (
            "two people's own jobs are added up",
            vec![
                observe_in("user:ada", &[], NOW, vec![], vec![adas(1, 30)]),
                observe_in("user:bob", &[], NOW + 60, vec![], vec![bobs(2, 40)]),
            ],
            70,
        ),
        (
            "a person's own newer observation replaces theirs alone",
            vec![
                observe_in("user:ada", &[], NOW, vec![], vec![adas(1, 30)]),
                observe_in("user:bob", &[], NOW, vec![], vec![bobs(2, 40)]),
                observe_in("user:bob", &[], NOW + 60, vec![], vec![]),
            ],
            30,
        ),
        (
            "a job that two see counts once, as it was seen last",
            vec![
                observe_in("user:bob", &[], NOW, vec![], vec![bobs(2, 40)]),
                observe_in("all:carol", &["hai"], NOW + 60, vec![], vec![bobs(2, 50)]),
            ],
            50,
        ),
        (
            "whatever order they come in",
            vec![
                observe_in("all:carol", &["hai"], NOW + 60, vec![], vec![bobs(2, 50)]),
                observe_in("user:bob", &[], NOW, vec![], vec![bobs(2, 40)]),
            ],
            50,
        ),
        (
            "a coordinator who sees the account and not the job knows that it is gone",
            vec![
                observe_in("user:bob", &[], NOW, vec![], vec![bobs(2, 40)]),
                observe_in("all:carol", &["hai"], NOW + 60, vec![], vec![]),
            ],
            0,
        ),
        (
            "and so it is where there are no accounts",
            vec![
                observe_in("user:bob", &[], NOW, vec![], vec![of_raven]),
                observe_in("all:carol", &["-"], NOW + 60, vec![], vec![]),
            ],
            0,
        ),
        (
            "one who may not see the account's other jobs says nothing about them",
            vec![
                observe_in("user:bob", &[], NOW, vec![], vec![bobs(2, 40)]),
                observe_in("all:dave", &["other"], NOW + 60, vec![], vec![]),
            ],
            40,
        ),
        (
            "an older look of a coordinator takes nothing away",
            vec![
                observe_in("user:bob", &[], NOW + 60, vec![], vec![bobs(2, 40)]),
                observe_in("all:carol", &["hai"], NOW, vec![], vec![]),
            ],
            40,
        ),
        (
            "a person's own newer look says what a coordinator's older one did not know",
            vec![
                observe_in("all:carol", &["hai"], NOW, vec![], vec![bobs(2, 40), adas(3, 5)]),
                observe_in("user:bob", &[], NOW + 60, vec![], vec![bobs(4, 7)]),
            ],
            12,
        ),
    ] {
        let desk = Desk::in_memory();
        let everything = ledger::Binding { account: None, ..binding() };
        desk.post(&[grant("g1", 1000), Command::Bind(everything)]).await;
        desk.post(&observations).await;
        assert_eq!(desk.numbers().await, [1000, 0, 0, 0, committed, 1000 - committed], "{what}");
    }
}

#[tokio::test]
async fn who_looks_no_longer_keeps_nothing_waiting_for_ever() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let carols = observe_in("all:carol", &["hai"], NOW, vec![], vec![of_user("bob", pending(1, None, 40))]);
    desk.post(&[carols, observe(NOW, vec![], vec![])]).await;
    for (days, committed) in [(0, 40), (14, 40), (15, 0)] {
        let later = at(NOW + days * 86_400);
        let found = desk.book.balances(&ledger::BalanceQuery::default(), later).await.expect("balances");
        let balance = found.into_iter().find(|balance| balance.unit == gh200()).expect("a balance");
        assert_eq!((balance.foreign_committed, balance.running_as_of), (milli(committed), Some(now())), "{days} days");
    }
}

#[tokio::test]
async fn a_job_that_one_saw_waiting_and_another_running_counts_once() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    desk.post(&[
        observe_in("all:carol", &["hai"], NOW, vec![], vec![pending(1, None, 50)]),
        observe_in("user:ada", &[], NOW + 60, vec![running(1, None, 30, 50)], vec![]),
    ])
    .await;
    assert_eq!(desk.numbers().await, [1000, 0, 30, 0, 20, 950]);
    assert_eq!(desk.balance().await.running_as_of, Some(at(NOW + 60)), "carol's says nothing any more");
}

#[tokio::test]
async fn foreign_jobs_count_against_an_enforced_budget() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 100), Command::Bind(binding()), enforce(true)]).await;
    desk.post(&[observe(NOW, vec![running(1, None, 30, 50)], vec![pending(2, None, 20)])]).await;
    assert!(desk.try_post(&[hold(1, 31)]).await.expect_err("70 are spoken for").refusal().is_some());
    desk.post(&[hold(1, 30)]).await;
    let of_another_site = ledger::BalanceQuery { site: Some(name("horeka")), ..ledger::BalanceQuery::default() };
    let everything = desk.book.balances(&of_another_site, now()).await;
    assert_eq!(everything, Ok(vec![]), "no unit of that site");
}

#[tokio::test]
async fn readings_of_one_scope_that_touch_are_one() {
    let desk = Desk::new();
    let reading = |scope: &str, account: &str, from: i64, to: i64| {
        Command::Cover(Coverage {
            site: name("jupiter"),
            cluster: name("booster"),
            scope: name(scope),
            rights: None,
            hidden_accounts: Vec::new(),
            whole_accounts: vec![Some(name(account))],
            window: Window { from: at(from), to: at(to) },
            observed_at: at(to),
        })
    };
    desk.post(&[reading("all:cleo", "hai", 0, 10), reading("user:ada", "hai", 5, 20)]).await;
    desk.post(&[reading("all:cleo", "other", 30, 40), reading("all:cleo", "hai", 40, 45)]).await;
    desk.post(&[reading("all:cleo", "hai", 8, 12)]).await;
    let shown = |coverage: Coverage| {
        let Window { from, to } = coverage.window;
        let accounts = coverage.whole_accounts.into_iter().flatten().map(|account| account.to_string());
        let accounts = accounts.collect::<Vec<_>>().join("+");
        format!("{} {accounts} {}-{}", coverage.scope, from.epoch_seconds(), to.epoch_seconds())
    };
    let known = desk.book.coverage(&name("jupiter")).await.expect("read");
    let known: Vec<String> = known.into_iter().map(shown).collect();
    assert_eq!(known, ["all:cleo hai 0-12", "all:cleo other 30-40", "all:cleo hai 40-45", "user:ada hai 5-20"]);
    assert_eq!(desk.book.coverage(&name("horeka")).await, Ok(vec![]));
    let refused = desk.try_post(&[reading("user:ada", "hai", 9, 9)]).await.expect_err("nothing was read");
    assert_eq!(refused.kind, LedgerErrorKind::Invalid);
}

on_postgres_too! {
    readings_of_one_scope_that_touch_are_one,
    a_balance_counts_each_job_once,
    a_settled_run_is_no_longer_running,
    a_waiting_job_that_has_run_since_is_no_longer_committed,
    the_later_observation_of_a_cluster_replaces_the_earlier_whenever_it_comes,
    a_close_by_an_older_reading_leaves_the_hold_of_a_job_that_was_seen_since,
    what_several_people_see_is_put_together,
    who_looks_no_longer_keeps_nothing_waiting_for_ever,
    a_job_that_one_saw_waiting_and_another_running_counts_once,
    foreign_jobs_count_against_an_enforced_budget,
}
