//! What the runs of an import cost: each counts once, however many rows tell of it.

use ledger::{ControlTotal, SettledRun};
use model::{Charge, Price, RunKey, Unit};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// The parts of a price: GPU time, node time, and the site's charge where that is something else.
const PARTS: usize = 3;

/// What each run costs, by a digest of its key: a year of a large site is some millions of runs.
#[derive(Default)]
pub(super) struct Costs {
    runs: HashMap<u64, Cost>,
    /// The units of prices; there are a few.
    shapes: Vec<[Option<Unit>; PARTS]>,
}

#[derive(Clone, Copy)]
struct Cost {
    milli: [i64; PARTS],
    shape: u32,
}

impl Costs {
    /// Adds a reading of a run. Of several the last one counts that the books believe, so that whoever reads the same file again
    /// gets the same sums.
    pub(super) fn add(&mut self, settled: &SettledRun, is_believed: bool) {
        let key = digest(&settled.run.key);
        if self.runs.contains_key(&key) && !is_believed {
            return;
        }
        let parts = settled.price.known().map(parts).unwrap_or_default();
        let is_shape = |shape: &[Option<Unit>; PARTS]| {
            shape.iter().zip(&parts).all(|(unit, part)| unit.as_ref() == part.map(|charge| &charge.unit))
        };
        let place = self.shapes.iter().position(is_shape).unwrap_or_else(|| {
            self.shapes.push(parts.map(|part| part.map(|charge| charge.unit.clone())));
            self.shapes.len() - 1
        });
        let milli = parts.map(|part| part.map_or(0, |charge| charge.amount.milli()));
        let shape = u32::try_from(place).expect("a site has a few units");
        self.runs.insert(key, Cost { milli, shape });
    }

    /// The sums by unit, in order.
    pub(super) fn totals(&self) -> Vec<ControlTotal> {
        let mut totals = Vec::<(&Unit, u64, i128)>::new();
        for cost in self.runs.values() {
            let units = self.shapes[cost.shape as usize].iter().zip(cost.milli);
            for (unit, milli) in units.filter_map(|(unit, milli)| unit.as_ref().map(|unit| (unit, i128::from(milli)))) {
                match totals.iter_mut().find(|(known, ..)| *known == unit) {
                    Some((_, runs, sum)) => (*runs, *sum) = (*runs + 1, *sum + milli),
                    None => totals.push((unit, 1, milli)),
                }
            }
        }
        totals.sort();
        let total =
            |(unit, runs, sum): (&Unit, u64, i128)| ControlTotal { unit: unit.clone(), runs, milli: sum.to_string() };
        totals.into_iter().map(total).collect()
    }
}

fn parts(price: &Price) -> [Option<&Charge>; PARTS] {
    let Price { gpu, node, site, .. } = price;
    // A site that charges GPU time says the same thing twice.
    let is_said = |charge: &&Charge| gpu.as_ref().is_some_and(|gpu| gpu.unit == charge.unit);
    [gpu.as_ref(), node.as_ref(), site.as_ref().filter(|charge| !is_said(charge))]
}

fn digest(key: &RunKey) -> u64 {
    let mut digest = DefaultHasher::new();
    key.hash(&mut digest);
    digest.finish()
}
