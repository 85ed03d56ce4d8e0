//! A budget of which no row is there yet, used by many at once.

use crate::support::*;
use ledger::{LedgerErrorKind, OpenMode};

/// How many of 64 connections hold 10 of the budget at once.
fn hold_at_once(desk: &Desk, first: u32) -> usize {
    let hold = |number: u32| {
        let book = desk.open_again(OpenMode::Existing);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        match runtime.block_on(book.post(&ada(), now(), &[hold(number, 10)])) {
            Ok(_) => true,
            Err(error) if matches!(error.kind, LedgerErrorKind::Refused(_)) => false,
            Err(error) => panic!("{error} {:?}", error.facts),
        }
    };
    std::thread::scope(|scope| {
        let hold = &hold;
        let threads: Vec<_> = (0..64).map(|number| scope.spawn(move || hold(first + number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).filter(|held| *held).count()
    })
}

/// Formance: `FOR UPDATE` of a balance that does not exist yet locks nothing, and two overdrafts pass.
#[tokio::test]
async fn trap_the_first_hold_on_a_budget_without_a_balance_by_64_at_once() {
    let desk = Desk::new();
    desk.post(&[enforce(true)]).await;
    assert_eq!(hold_at_once(&desk, 0), 0, "nothing was granted");
    assert_eq!(desk.shown_entries().await, ["decide 0"], "and there is no balance still");
    desk.post(&[enforce(false)]).await;
    assert_eq!(hold_at_once(&desk, 100), 64);
    assert_eq!(desk.numbers().await, [0, 0, 0, 640, 0, -640], "none is lost");
    desk.verify().await;
}

on_postgres_too!(trap_the_first_hold_on_a_budget_without_a_balance_by_64_at_once);
