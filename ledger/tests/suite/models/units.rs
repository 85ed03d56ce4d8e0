//! Several units side by side: GPU time, node time and core time of one project and another, which never mix, on two clusters of
//! one site, which number their jobs alike.

use super::{Answer, once};
use std::collections::{BTreeMap, BTreeSet};

/// A project and a unit, and what of a run's price it pays, of a thousand. What `borealis` is bound to names ada, too, and so
/// counts before the rest.
pub(super) const BUDGETS: [(&str, &str, i64); 4] = [
    ("atlas", "jupiter:gh200", 1000),
    ("atlas", "jupiter:node", 250),
    ("borealis", "jupiter:core", 72_000),
    ("borealis", "jupiter:gh200", 1000),
];

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Grant(usize, u32, i64),
    Bind(usize),
    Enforce(usize, bool),
    Hold(u32, usize, i64),
    Close(u32),
    Settle(u64, i64),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Units {
    grants: BTreeMap<(usize, u32), i64>,
    bound: Vec<usize>,
    enforced: BTreeSet<usize>,
    /// Of which budget, how much, and whether it is open.
    holds: BTreeMap<u32, (usize, i64, bool)>,
    /// How much, and who pays.
    runs: BTreeMap<u64, (i64, Option<usize>)>,
}

/// Runs 0 and 1 have no GPUs, 2 and 3 no job of ours.
pub(super) const fn has_gpus(run: u64) -> bool {
    run > 1
}

pub(super) fn job_of(run: u64) -> Option<u32> {
    u32::try_from(run % 3).ok().filter(|_| run > 3)
}

/// Every other run is on the second cluster, and has the id of one on the first.
pub(super) const fn place_of(run: u64) -> (&'static str, u64) {
    (if run.is_multiple_of(2) { "booster" } else { "cluster" }, run / 2)
}

/// The hold that pays for a run: all are ada's, and a stamp counts on her runs alone.
fn hold_of(run: u64) -> Option<u32> {
    job_of(run).filter(|_| is_adas(run))
}

fn has_price(run: u64, budget: usize) -> bool {
    has_gpus(run) || BUDGETS[budget].1 != "jupiter:gh200"
}

pub(super) const fn is_adas(run: u64) -> bool {
    run.is_multiple_of(2)
}

pub(super) fn names_ada(budget: usize) -> bool {
    BUDGETS[budget].0 == "borealis"
}

impl Units {
    /// The hold's budget, else the one that pays already, else that of the binding that says most, has a price and is the latest.
    fn payer(&self, run: u64) -> Option<usize> {
        let held = hold_of(run).and_then(|job| self.holds.get(&job)).map(|(budget, ..)| *budget);
        let covering = self.bound.iter().enumerate().filter(|(_, budget)| is_adas(run) || !names_ada(**budget));
        let weight = |number: usize, budget: usize| (names_ada(budget), has_price(run, budget), number);
        let best = covering.max_by_key(|(number, budget)| weight(*number, **budget)).map(|(_, budget)| *budget);
        let pays = self.runs.get(&run).and_then(|(_, payer)| *payer);
        held.or(pays).or(best.filter(|budget| has_price(run, *budget)))
    }

    fn attribute(&mut self) {
        for run in self.runs.keys().copied().collect::<Vec<_>>() {
            let payer = self.payer(run);
            self.runs.get_mut(&run).expect("known").1 = payer;
        }
    }

    fn paid(&self, budget: usize, is_meant: impl Fn(u64) -> bool) -> i64 {
        let meant = self.runs.iter().filter(|(run, (_, payer))| *payer == Some(budget) && is_meant(**run));
        meant.map(|(_, (price, _))| price * BUDGETS[budget].2 / 1000).sum()
    }

    /// Granted, used and committed.
    pub(super) fn numbers(&self, budget: usize) -> [i64; 3] {
        let granted = self.grants.iter().filter(|((of, _), _)| *of == budget).map(|(_, amount)| amount);
        let left = |(number, (_, ceiling, _)): (&u32, &(usize, i64, bool))| {
            (ceiling - self.paid(budget, |run| hold_of(run) == Some(*number))).max(0)
        };
        let open = self.holds.iter().filter(|(_, (of, _, is_open))| *of == budget && *is_open);
        [granted.sum(), self.paid(budget, |_| true), open.map(left).sum()]
    }

    /// What a cluster's runs took.
    pub(super) fn used_on(&self, budget: usize, cluster: &str) -> i64 {
        self.paid(budget, |run| place_of(run).0 == cluster)
    }

    pub(super) fn take(&mut self, operation: &Operation) -> Answer {
        match *operation {
            Operation::Grant(budget, key, amount) => drop(once(self.grants.insert((budget, key), amount), amount)?),
            Operation::Bind(budget) if self.bound.contains(&budget) => {}
            Operation::Bind(budget) => self.bound.push(budget),
            Operation::Enforce(budget, true) => drop(self.enforced.insert(budget)),
            Operation::Enforce(budget, false) => drop(self.enforced.remove(&budget)),
            Operation::Hold(number, budget, ceiling) => {
                if once(self.holds.get(&number).map(|(of, first, _)| (*of, *first)), (budget, ceiling))? {
                    let [granted, used, committed] = self.numbers(budget);
                    if self.enforced.contains(&budget) && ceiling > 0 && granted - used - committed < ceiling {
                        return Err("refused");
                    }
                    self.holds.insert(number, (budget, ceiling, true));
                }
            }
            Operation::Close(number) => self.holds.get_mut(&number).ok_or("unknown")?.2 = false,
            Operation::Settle(number, gpu_milli) => self.runs.entry(number).or_default().0 = gpu_milli,
        }
        self.attribute();
        Ok(())
    }
}
