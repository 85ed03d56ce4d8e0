//! What the runs of an import cost: each counts once, however many rows tell of it.

use super::spilled_costs::SpilledCosts;
use ledger::{ControlTotal, SettledRun};
use model::{Charge, Price, RunKey, Unit};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    io, mem,
};

/// The parts of a price: GPU time, node time, and the site's charge where that is something else.
pub(super) const PARTS: usize = 3;

/// So many runs are kept in memory; what is read of more goes into files.
const MOST_AT_ONCE: usize = 100_000;

type Shape = [Option<Unit>; PARTS];

/// What each run costs, by a digest of its key. A year of a large site is some millions of runs, and the memory of an
/// import does not grow with them.
#[derive(Default)]
pub(super) struct Costs {
    runs: HashMap<u64, Cost>,
    spilled: Option<SpilledCosts>,
    /// The units of prices; there are a few.
    shapes: Vec<Shape>,
}

/// What a run costs, in thousandths, and where its units stand among the shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) milli: [i64; PARTS],
    pub(super) shape: u32,
}

/// What one row says of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The digest of its key.
    pub(super) run: u64,
    pub(super) cost: Cost,
    /// Whether the books believe it.
    pub(super) is_believed: bool,
}

impl Costs {
    /// Adds a reading of a run. Of several the last one counts that the books believe, so that whoever reads the same file again
    /// gets the same sums.
    pub(super) fn add(&mut self, settled: &SettledRun, is_believed: bool) -> io::Result<()> {
        let parts = settled.price.known().map(parts).unwrap_or_default();
        let is_shape = |shape: &Shape| {
            shape.iter().zip(&parts).all(|(unit, part)| unit.as_ref() == part.map(|charge| &charge.unit))
        };
        let place = self.shapes.iter().position(is_shape).unwrap_or_else(|| {
            self.shapes.push(parts.map(|part| part.map(|charge| charge.unit.clone())));
            self.shapes.len() - 1
        });
        let milli = parts.map(|part| part.map_or(0, |charge| charge.amount.milli()));
        let shape = u32::try_from(place).expect("a site has a few units");
        self.keep(Reading { run: digest(&settled.run.key), cost: Cost { milli, shape }, is_believed }, MOST_AT_ONCE)
    }

    fn keep(&mut self, reading: Reading, most: usize) -> io::Result<()> {
        if let Some(spilled) = &mut self.spilled {
            return spilled.add(&reading);
        }
        keep_in(&mut self.runs, reading);
        if self.runs.len() > most {
            let spilled = self.spilled.insert(SpilledCosts::new()?);
            for (run, cost) in mem::take(&mut self.runs) {
                spilled.add(&Reading { run, cost, is_believed: true })?;
            }
        }
        Ok(())
    }

    /// The sums by unit, in order.
    pub(super) fn totals(&mut self) -> io::Result<Vec<ControlTotal>> {
        let mut sums = vec![(0, [0; PARTS]); self.shapes.len()];
        add_up(&mut sums, &self.runs);
        if let Some(spilled) = &mut self.spilled {
            spilled.each_part(|readings| {
                let mut runs = HashMap::new();
                for reading in readings {
                    keep_in(&mut runs, reading?);
                }
                add_up(&mut sums, &runs);
                Ok(())
            })?;
        }
        Ok(by_unit(&self.shapes, &sums))
    }
}

/// Of one run the last reading stays that the books believe, or the first one.
fn keep_in(runs: &mut HashMap<u64, Cost>, reading: Reading) {
    if reading.is_believed || !runs.contains_key(&reading.run) {
        runs.insert(reading.run, reading.cost);
    }
}

/// Adds runs to the count and the sums of their shape.
fn add_up(sums: &mut [(u64, [i128; PARTS])], runs: &HashMap<u64, Cost>) {
    for cost in runs.values() {
        let (count, sum) = &mut sums[cost.shape as usize];
        *count += 1;
        for (sum, milli) in sum.iter_mut().zip(cost.milli) {
            *sum += i128::from(milli);
        }
    }
}

fn by_unit(shapes: &[Shape], sums: &[(u64, [i128; PARTS])]) -> Vec<ControlTotal> {
    let mut totals = BTreeMap::<&Unit, (u64, i128)>::new();
    for (shape, (count, sum)) in shapes.iter().zip(sums).filter(|(_, (count, _))| *count > 0) {
        for (unit, milli) in shape.iter().zip(sum) {
            let Some(unit) = unit else { continue };
            let total = totals.entry(unit).or_default();
            *total = (total.0 + count, total.1 + milli);
        }
    }
    let total = |(unit, (runs, milli)): (&Unit, (u64, i128))| ControlTotal {
        unit: unit.clone(),
        runs,
        milli: milli.to_string(),
    };
    totals.into_iter().map(total).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some() -> Costs {
        let unit = |text: &str| Some(text.parse().expect("a unit"));
        Costs {
            shapes: vec![[unit("jupiter:gh200"), None, None], [unit("jupiter:gh200"), unit("jupiter:node"), None]],
            ..Costs::default()
        }
    }

    proptest! {
        // Digests are spread over all of 64 bits, as those of keys are.
        #[test]
        fn sums_are_the_same_however_few_runs_are_kept_in_memory(
            rows in prop::collection::vec((0_u64..50, -5_i64..1_000_000, 0_u32..2, any::<bool>()), 0..300),
            most in 0_usize..60,
        ) {
            let (mut all_kept, mut few_kept) = (some(), some());
            for (run, milli, shape, is_believed) in rows {
                let cost = Cost { milli: [milli, milli / 2 * i64::from(shape), 0], shape };
                let reading = Reading { run: run.wrapping_mul(0x9e37_79b9_7f4a_7c15), cost, is_believed };
                all_kept.keep(reading, usize::MAX).expect("no file is touched");
                few_kept.keep(reading, most).expect("written");
                prop_assert!(few_kept.runs.len() <= most);
            }
            let expected = all_kept.totals().expect("no file is touched");
            prop_assert_eq!(few_kept.totals().expect("read"), &*expected);
            prop_assert_eq!(few_kept.totals().expect("read once more"), expected);
        }
    }
}
