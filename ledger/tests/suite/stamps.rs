//! A stamp is a text that anybody can write into a comment: it is believed on runs of whoever opened the hold, and on others
//! the bindings say who pays.

use crate::support::*;
use ledger::{
    Binding, Command, EntryKind, OpenMode, Outcome, Reattribute, RunPrice, SettleOutcome, SettledRun,
    UnattributedReason,
};
use model::{Principal, Window};

/// A run of somebody, with the stamp of a job.
fn of_person(user: &str, number: u64, amount: i64, of_job: u32) -> SettledRun {
    let mut settled = ours(number, amount, of_job);
    settled.run.user = name(user);
    settled
}

fn reattribute() -> Command {
    let window = Window { from: at(0), to: at(NOW + 1000) };
    Command::Reattribute(Reattribute { site: name("jupiter"), window })
}

/// What was used by atlas and by borealis.
async fn used(desk: &Desk) -> [i64; 2] {
    let balances = desk.book.balances(&ledger::BalanceQuery::default(), now()).await.expect("read");
    ["atlas", "borealis"].map(|project| {
        let its = balances.iter().filter(|balance| balance.project.as_str() == project && balance.unit == gh200());
        its.map(|balance| balance.used.milli()).sum()
    })
}

/// A hold of `ada` for atlas; what bob's account runs is borealis's.
async fn with_a_hold() -> Desk {
    let desk = Desk::new();
    let of_bob = Binding { project: name("borealis"), user: Some(name("bob")), ..binding() };
    let borealis = ledger::NewGrant { project: name("borealis"), ..new_grant("g2", 1000) };
    let commands = [grant("g1", 1000), Command::Grant(borealis), Command::Bind(of_bob), hold(1, 100)];
    desk.post(&commands).await;
    desk
}

#[tokio::test]
async fn a_colleagues_stamp_charges_whoever_wrote_it() {
    let desk = with_a_hold().await;
    desk.post(&[enforce(true)]).await;
    desk.settle(of_person("bob", 1, 5000, 1)).await;
    assert_eq!(used(&desk).await, [0, 5000]);
    desk.settle(of_person("ada", 2, 30, 1)).await;
    assert_eq!((used(&desk).await, desk.numbers().await[3]), ([30, 5000], 70));
    // After the hold was closed as before.
    desk.post(&[close(1)]).await;
    desk.settle(of_person("bob", 3, 7, 1)).await;
    desk.settle(of_person("ada", 4, 8, 1)).await;
    assert_eq!(used(&desk).await, [38, 5007]);
    desk.verify().await;
}

#[tokio::test]
async fn a_stamp_of_another_units_hold_does_not_make_a_run_free() {
    let desk = with_a_hold().await;
    desk.post(&[Command::Hold(ledger::NewHold { unit: name("jupiter:h100"), ..new_hold(2, 100) })]).await;
    let paid = desk.settle(of_person("bob", 1, 60, 2)).await;
    assert!(matches!(paid, SettleOutcome::New { .. }), "{paid:?}");
    assert_eq!(used(&desk).await, [0, 60]);
}

#[tokio::test]
async fn whom_nothing_binds_is_unattributed_with_a_foreign_stamp_and_moves_when_bound() {
    let desk = with_a_hold().await;
    assert_eq!(desk.settle(of_person("eve", 1, 60, 1)).await, SettleOutcome::Unattributed);
    assert_eq!(desk.book.unattributed().await.expect("read")[0].reason, UnattributedReason::NotBound);
    // Known by number alone, it is nobody's job yet; whoever tells the name tells whose it is.
    assert_eq!(desk.settle(of_person("1000", 2, 40, 1)).await, SettleOutcome::Unattributed);
    let named = desk.settle(read_at(of_person("ada", 2, 40, 1), 300)).await;
    let (drawn, overrun) = (milli(40), milli(0));
    assert_eq!(named, SettleOutcome::New { drawn, overrun, project: atlas(), unit: gh200() });
    desk.post(&[Command::Bind(Binding { project: name("borealis"), user: Some(name("eve")), ..binding() })]).await;
    assert_eq!(used(&desk).await, [40, 60]);
    desk.verify().await;
}

#[tokio::test]
async fn a_hold_that_comes_late_takes_no_run_of_another_person() {
    let desk = with_a_hold().await;
    desk.settle(of_person("bob", 1, 60, 2)).await;
    desk.settle(of_person("ada", 2, 40, 2)).await;
    assert_eq!(used(&desk).await, [0, 60]);
    // What is bound since then moves nothing by itself, and the hold of another person does not either.
    let newer = Binding { user: Some(name("bob")), unit: name("jupiter:node"), ..binding() };
    desk.post(&[Command::Bind(newer), hold(2, 100)]).await;
    assert_eq!(used(&desk).await, [40, 60]);
    desk.verify().await;
}

