//! How a model is followed.

use super::ends::{is_replayed, is_shown_again, sight, statements_meet, sums_say_what_entries_say};
use crate::deaths::die_while_posting;
use crate::support::*;
use ledger::{BalanceQuery, Budget, Command, EntryPage, LedgerError, Outcome, SettleOutcome};
use model::{Amount, Balance};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::fmt::Debug;

/// What an operation comes to: nothing, or the word of an error.
pub(crate) type Answer = Result<(), &'static str>;
pub(crate) type Checked = Result<(), TestCaseError>;

/// A ledger in small numbers.
pub(crate) trait Model: Clone + Debug {
    type Operation: Clone + Debug;

    /// Whether a balance goes by entries alone, so that the one of an earlier time can be shown again.
    const IS_SHOWN_AGAIN: bool = true;

    /// What stands in the ledger before the first operation.
    fn start(&self) -> Vec<Command>;
    /// What does it, posted at an instant; none where time goes by.
    fn command(&self, operation: &Self::Operation, now: i64) -> Option<Command>;
    fn apply(&mut self, operation: &Self::Operation) -> Answer;
    /// The time, but for a second for each operation.
    fn now(&self) -> i64 {
        NOW
    }
    /// Where statements meet.
    fn borders(&self) -> Vec<i64> {
        vec![NOW - 10, NOW + 60]
    }
    async fn compare(&self, desk: &Desk, now: i64) -> Checked;
}

/// Tries a model with random operations, and makes those that fail as few as they can be.
pub(crate) fn try_all<M: Model>(
    models: impl Strategy<Value = M>,
    operations: impl Strategy<Value = M::Operation>,
    cases: u32,
) {
    let death = prop_oneof![12 => Just(None), 1 => (0..3_u32).prop_map(Some)];
    let attempts = proptest::collection::vec((operations, death), 1..30);
    let mut runner = TestRunner::new(Config { cases, ..Config::with_source_file(file!()) });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let tried = runner.run(&(models, attempts), |(model, attempts)| runtime.block_on(follow(model, attempts)));
    tried.unwrap_or_else(|error| panic!("{error}"));
}

async fn follow<M: Model>(mut model: M, attempts: Vec<(M::Operation, Option<u32>)>) -> Checked {
    let mut desk = Desk::in_memory();
    desk.post_at(model.now(), &model.start()).await;
    let (mut shown, mut last) = (Vec::new(), 0);
    for (step, (operation, death)) in (1..).zip(attempts) {
        let (now, mut next) = (model.now() + step, model.clone());
        let expected = next.apply(&operation);
        if let Some(command) = model.command(&operation, now) {
            if let Some(point) = death {
                desk = die_while_posting(desk, &command, now, point).await;
            }
            let given = desk.book.post(&ada(), at(now), &[command]).await;
            prop_assert!(is_expected(expected, &given), "{:?}: {:?} but {:?}", operation, expected, given);
        }
        if expected.is_ok() {
            model = next;
        }
        let (now, after) = (model.now() + step, format!("after {operation:?}"));
        model.compare(&desk, now).await.map_err(|error| TestCaseError::fail(format!("{after}: {error}")))?;
        let new = desk.book.entries(EntryPage { after: last, limit: 100 }).await.expect("entries");
        last = new.last().map_or(last, |entry| entry.number);
        shown.push((now, new, sight(&desk, None, &model.borders(), now).await));
    }
    let now = shown.last().map_or(model.now(), |(now, ..)| *now) + 1;
    desk.post_at(now, &[Command::Expire(None)]).await;
    if M::IS_SHOWN_AGAIN {
        is_shown_again(&desk, shown, &model.borders(), now).await?;
    }
    statements_meet(&desk, model.borders(), now).await?;
    sums_say_what_entries_say(&desk, model.borders(), now).await?;
    desk.verify().await;
    is_replayed(&desk, now).await
}

fn is_expected(expected: Answer, given: &Result<Vec<Outcome>, LedgerError>) -> bool {
    let kind = match expected {
        Ok(()) => return given.as_ref().is_ok_and(|outcomes| !outcomes.iter().any(is_rejected)),
        Err("rejected") => return given.as_ref().is_ok_and(|outcomes| outcomes.iter().any(is_rejected)),
        Err("conflict") => "Conflict",
        Err("invalid") => "Invalid",
        Err("unknown") => "UnknownHold",
        Err(_) => "Refused",
    };
    given.as_ref().is_err_and(|error| format!("{:?}", error.kind).starts_with(kind))
}

fn is_rejected(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Settled(SettleOutcome::Rejected { .. }))
}

/// Of two posts with the same key the second has to say the same, and counts for nothing.
pub(crate) fn once<T: Copy + PartialEq>(known: Option<T>, said: T) -> Result<bool, &'static str> {
    match known {
        None => Ok(true),
        Some(known) if known == said => Ok(false),
        Some(_) => Err("conflict"),
    }
}

pub(super) async fn budgets_at(desk: &Desk, query: BalanceQuery, now: i64) -> Vec<Budget> {
    desk.book.budgets(&query, at(now)).await.expect("budgets")
}

/// Granted, used, running, committed, foreign committed and free, of `atlas` in GPU time.
pub(crate) async fn numbers_at(desk: &Desk, now: i64) -> [i64; 6] {
    let found = budgets_at(desk, BalanceQuery::default(), now).await.into_iter().map(|budget| budget.balance);
    let mut own = found.filter(|balance| balance.project == atlas() && balance.unit == gh200());
    let balance = own.next().expect("a balance in GPU time");
    let Balance { granted, used, running, committed, foreign_committed, .. } = balance;
    let free = balance.free().expect("fits");
    [granted, used, running, committed, foreign_committed, free].map(Amount::milli)
}
