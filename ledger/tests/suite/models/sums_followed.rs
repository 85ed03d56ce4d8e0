//! Runs over months, read again, given back and corrected by hand.

use super::months::{HOUR, MONTHS, in_berlin, settle_hours};
use super::sums::{Operation, Sums};
use super::{Answer, Checked, Model, numbers_at, try_all};
use crate::support::*;
use ledger::{Adjust, Command, Refund, UsageField, UsageFilter, UsageQuery, UsageSpan};
use model::{Amount, Day, StatementLineKind, Window};
use proptest::prelude::*;

impl Model for Sums {
    type Operation = Operation;

    fn start(&self) -> Vec<Command> {
        vec![Command::Bind(binding()), grant("base", 1)]
    }

    /// All of it is over.
    fn now(&self) -> i64 {
        MONTHS[11] - HOUR
    }

    fn borders(&self) -> Vec<i64> {
        MONTHS.to_vec()
    }

    fn command(&self, operation: &Operation, now: i64) -> Option<Command> {
        let reason = "counted twice".to_owned();
        Some(match *operation {
            Operation::Settle(number, when, hourly) => settle_hours(number, self.over(number, when), hourly, now),
            Operation::Refund(number, hourly) => {
                let hours = self.runs.get(&number).map_or(1, |ran| (ran.over[1] - ran.over[0]) / HOUR);
                Command::Refund(Refund { run: run_key(number), amount: Some(milli(hours * hourly)), reason })
            }
            Operation::Adjust(key, month, amount) => {
                let (amount, at) = (milli(amount), at(MONTHS[month]));
                Command::Adjust(Adjust { key: key.to_string(), project: atlas(), unit: gh200(), amount, at, reason })
            }
            Operation::Zone => in_berlin(),
            Operation::Grant(key, amount) => grant(&key.to_string(), amount),
        })
    }

    fn apply(&mut self, operation: &Operation) -> Answer {
        self.take(operation)
    }

    async fn compare(&self, desk: &Desk, now: i64) -> Checked {
        let span = UsageSpan::Days { from: day("2026-07-01"), to: day("2027-07-01") };
        let (filter, by) = (UsageFilter::default(), vec![UsageField::Month]);
        let rows = desk.book.usage(&UsageQuery { span, known_at: None, filter, by }).await.expect("usage");
        prop_assert_eq!(rows.iter().map(|row| row.amount.milli()).collect::<Vec<_>>(), self.by_month());
        let part = [MONTHS[1] + 31 * HOUR, MONTHS[3] + 5 * HOUR];
        let (filter, span) =
            (UsageFilter::default(), UsageSpan::Instants(Window { from: at(part[0]), to: at(part[1]) }));
        let rows = desk.book.usage(&UsageQuery { span, known_at: None, filter, by: Vec::new() }).await.expect("usage");
        prop_assert_eq!(rows.iter().map(|row| row.amount.milli()).sum::<i64>(), self.used(part));
        for month in [2, 3, 8] {
            let window = Window { from: at(MONTHS[month]), to: at(MONTHS[month + 1]) };
            let statement = desk.book.statement(&atlas(), &gh200(), window, None).await.expect("a statement");
            let lines = statement.lines.iter().filter(|line| line.kind != StatementLineKind::Grant);
            let moved: Amount = Amount::sum(lines.map(|line| line.amount)).expect("fits");
            let expected = self.by_hand(|of| of == month) - self.charged([MONTHS[month], MONTHS[month + 1]]);
            prop_assert_eq!(moved.milli(), expected, "month {}", month);
        }
        let used = self.charged([0, i64::MAX]) - self.by_hand(|_| true);
        prop_assert_eq!(numbers_at(desk, now).await[1], used);
        Ok(())
    }
}

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..6_u64, (0..6000_i64, 1..1500_i64), 0..5_i64)
            .prop_map(|(run, (after, hours), hourly)| Operation::Settle(run, [after, hours], hourly)),
        2 => (0..6_u64, 1..4_i64).prop_map(|(run, hourly)| Operation::Refund(run, hourly)),
        1 => (0..3_u32, 0..11_usize, prop_oneof![-900..0_i64, 1..900_i64])
            .prop_map(|(key, month, amount)| Operation::Adjust(key, month, amount)),
        1 => (0..3_u32, 1..9000_i64).prop_map(|(key, amount)| Operation::Grant(key, amount)),
        1 => Just(Operation::Zone),
    ]
}

pub(super) fn try_it(cases: u32) {
    try_all(Just(Sums::default()), any_operation(), cases);
}

#[test]
fn usage_statements_and_the_balance_say_the_same() {
    try_it(cases(40));
}

on_postgres_too! { usage_statements_and_the_balance_say_the_same }
