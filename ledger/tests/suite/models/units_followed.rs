//! Grants, holds and runs of two projects in three units.

use super::units::{BUDGETS, Operation, Units, has_gpus, is_adas, job_of, names_ada, place_of};
use super::{Answer, Checked, Model, try_all};
use crate::support::*;
use ledger::{
    BalanceQuery, Binding, Command, NewGrant, NewHold, RunPrice, SettledRun, UsageField, UsageFilter, UsageGroup,
    UsageQuery, UsageSpan, UsageSum,
};
use model::{Balance, Price, SchedulerJobId, Window};
use proptest::prelude::*;

fn run(number: u64, gpu_milli: i64) -> SettledRun {
    let mut settled = job_of(number).map_or_else(|| foreign(number, gpu_milli), |job| ours(number, gpu_milli, job));
    settled.run.user = name(if is_adas(number) { "ada" } else { "bob" });
    let (cluster, id) = place_of(number);
    settled.run.key.cluster = name(cluster);
    settled.run.key.scheduler_job = SchedulerJobId::new(id);
    if !has_gpus(number) {
        settled.price = RunPrice::Known(Price { gpu: None, ..price(gpu_milli) });
    }
    settled
}

impl Model for Units {
    type Operation = Operation;

    fn start(&self) -> Vec<Command> {
        Vec::new()
    }

    fn command(&self, operation: &Operation, now: i64) -> Option<Command> {
        let place = |budget: usize| (name(BUDGETS[budget].0), name(BUDGETS[budget].1));
        Some(match *operation {
            Operation::Grant(budget, key, amount) => {
                let (project, unit) = place(budget);
                Command::Grant(NewGrant { project, unit, ..new_grant(&format!("{budget}-{key}"), amount) })
            }
            Operation::Bind(budget) => {
                let (project, unit) = place(budget);
                let user = names_ada(budget).then(|| name("ada"));
                Command::Bind(Binding { project, unit, user, ..binding() })
            }
            Operation::Enforce(budget, is_enforced) => {
                let (project, unit) = place(budget);
                Command::SetEnforce(ledger::Enforce { project, unit, is_enforced })
            }
            Operation::Hold(number, budget, ceiling) => {
                let (project, unit) = place(budget);
                Command::Hold(NewHold { project, unit, ..new_hold(number, ceiling) })
            }
            Operation::Close(number) => close(number),
            Operation::Settle(number, gpu_milli) => settle(read_at(run(number, gpu_milli), now - NOW)),
        })
    }

    fn apply(&mut self, operation: &Operation) -> Answer {
        self.take(operation)
    }

    async fn compare(&self, desk: &Desk, now: i64) -> Checked {
        let found = desk.book.balances(&BalanceQuery::default(), at(now)).await.expect("balances");
        for (number, (project, unit, _)) in BUDGETS.iter().enumerate() {
            let mut own = found.iter().filter(|of| of.project == name(project) && of.unit == name(unit));
            let numbers =
                |Balance { granted, used, committed, .. }: &Balance| [granted, used, committed].map(|of| of.milli());
            let found = own.next().map_or([0; 3], numbers);
            prop_assert_eq!(found, self.numbers(number), "{} in {}", project, unit);
        }
        let span = UsageSpan::Instants(Window { from: at(0), to: at(now + 1000) });
        let by = vec![UsageField::Project, UsageField::Cluster];
        let query = UsageQuery { span, known_at: None, filter: UsageFilter::default(), by };
        let sums = desk.book.usage(&query).await.expect("usage");
        for (number, (project, unit, _)) in BUDGETS.iter().enumerate() {
            for cluster in ["booster", "cluster"] {
                let is_its = |sum: &&UsageSum| {
                    let UsageGroup { project: of, cluster: on, unit: counted, .. } = &sum.group;
                    *of == Some(name(project)) && *on == Some(name(cluster)) && *counted == name(unit)
                };
                let used = sums.iter().find(is_its).map_or(0, |sum| sum.amount.milli());
                prop_assert_eq!(used, self.used_on(number, cluster), "{} in {} on {}", project, unit, cluster);
            }
        }
        prop_assert!(found.len() <= BUDGETS.len(), "in no other unit: {:?}", found);
        Ok(())
    }
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let budget = || 0..BUDGETS.len();
    prop_oneof![
        2 => (budget(), 0..2_u32, 1..90_000_i64).prop_map(|(budget, key, amount)| Operation::Grant(budget, key, amount)),
        1 => budget().prop_map(Operation::Bind),
        1 => (budget(), prop::bool::weighted(0.8)).prop_map(|(budget, is_on)| Operation::Enforce(budget, is_on)),
        2 => (0..3_u32, budget(), 0..9_000_i64).prop_map(|(number, budget, most)| Operation::Hold(number, budget, most)),
        1 => (0..3_u32).prop_map(Operation::Close),
        5 => (0..8_u64, 0..500_i64).prop_map(|(run, quarter)| Operation::Settle(run, 4 * quarter)),
    ]
}

pub(super) fn try_it(cases: u32) {
    try_all(Just(Units::default()), any_operation(), cases);
}

#[test]
fn units_of_one_project_never_mix() {
    try_it(cases(40));
}

on_postgres_too! { units_of_one_project_never_mix }
