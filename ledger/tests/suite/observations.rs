//! Observations: what runs and waits is counted once, beside what is held.

use crate::support::*;
use ledger::{Book, Command, Effect, LedgerErrorKind, Observation, ObservedPending, ObservedRun, Outcome};
use model::{SchedulerJobId, Stamp};

fn running(number: u64, stamp: Option<Stamp>, so_far: i64, ceiling: i64) -> ObservedRun {
    ObservedRun {
        key: run_key(number),
        stamp,
        user: name("ada"),
        account: Some(name("hai")),
        partition: None,
        price_so_far: price(so_far),
        ceiling: price(ceiling),
    }
}

fn pending(number: u64, stamp: Option<Stamp>, ceiling: i64) -> ObservedPending {
    ObservedPending {
        scheduler_job: SchedulerJobId::new(number),
        stamp,
        user: name("ada"),
        account: Some(name("hai")),
        partition: None,
        ceiling: price(ceiling),
    }
}

fn observe(as_of: i64, running: Vec<ObservedRun>, pending: Vec<ObservedPending>) -> Command {
    let (site, cluster) = (name("jupiter"), name("booster"));
    Command::Observe(Box::new(Observation { site, cluster, as_of: at(as_of), running, pending }))
}

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
        assert_eq!(desk.entries().await.len(), 4, "{what}: an observation is no entry");
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

#[tokio::test]
async fn foreign_jobs_count_against_an_enforced_budget() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 100), Command::Bind(binding()), enforce(true)]).await;
    desk.post(&[observe(NOW, vec![running(1, None, 30, 50)], vec![pending(2, None, 20)])]).await;
    assert!(desk.try_post(&[hold(1, 31)]).await.expect_err("70 are spoken for").refusal().is_some());
    desk.post(&[hold(1, 30)]).await;
    let of_another_site = ledger::BalanceQuery { project: None, site: Some(name("horeka")) };
    let everything = desk.book.balances(&of_another_site, now()).await;
    assert_eq!(everything, Ok(vec![]), "no unit of that site");
}
