//! `pakt usage --mine`: what accounting says one used, without ledger and configuration.

use crate::{
    error::JobsError,
    house::House,
    reached::scheduled,
    settle::{months, price_of},
};
use async_trait::async_trait;
use ledger::RunPrice;
use model::{AccountName, Amount, AmountError, Charge, Price, Run, Unit, Window};
pub use scheduler_adapters::Whose;
use scheduler_adapters::{RejectedRow, RunTaker, RunWindow};
use serde::Serialize;
use sites::Site;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

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
    /// Runs that could not be counted: their partition's tariff is not known, or their row makes no sense.
    pub not_priced: u64,
    /// Rows of accounting that could not be read.
    pub rejected: u64,
}

#[derive(Default)]
struct Sums {
    runs: u64,
    parts: [BTreeMap<Unit, Amount>; 3],
}

/// The sums so far, and what could not be summed.
#[derive(Default)]
struct Summing {
    sums: BTreeMap<(Option<AccountName>, String), Sums>,
    not_priced: u64,
    /// Unreadable rows, each once, by a digest: one may lie in several months.
    rejected: BTreeSet<u64>,
}

/// Sums the runs that count in one month.
struct OfMonth<'a> {
    site: &'a Site,
    month: Window,
    /// A run under way is in every month since its start: it counts in the last.
    is_last: bool,
    summing: &'a mut Summing,
}

#[async_trait]
impl RunTaker for OfMonth<'_> {
    fn learn_fields(&mut self, _: &[String]) {}

    async fn take(&mut self, run: Run) {
        if run.ended_at.map_or(self.is_last, |ended| self.month.contains(ended)) {
            self.summing.add(self.site, &run);
        }
    }

    fn reject(&mut self, row: RejectedRow) {
        let mut digest = DefaultHasher::new();
        row.raw.hash(&mut digest);
        self.summing.rejected.insert(digest.finish());
    }
}

/// Sums the runs of a window by account and end state. Accounting is asked month by month, and no run is kept:
/// each is summed as it is read.
pub async fn usage(house: &House, window: Window, whose: Whose) -> Result<Usage, JobsError> {
    let site = house.site(&house.here)?;
    let mut summing = Summing::default();
    for month in months(window) {
        let asked = RunWindow { site: house.here.clone(), window: month, whose: whose.clone() };
        let is_last = month.to == window.to;
        let mut of_month = OfMonth { site, month, is_last, summing: &mut summing };
        scheduled(house.scheduler.each_run(&asked, &mut of_month).await, "the usage was not read")?;
    }
    let Summing { sums, not_priced, rejected } = summing;
    let rows = sums.into_iter().flat_map(|((account, state), sums)| sums.rows(account.as_ref(), &state)).collect();
    Ok(Usage { window, rows, not_priced, rejected: rejected.len() as u64 })
}

impl Summing {
    /// Adds a run; one that has no price, contradicts itself or does not fit is counted as not priced and changes no sum.
    fn add(&mut self, site: &Site, run: &Run) {
        let price = match price_of(site, run) {
            RunPrice::Known(price) if run.contradiction().is_none() => price,
            _ => {
                self.not_priced += 1;
                return;
            }
        };
        let sums = self.sums.entry((run.account.clone(), state_of(run))).or_default();
        match sums.with(&price) {
            Ok(parts) => *sums = Sums { runs: sums.runs + 1, parts },
            Err(AmountError::Overflow | AmountError::NotHours(_)) => self.not_priced += 1,
        }
    }
}

/// How a run ended, or where it stands.
fn state_of(run: &Run) -> String {
    let word = if run.ended_at.is_some() { run.state.end().as_str() } else { run.state.base.as_str() };
    word.to_owned()
}

impl Sums {
    fn with(&self, price: &Price) -> Result<[BTreeMap<Unit, Amount>; 3], AmountError> {
        let mut parts = self.parts.clone();
        for (part, charge) in parts.iter_mut().zip([&price.gpu, &price.node, &price.site]) {
            if let Some(Charge { unit, amount }) = charge {
                let sum = part.entry(unit.clone()).or_default();
                *sum = sum.plus(*amount)?;
            }
        }
        Ok(parts)
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
