//! Grants of a programme while months go by.

use super::lots::{Lots, Programme};
use super::months::{HOUR, MONTHS, settle_hours};
use super::{Answer, Checked, Model, once, try_all};
use crate::support::*;
use ledger::{
    BalanceQuery, Command, FixedTerm, HardStop, MonthlyJsc, NewGrant, NhrQuarterly, SiteZone, UsedUp, Withdraw,
};
use model::{Amount, Window};
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: i64 = 24 * HOUR;

#[derive(Clone, Debug)]
enum Operation {
    Pass(i64),
    Follow(Programme),
    /// Whole quarters, and so much a month.
    Grant(u32, [usize; 2], i64),
    Withdraw(u32),
    /// How many hours before now it ended, how many it took, and so much an hour.
    Settle(u64, [i64; 2], i64),
    Expire,
}

/// A grant that ends with September.
const FIRST: u32 = 9;

#[derive(Clone, Debug)]
struct Autumn {
    days: i64,
    lots: Lots,
    /// What was granted, taken back or not.
    granted: BTreeMap<u32, ([usize; 2], i64)>,
}

impl Autumn {
    /// When a run was, not before the first month.
    fn ran(&self, [ago, hours]: [i64; 2]) -> [i64; 2] {
        let to = (self.now() - ago * HOUR).max(MONTHS[0]);
        [(to - hours * HOUR).max(MONTHS[0]), to]
    }
}

impl Model for Autumn {
    type Operation = Operation;

    fn start(&self) -> Vec<Command> {
        let zone = SiteZone { site: name("jupiter"), zone: name("Europe/Berlin") };
        vec![Command::SetZone(zone), Command::Bind(binding()), set_policy(HardStop {}), granted(FIRST, [0, 3], 500)]
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
            Operation::Settle(number, when, hourly) => settle_hours(*number, self.ran(*when), *hourly, now),
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
            Operation::Settle(number, when, hourly) => drop(self.lots.runs.insert(*number, (self.ran(*when), *hourly))),
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

fn granted(key: u32, [from, to]: [usize; 2], of_month: i64) -> Command {
    let window = Window { from: at(MONTHS[from]), to: at(MONTHS[to]) };
    let months = i64::try_from(to - from).expect("small");
    Command::Grant(NewGrant { window, ..new_grant(&key.to_string(), of_month * months) })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let programmes = [Programme::HardStop, Programme::FixedTerm, Programme::Jsc, Programme::Nhr];
    prop_oneof![
        4 => (1..50_i64).prop_map(Operation::Pass),
        2 => proptest::sample::select(programmes.to_vec()).prop_map(Operation::Follow),
        2 => (0..3_u32, 0..4_usize, 1..3_usize, 1..2000_i64).prop_map(|(key, from, quarters, of_month)| {
            Operation::Grant(key, [3 * from, (3 * (from + quarters)).min(12)], of_month)
        }),
        1 => (0..3_u32).prop_map(Operation::Withdraw),
        5 => (0..6_u64, 0..900_i64, 1..1500_i64, 0..4_i64)
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
