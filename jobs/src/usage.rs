//! `pakt usage --mine`: what accounting says one used, without ledger and configuration.

use crate::{
    error::{Gravity, JobsError},
    house::House,
    reached::scheduled,
};
use model::{AccountName, Amount, Charge, Price, Run, Unit, Window, price};
use scheduler_adapters::RunWindow;
pub use scheduler_adapters::Whose;
use serde::Serialize;
use std::collections::BTreeMap;

/// What one account's runs of one end state took in one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// Charged to.
    pub account: Option<AccountName>,
    /// How they ended, or that they run.
    pub state: String,
    /// How many.
    pub runs: u64,
    /// GPU time by unit.
    pub gpu: Option<Charge>,
    /// Node time.
    pub node: Option<Charge>,
    /// The site's own charge.
    pub site: Option<Charge>,
}

/// Usage over a window.
#[derive(Clone, Debug, Serialize)]
pub struct Usage {
    /// Over which time; runs count in full in the window in which they ended, those under way as far as they are.
    pub window: Window,
    /// The rows.
    pub rows: Vec<UsageRow>,
    /// Runs of partitions whose tariff is not known.
    pub not_priced: u64,
    /// Rows of accounting that could not be read.
    pub rejected: u64,
}

#[derive(Default)]
struct Sums {
    runs: u64,
    parts: [BTreeMap<Unit, Amount>; 3],
}

/// Sums the runs of a window by account and end state.
pub async fn usage(house: &House, window: Window, whose: Whose) -> Result<Usage, JobsError> {
    let asked = RunWindow { site: house.here.clone(), window, whose };
    let site = house.site(&house.here)?;
    let mut sums: BTreeMap<(Option<AccountName>, String), Sums> = BTreeMap::new();
    let (mut not_priced, mut failed) = (0, None);
    // A year of runs fits no memory: each is summed as it is read.
    let mut take = |run: Run| {
        if !run.ended_at.is_none_or(|ended| window.contains(ended)) {
            return;
        }
        let Some(tariff) = sites::tariff_for(site, run.partition.as_ref(), &run.allocated) else {
            not_priced += 1;
            return;
        };
        let priced = price(&run.allocated, run.elapsed, &tariff).and_then(|price| {
            sums.entry((run.account.clone(), run.state.base.as_str().to_owned())).or_default().add(&run, &price)
        });
        failed = failed.take().or(priced.err());
    };
    let answer = scheduled(house.scheduler.each_run(&asked, &mut take).await, "the usage was not read")?;
    if let Some(error) = failed {
        let what = "the usage was not summed";
        return Err(JobsError::new(Gravity::Bug, what, error.to_string(), "please report it"));
    }
    let rows = sums.into_iter().flat_map(|((account, state), sums)| sums.rows(account.as_ref(), &state)).collect();
    Ok(Usage { window, rows, not_priced, rejected: answer.rejected.len() as u64 })
}

impl Sums {
    fn add(&mut self, _run: &Run, price: &Price) -> Result<(), model::AmountError> {
        self.runs += 1;
        for (part, charge) in self.parts.iter_mut().zip([&price.gpu, &price.node, &price.site]) {
            if let Some(Charge { unit, amount }) = charge {
                let sum = part.entry(unit.clone()).or_default();
                *sum = sum.plus(*amount)?;
            }
        }
        Ok(())
    }

    /// One row, or one for each unit where a site has several.
    fn rows(self, account: Option<&AccountName>, state: &str) -> Vec<UsageRow> {
        let rows = self.parts.iter().map(BTreeMap::len).max().unwrap_or(0).max(1);
        let charge = |part: usize, row: usize| {
            self.parts[part].iter().nth(row).map(|(unit, amount)| Charge { unit: unit.clone(), amount: *amount })
        };
        (0..rows)
            .map(|row| UsageRow {
                account: account.cloned(),
                state: state.to_owned(),
                runs: if row == 0 { self.runs } else { 0 },
                gpu: charge(0, row),
                node: charge(1, row),
                site: charge(2, row),
            })
            .collect()
    }
}
