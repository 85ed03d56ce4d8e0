//! Grants of a programme while months go by.

use super::lots::{Lots, Programme};
use super::months::{DAY, HOUR, MONTHS, granted, in_berlin, month_of, settle_hours};
use super::{Answer, Checked, Model, once, try_all};
use crate::support::*;
use ledger::{BalanceQuery, Command, FixedTerm, HardStop, MonthlyJsc, NhrQuarterly, UsedUp, Withdraw};
use model::Amount;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Operation {
    Pass(i64),
    Follow(Programme),
    /// Whole quarters, and so much a month.
    Grant(u32, [usize; 2], i64),
    Withdraw(u32),
    /// How many hours before now it ended, or -1 for the last border of months; how many it took, and so much an hour, or all
    /// that is left in one.
    Settle(u64, [i64; 2], Option<i64>),
    Expire,
}

const FIRST: u32 = 9;

#[derive(Clone, Debug)]
struct Autumn {
    days: i64,
    lots: Lots,
    /// What was granted, taken back or not.
    granted: BTreeMap<u32, ([usize; 2], i64)>,
}

impl Autumn {
    /// When a run was, not before the first month, and so much an hour.
    fn run(&self, number: u64, [ago, hours]: [i64; 2], hourly: Option<i64>) -> ([i64; 2], i64) {
        let to = if ago < 0 { MONTHS[month_of(self.now())] } else { (self.now() - ago * HOUR).max(MONTHS[0]) };
        let mut others = self.lots.clone();
        others.runs.remove(&number);
        let left = || others.numbers(self.now())[5].max(0);
        ([(to - hourly.map_or(1, |_| hours) * HOUR).max(MONTHS[0]), to], hourly.unwrap_or_else(left))
    }
}

impl Model for Autumn {
    type Operation = Operation;

    fn start(&self) -> Vec<Command> {
        vec![in_berlin(), Command::Bind(binding()), set_policy(HardStop {}), granted(FIRST, [0, 3], 500)]
    }

    /// The middle of a September day, and days later.
    fn now(&self) -> i64 {
        MONTHS[2] + DAY / 2 + self.days * DAY
    }

    fn borders(&self) -> Vec<i64> {
        MONTHS.to_vec()
    }

    fn command(&self, operation: &Operation, now: i64) -> Option<Command> {
        Some(match operation {
            Operation::Pass(_) => return None,
            Operation::Follow(Programme::HardStop) => set_policy(HardStop {}),
            Operation::Follow(Programme::FixedTerm) => set_policy(FixedTerm { used_up: UsedUp::LowPriority }),
            Operation::Follow(Programme::Jsc) => set_policy(MonthlyJsc::default()),
            Operation::Follow(Programme::Nhr) => set_policy(NhrQuarterly::default()),
            Operation::Grant(key, months, of_month) => granted(*key, *months, *of_month),
            Operation::Withdraw(key) => Command::Withdraw(Withdraw {
                key: key.to_string(),
                grant: key.to_string(),
                project: atlas(),
                amount: None,
                reason: "mistyped".to_owned(),
            }),
            Operation::Settle(number, when, hourly) => {
                let (ran, hourly) = self.run(*number, *when, *hourly);
                settle_hours(*number, ran, hourly, now)
            }
            Operation::Expire => Command::Expire(None),
        })
    }

    fn apply(&mut self, operation: &Operation) -> Answer {
        match operation {
            Operation::Pass(days) => self.days = (self.days + days).min(270),
            Operation::Follow(programme) => self.lots.programme = *programme,
            Operation::Grant(key, months, of_month) => {
                if once(self.granted.get(key), &(*months, *of_month))? {
                    self.granted.insert(*key, (*months, *of_month));
                    self.lots.grants.insert(*key, (*months, *of_month));
                }
            }
            Operation::Withdraw(key) if !self.granted.contains_key(key) => return Err("invalid"),
            Operation::Withdraw(key) => drop(self.lots.grants.remove(key)),
            Operation::Settle(number, when, hourly) => {
                let run = self.run(*number, *when, *hourly);
                self.lots.runs.insert(*number, run);
            }
            Operation::Expire => {}
        }
        Ok(())
    }

    async fn compare(&self, desk: &Desk, now: i64) -> Checked {
        let budget = desk.book.budgets(&BalanceQuery::default(), at(now)).await.expect("budgets").remove(0);
        let (balance, book) = (&budget.balance, budget.book().expect("a book"));
        let free = balance.free().expect("fits");
        let found = [balance.granted, balance.later, balance.expired, balance.forgiven, balance.used, free];
        prop_assert_eq!(found.map(Amount::milli), self.lots.numbers(now));
        let lots = book.lots().iter().map(|lot| (lot.lot.id.to_string(), lot.used.milli(), lot.expired.milli()));
        let expected = self.lots.book(now);
        let of_model = expected.lots.iter().map(|lot| (lot.name.clone(), lot.used, lot.expired));
        prop_assert_eq!(lots.collect::<Vec<_>>(), of_model.collect::<Vec<_>>());
        prop_assert_eq!(book.owed().milli(), expected.owed);
        prop_assert_eq!(format!("{:?}", budget.standing().expect("fits")), self.lots.standing(now));
        Ok(())
    }
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let ago = prop_oneof![4 => 0..900_i64, 1 => Just(-1)];
    let programmes = [Programme::HardStop, Programme::FixedTerm, Programme::Jsc, Programme::Nhr];
    prop_oneof![
        4 => (1..50_i64).prop_map(Operation::Pass),
        2 => proptest::sample::select(programmes.to_vec()).prop_map(Operation::Follow),
        2 => (0..3_u32, 0..4_usize, 1..4_usize, 1..2000_i64).prop_map(|(key, from, quarters, of_month)| {
            Operation::Grant(key, [3 * from, (3 * (from + quarters)).min(12)], of_month)
        }),
        1 => (0..3_u32).prop_map(Operation::Withdraw),
        5 => (0..6_u64, ago, 1..1500_i64, prop_oneof![4 => (0..4_i64).prop_map(Some), 1 => Just(None)])
            .prop_map(|(number, ago, hours, hourly)| Operation::Settle(number, [ago, hours], hourly)),
        1 => Just(Operation::Expire),
    ]
}

pub(super) fn try_it(cases: u32) {
    let granted = BTreeMap::from([(FIRST, ([0, 3], 500))]);
    let lots = Lots { grants: granted.clone(), ..Lots::default() };
    try_all(Just(Autumn { days: 0, lots, granted }), any_operation(), cases);
}

#[test]
fn lots_pay_end_and_are_forgiven_as_their_programme_says() {
    try_it(cases(40));
}

on_postgres_too! { lots_pay_end_and_are_forgiven_as_their_programme_says }
