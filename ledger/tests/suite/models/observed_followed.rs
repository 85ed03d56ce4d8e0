//! Several people look at the queue while holds come and go.

use super::observed::{DAY, LATER, Observed, Operation, READERS, account_of, job_of, user_of};
use super::{Answer, Checked, Model, numbers_at, try_all};
use crate::support::*;
use ledger::{Binding, Command, ObservedPending, ObservedRun};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn observation(who: usize, as_of: i64, jobs: &BTreeMap<u64, (Option<i64>, i64)>) -> Command {
    let (mut run, mut wait) = (Vec::new(), Vec::new());
    for (number, (so_far, ceiling)) in jobs {
        let (user, account) = (name(user_of(*number)), Some(name(account_of(*number))));
        let stamp = job_of(*number).map(stamp);
        match so_far {
            Some(so_far) => run.push(ObservedRun { user, account, ..running(*number, stamp, *so_far, *ceiling) }),
            None => wait.push(ObservedPending { user, account, ..pending(*number, stamp, *ceiling) }),
        }
    }
    observe_in(READERS[who].0, READERS[who].1, as_of, run, wait)
}

impl Model for Observed {
    type Operation = Operation;
    const IS_SHOWN_AGAIN: bool = false;

    fn start(&self) -> Vec<Command> {
        vec![grant("base", 10_000)]
    }

    fn now(&self) -> i64 {
        LATER
    }

    fn command(&self, operation: &Operation, now: i64) -> Option<Command> {
        Some(match operation {
            Operation::Bind => Command::Bind(Binding { account: None, ..binding() }),
            Operation::Enforce(is_enforced) => enforce(*is_enforced),
            Operation::Hold(number, ceiling) => hold(*number, *ceiling),
            Operation::Close(number) => close(*number),
            Operation::Settle(number, price) => {
                let mut settled =
                    job_of(*number).map_or_else(|| foreign(*number, *price), |job| ours(*number, *price, job));
                settled.run.user = name(user_of(*number));
                settle(read_at(settled, now - NOW))
            }
            Operation::Look(who, as_of, jobs) => observation(*who, *as_of, jobs),
        })
    }

    fn apply(&mut self, operation: &Operation) -> Answer {
        self.take(operation)
    }

    async fn compare(&self, desk: &Desk, now: i64) -> Checked {
        prop_assert_eq!(numbers_at(desk, now).await, self.numbers());
        let found = desk.book.balances(&ledger::BalanceQuery::default(), at(now)).await.expect("balances");
        prop_assert_eq!(found[0].running_as_of, self.as_of().map(at));
        Ok(())
    }
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let job = (0..9_u64, (proptest::option::of(0..900_i64), 1..900_i64));
    // Before and behind the end of what is settled, long ago, and by a clock that was ahead.
    let as_of = prop_oneof![
        6 => LATER - 380..LATER - 250,
        6 => LATER - 250..LATER + 200,
        1 => Just(LATER - 15 * DAY),
        1 => Just(LATER + 2000),
    ];
    prop_oneof![
        1 => Just(Operation::Bind),
        1 => prop::bool::weighted(0.8).prop_map(Operation::Enforce),
        2 => (0..4_u32, 0..4000_i64).prop_map(|(number, ceiling)| Operation::Hold(number, ceiling)),
        1 => (0..4_u32).prop_map(Operation::Close),
        2 => (0..9_u64, 1..900_i64).prop_map(|(number, price)| Operation::Settle(number, price)),
        6 => (0..READERS.len(), as_of, vec(job, 0..5))
            .prop_map(|(who, as_of, jobs)| Operation::Look(who, as_of, jobs.into_iter().collect())),
    ]
}

pub(super) fn try_it(cases: u32) {
    try_all(Just(Observed::default()), any_operation(), cases);
}

#[test]
fn each_job_counts_once_whoever_saw_it() {
    try_it(cases(40));
}

on_postgres_too! { each_job_counts_once_whoever_saw_it }