#[tokio::test]
async fn a_foreign_run_without_a_price_keeps_no_hold_open() {
    let desk = with_a_hold().await;
    let mut settled = of_person("bob", 1, 60, 1);
    settled.price = RunPrice::Unknown("no tariff".to_owned());
    desk.settle(settled.clone()).await;
    let closed = desk.post(&[close(1)]).await.remove(0);
    assert!(matches!(closed, Outcome::Closed(..)), "{closed:?}");
    // The holder's own does.
    desk.post(&[hold(2, 100)]).await;
    let mut own = of_person("ada", 2, 60, 2);
    own.price = settled.price;
    desk.settle(own).await;
    let stays = desk.post(&[close(2)]).await.remove(0);
    assert!(matches!(stays, Outcome::StaysOpen(_)), "{stays:?}");
}

#[tokio::test]
async fn jobs_of_others_under_way_take_nothing_out_of_a_hold() {
    let desk = with_a_hold().await;
    let mut of_bob = running(1, Some(stamp(1)), 20, 50);
    of_bob.user = name("bob");
    let waits = of_user("bob", pending(2, Some(stamp(1)), 9));
    desk.post(&[observe_in("all:carol", &["hai"], NOW, vec![of_bob], vec![waits])]).await;
    let [_, _, running_now, committed, foreign, _] = desk.numbers().await;
    assert_eq!([running_now, committed, foreign], [0, 100, 0]);
    let of_atlas = running(3, Some(stamp(1)), 20, 50);
    desk.post(&[observe_in("all:carol", &["hai"], NOW + 1, vec![of_atlas], Vec::new())]).await;
    assert_eq!(desk.numbers().await[2..4], [20, 80]);
}

/// Makes a ledger as an older release did, which believed every stamp: bob's run of 60 is on ada's hold.
async fn charged_by_an_older_release() -> Desk {
    let desk = with_a_hold().await;
    desk.change_the_tables("UPDATE holds SET opened_by_user = 'bob'");
    let desk = opened_again(desk);
    desk.settle(of_person("bob", 1, 60, 1)).await;
    desk.change_the_tables("UPDATE holds SET opened_by_user = 'ada'");
    opened_again(desk)
}

fn opened_again(desk: Desk) -> Desk {
    let book = desk.open_again(OpenMode::Existing);
    Desk { book, ..desk }
}

#[tokio::test]
async fn what_an_older_release_charged_stays_until_somebody_reattributes() {
    let desk = charged_by_an_older_release().await;
    assert_eq!(desk.settle(of_person("bob", 1, 60, 1)).await, SettleOutcome::Same);
    assert_eq!(desk.settle(read_at(of_person("bob", 1, 60, 1), 300)).await, SettleOutcome::Same);
    desk.settle(of_person("ada", 2, 30, 1)).await;
    assert_eq!((used(&desk).await, desk.numbers().await[3]), ([90, 0], 10));
    assert_eq!(desk.post(&[reattribute()]).await, [Outcome::Reattributed(1)]);
    assert_eq!((used(&desk).await, desk.numbers().await[3]), ([30, 60], 70), "the hold has back what was not its own");
    assert_eq!(desk.post(&[reattribute()]).await, [Outcome::Reattributed(0)]);
    let moved = desk.entries().await.into_iter().filter(|entry| entry.kind == EntryKind::Reattribute);
    assert_eq!(moved.map(|entry| entry.project.to_string()).collect::<Vec<_>>(), ["atlas", "borealis"]);
    desk.verify().await;
}

#[tokio::test]
async fn what_an_erased_person_paid_stays_paid() {
    let desk = with_a_hold().await;
    let evelyne = Principal { user: name("evelyne"), site: Some(name("jupiter")) };
    desk.book.post(&evelyne, now(), &[hold(2, 100)]).await.expect("posted");
    desk.settle(of_person("evelyne", 1, 60, 2)).await;
    desk.post(&[close(2)]).await;
    assert_eq!(desk.post(&[Command::Erase(evelyne)]).await, [Outcome::Erased(Some(1))]);
    assert_eq!(desk.post(&[reattribute()]).await, [Outcome::Reattributed(0)]);
    assert_eq!(desk.settle(of_person("evelyne", 1, 60, 2)).await, SettleOutcome::Same);
    desk.settle(read_at(of_person("evelyne", 1, 50, 2), 300)).await;
    assert_eq!(used(&desk).await, [50, 0]);
    // Of a run that is new nobody can tell any more that it is the erased person's: bindings say who pays.
    assert_eq!(desk.settle(of_person("evelyne", 2, 5, 2)).await, SettleOutcome::Unattributed);
    desk.verify().await;
}

on_postgres_too! {
    a_colleagues_stamp_charges_whoever_wrote_it,
    a_stamp_of_another_units_hold_does_not_make_a_run_free,
    whom_nothing_binds_is_unattributed_with_a_foreign_stamp_and_moves_when_bound,
    a_hold_that_comes_late_takes_no_run_of_another_person,
    a_foreign_run_without_a_price_keeps_no_hold_open,
    jobs_of_others_under_way_take_nothing_out_of_a_hold,
    what_an_older_release_charged_stays_until_somebody_reattributes,
    what_an_erased_person_paid_stays_paid,
}
