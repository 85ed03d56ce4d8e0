//! What balances are made of, put to the budgets that it is of, so that none of them looks through what is the others'.

use super::unpriced::payers;
use crate::records::{BalanceParts, Spent};
use crate::{Binding, Coverage, UnpricedRuns};
use model::{Amount, ProjectName, SiteName, Timestamp, Unit};
use rustc_hash::FxHashMap;

/// The parts, by budget and by site.
pub(super) struct PartsByBudget<'a> {
    budgets: FxHashMap<(&'a ProjectName, &'a Unit), BudgetParts<'a>>,
    readings: FxHashMap<&'a SiteName, Vec<&'a Coverage>>,
    /// The runs without a price that a project would pay for at a site.
    unpriced: FxHashMap<(&'a ProjectName, &'a SiteName), Vec<&'a UnpricedRuns>>,
}

/// What is of one budget alone.
#[derive(Clone, Debug, Default)]
pub(super) struct BudgetParts<'a> {
    /// At each of its borders, in order.
    pub(super) spent: Vec<&'a Spent>,
    pub(super) recent: Amount,
    /// When what was used before the ledger began had been used.
    pub(super) opened: Option<Timestamp>,
    pub(super) bindings: Vec<&'a Binding>,
}

/// Of a budget that nothing is said of.
const NOTHING: &BudgetParts<'static> =
    &BudgetParts { spent: Vec::new(), recent: Amount::ZERO, opened: None, bindings: Vec::new() };

impl<'a> PartsByBudget<'a> {
    pub(super) fn of(parts: &'a BalanceParts) -> Self {
        let mut budgets = FxHashMap::<_, BudgetParts<'a>>::default();
        for spent in &parts.spent {
            budgets.entry((&spent.project, &spent.unit)).or_default().spent.push(spent);
        }
        for recent in &parts.recent {
            budgets.entry((&recent.project, &recent.unit)).or_default().recent = recent.amount;
        }
        for (project, unit, as_of) in &parts.openings {
            budgets.entry((project, unit)).or_default().opened.get_or_insert(*as_of);
        }
        for binding in &parts.bindings {
            budgets.entry((&binding.project, &binding.unit)).or_default().bindings.push(binding);
        }
        let mut readings = FxHashMap::<_, Vec<_>>::default();
        for reading in &parts.coverage {
            readings.entry(&reading.site).or_default().push(reading);
        }
        let mut unpriced = FxHashMap::<_, Vec<_>>::default();
        for runs in &parts.unpriced {
            for project in payers(runs, &parts.bindings) {
                unpriced.entry((project, &runs.site)).or_default().push(runs);
            }
        }
        Self { budgets, readings, unpriced }
    }

    pub(super) fn budget<'b>(&'b self, project: &'b ProjectName, unit: &'b Unit) -> &'b BudgetParts<'a> {
        self.budgets.get(&(project, unit)).unwrap_or(NOTHING)
    }

    /// What was read at a site.
    pub(super) fn readings(&self, site: &SiteName) -> &[&'a Coverage] {
        self.readings.get(site).map_or(&[], Vec::as_slice)
    }

    /// The runs without a price that a project would pay for at a site.
    pub(super) fn unpriced<'b>(&'b self, project: &'b ProjectName, site: &'b SiteName) -> &'b [&'a UnpricedRuns] {
        self.unpriced.get(&(project, site)).map_or(&[], Vec::as_slice)
    }
}
