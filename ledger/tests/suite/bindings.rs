//! Bindings: two that contradict each other, their end, and the runs that were charged by a wrong one.

use crate::support::*;
use ledger::{Binding, Command, Effect, LedgerErrorKind, Outcome, Reattribute, SettleOutcome, Unbind};
use model::{ProjectName, Window};

fn other() -> ProjectName {
    name("borealis")
}

fn to_other() -> Binding {
    Binding { project: other(), ..binding() }
}

fn unbind(number: u64, to: i64) -> Command {
    Command::Unbind(Unbind { number, to: at(to) })
}

fn reattribute(from: i64, to: i64) -> Command {
    Command::Reattribute(Reattribute { site: name("jupiter"), window: Window { from: at(from), to: at(to) } })
}

/// Charged to each of the two projects.
async fn used(desk: &Desk) -> [i64; 2] {
    let balances = desk.book.balances(&ledger::BalanceQuery::default(), now()).await.expect("read");
    let of = |project: &ProjectName| {
        let found = balances.iter().find(|balance| balance.project == *project && balance.unit == gh200());
        found.map_or(0, |balance| balance.used.milli())
    };
    [of(&atlas()), of(&other())]
}

#[tokio::test]
async fn two_projects_cannot_pay_for_the_same_runs() {
    let desk = Desk::new();
    desk.post(&[Command::Bind(Binding { to: Some(at(100)), ..binding() })]).await;
    desk.post(&[Command::Bind(Binding { from: at(200), ..binding() })]).await;
    for (binding, is_refused) in [
        (to_other(), true),
        (Binding { from: at(99), to: Some(at(100)), ..to_other() }, true),
        (Binding { from: at(150), ..to_other() }, true),
        (Binding { from: at(100), to: Some(at(200)), ..to_other() }, false),
        (Binding { unit: name("jupiter:core"), ..to_other() }, false),
        (Binding { partition: Some(name("booster")), ..to_other() }, false),
        (Binding { account: None, ..to_other() }, false),
    ] {
        let posted = desk.try_post(&[Command::Bind(binding.clone())]).await;
        let kind = posted.err().map(|error| error.kind);
        assert_eq!(kind, is_refused.then_some(LedgerErrorKind::Conflict), "{binding:?}");
    }
}

#[tokio::test]
async fn a_binding_ends_once_and_at_the_earliest_end() {
    let desk = Desk::new();
    desk.post(&[Command::Bind(Binding { from: at(100), ..binding() })]).await;
    for (number, to, expected) in [
        (9, 300, Err(LedgerErrorKind::Invalid)),
        (1, 99, Err(LedgerErrorKind::Invalid)),
        (1, 300, Ok(Effect::Done)),
        (1, 300, Ok(Effect::AlreadyDone)),
        (1, 400, Err(LedgerErrorKind::Conflict)),
        (1, 200, Ok(Effect::Done)),
        (1, 100, Ok(Effect::Done)),
    ] {
        let answer = desk.try_post(&[unbind(number, to)]).await.map_err(|error| error.kind);
        assert_eq!(answer, expected.map(|effect| vec![Outcome::Unbound(effect)]), "{number} at {to}");
        if let Ok(Effect::Done) = answer.map(|_| Effect::Done) {
            let records = desk.book.bindings().await.expect("read");
            assert_eq!((records[0].number, records[0].terms.to, &records[0].recorded_by), (1, Some(at(to)), &ada()));
        }
    }
    // What was taken back from its beginning is in nobody's way.
    desk.post(&[Command::Bind(to_other())]).await;
    desk.post(&[grant("g1", 1000)]).await;
    desk.settle(foreign(1, 60)).await;
    assert_eq!(used(&desk).await, [0, 60]);
}

#[tokio::test]
async fn runs_that_a_wrong_binding_charged_move_to_the_right_project() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(to_other()), hold(1, 100)]).await;
    desk.settle(foreign(1, 60)).await;
    desk.settle(foreign(2, 7)).await;
    desk.settle(ours(3, 30, 1)).await;
    let mut early = foreign(4, 500);
    early.run.started_at = at(NOW - 50);
    desk.settle(early).await;
    assert_eq!(used(&desk).await, [30, 567]);

    desk.post(&[unbind(1, 0), Command::Bind(binding())]).await;
    assert_eq!(used(&desk).await, [30, 567], "what was charged stays until somebody decides");
    let before = desk.entries().await.len();
    assert_eq!(desk.post(&[reattribute(NOW, NOW + 1000)]).await, [Outcome::Reattributed(2)]);
    assert_eq!(used(&desk).await, [97, 500], "what a hold paid and what started earlier stay");
    let moved = desk.shown_entries().await.split_off(before);
    assert_eq!(moved, ["reattribute 60", "reattribute 60", "reattribute 7", "reattribute 7"]);
    assert_eq!(desk.post(&[reattribute(NOW, NOW + 1000)]).await, [Outcome::Reattributed(0)], "done twice it is once");
    assert_eq!(desk.settle(foreign(1, 60)).await, SettleOutcome::Same);
    desk.verify().await;
}

#[tokio::test]
async fn runs_that_nobody_pays_for_any_more_are_unattributed_again() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    desk.settle(foreign(1, 60)).await;
    desk.post(&[unbind(1, 0), reattribute(0, NOW + 1000)]).await;
    assert_eq!(used(&desk).await, [0, 0]);
    assert_eq!(desk.book.unattributed_count().await, Ok(1));
    let refused = desk.try_post(&[reattribute(5, 5)]).await.expect_err("an empty window");
    assert_eq!(refused.kind, LedgerErrorKind::Invalid);
    desk.verify().await;
}

on_postgres_too! {
    two_projects_cannot_pay_for_the_same_runs,
    a_binding_ends_once_and_at_the_earliest_end,
    runs_that_a_wrong_binding_charged_move_to_the_right_project,
    runs_that_nobody_pays_for_any_more_are_unattributed_again,
}
