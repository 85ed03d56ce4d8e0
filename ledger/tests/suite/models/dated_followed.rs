//! Holds of jobs that run now, later, over the end of months and behind the last one, while months go by.

use super::dated::{Dated, Held};
use super::follow::budgets_at;
use super::lots::{Lots, Programme};
use super::months::{DAY, HOUR, MONTHS, granted, in_berlin, settle_hours};
use super::{Answer, Checked, Model, try_all};
use crate::support::*;
use ledger::{BalanceQuery, Command, FixedTerm, HardStop, MonthlyJsc, NewHold, NhrQuarterly, UsedUp};
use model::Window;
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Clone, Debug)]
enum Operation {
    Pass(i64),
    Follow(Programme),
    Enforce(bool),
    /// In how many hours it is expected, and for how many, where that is known.
    Hold(u32, i64, Option<[i64; 2]>),
    Close(u32),
    /// How many hours it took until an hour before now, and so much an hour.
    Settle(u64, i64, i64),
}

#[derive(Clone, Debug)]
struct Ahead {
    days: i64,
    dated: Dated,
    /// How many seconds behind `now` the next operation is posted: what runs at that time has the rest to run.
    seconds: Rc<Cell<i64>>,
}

impl Ahead {
    fn held(&self, ceiling: i64, over: Option<[i64; 2]>) -> Held {
        let begins = |ahead: i64| self.now() + ahead * HOUR;
        (ceiling, over.map(|[ahead, hours]| [begins(ahead), begins(ahead) + hours * HOUR]))
    }

    fn ran(&self, hours: i64) -> [i64; 2] {
        let to = self.now() - HOUR;
        [(to - hours * HOUR).max(MONTHS[0]), to]
    }
}

impl Model for Ahead {
    type Operation = Operation;

    fn start(&self) -> Vec<Command> {
        self.seconds.set(1);
        let months = [[0, 3], [3, 6], [6, 12]];
        let grants = (0..).zip(months).map(|(key, months)| granted(key, months, 500));
        [in_berlin(), Command::Bind(binding()), set_policy(HardStop {})].into_iter().chain(grants).collect()
    }

    /// The middle of a September day, and days later.
    fn now(&self) -> i64 {
        MONTHS[2] + DAY / 2 + self.days * DAY
    }

    fn borders(&self) -> Vec<i64> {
        MONTHS.to_vec()
    }

    fn command(&self, operation: &Operation, now: i64) -> Option<Command> {
        Some(match *operation {
            Operation::Pass(_) => return None,
            Operation::Follow(Programme::HardStop) => set_policy(HardStop {}),
            Operation::Follow(Programme::FixedTerm) => set_policy(FixedTerm { used_up: UsedUp::LowPriority }),
            Operation::Follow(Programme::Jsc) => set_policy(MonthlyJsc::default()),
            Operation::Follow(Programme::Nhr) => set_policy(NhrQuarterly::default()),
            Operation::Enforce(is_enforced) => enforce(is_enforced),
            Operation::Hold(number, ceiling, over) => {
                let (_, over) = self.held(ceiling, over);
                let expected = over.map(|[from, to]| Window { from: at(from), to: at(to) });
                let anyway = expected.is_none().then(|| "it has to be".to_owned());
                Command::Hold(NewHold { expected, anyway, ..new_hold(number, ceiling) })
            }
            Operation::Close(number) => close(number),
            Operation::Settle(number, hours, hourly) => settle_hours(number, self.ran(hours), hourly, now),
        })
    }

    fn apply(&mut self, operation: &Operation) -> Answer {
        match *operation {
            Operation::Pass(days) => self.days = (self.days + days).min(270),
            Operation::Follow(programme) => self.dated.lots.programme = programme,
            Operation::Enforce(is_enforced) => self.dated.is_enforced = is_enforced,
            Operation::Hold(number, ceiling, over) => {
                let held = self.held(ceiling, over);
                self.dated.hold(number, held, self.now() + self.seconds.get())?;
            }
            Operation::Close(number) => self.dated.holds.get_mut(&number).ok_or("unknown")?.1 = false,
            Operation::Settle(number, hours, hourly) => {
                let _ = self.dated.lots.runs.insert(number, (self.ran(hours), hourly));
            }
        }
        Ok(())
    }

    async fn compare(&self, desk: &Desk, now: i64) -> Checked {
        self.seconds.set(now - self.now() + 1);
        let budget = budgets_at(desk, BalanceQuery::default(), now).await.remove(0);
        let (expected, _) = self.dated.reserved(now);
        let found = budget.reserved_of_lots().expect("fits");
        let found: BTreeMap<String, i64> =
            found.into_iter().map(|(lot, amount)| (lot.to_string(), amount.milli())).collect();
        prop_assert_eq!(found, expected);
        let held: i64 =
            self.dated.holds.values().filter(|(_, is_open)| *is_open).map(|((ceiling, _), _)| ceiling).sum();
        prop_assert_eq!(budget.balance.committed.milli(), held);
        // What is committed later is no more than what lots behind the next border pay, and leaves nobody a claim on it now.
        let later = budget.balance.committed_later.milli();
        prop_assert!((0..=held).contains(&later), "{} of {}", later, held);
        Ok(())
    }
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let programmes = [Programme::HardStop, Programme::FixedTerm, Programme::Jsc, Programme::Nhr];
    let over = proptest::option::weighted(0.8, (1..4000_i64, 1..2000_i64).prop_map(|(ahead, hours)| [ahead, hours]));
    prop_oneof![
        3 => (1..50_i64).prop_map(Operation::Pass),
        2 => proptest::sample::select(programmes.to_vec()).prop_map(Operation::Follow),
        1 => prop::bool::weighted(0.7).prop_map(Operation::Enforce),
        6 => (0..8_u32, 1..900_i64, over).prop_map(|(number, ceiling, over)| Operation::Hold(number, ceiling, over)),
        1 => (0..8_u32).prop_map(Operation::Close),
        2 => (0..4_u64, 1..700_i64, 0..3_i64)
            .prop_map(|(number, hours, hourly)| Operation::Settle(number, hours, hourly)),
    ]
}

pub(super) fn try_it(cases: u32) {
    let months = [[0, 3], [3, 6], [6, 12]];
    let grants = (0..).zip(months).map(|(key, months)| (key, (months, 500))).collect();
    let dated = Dated { lots: Lots { grants, ..Lots::default() }, ..Dated::default() };
    try_all(Just(Ahead { days: 0, dated, seconds: Rc::default() }), any_operation(), cases);
}

#[test]
fn holds_take_from_the_lots_of_the_time_of_their_jobs() {
    try_it(cases(40));
}

on_postgres_too! { holds_take_from_the_lots_of_the_time_of_their_jobs }
