//! What has to hold between the entries of a run: nothing is given back that it is not charged, and a reversal is the opposite of
//! one earlier entry, once.

use super::budget_change;
use crate::{Entry, EntryKind, LedgerError};
use model::Amount;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::hash::{BuildHasher as _, RandomState};

/// An entry of a run, as far as later ones have to agree with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunEntry {
    pub(crate) number: u64,
    pub(crate) is_refund: bool,
    /// Whether it moves an amount at all.
    pub(crate) moves: bool,
    /// What it adds to the budget.
    pub(crate) change: Amount,
    pub(crate) reverses: Option<u64>,
    /// A digest of what it moves; of a reversal that of what it takes back.
    pub(crate) print: u64,
}

/// What runs are charged, what is given back of them and what may be reversed yet, by whatever tells runs apart.
#[derive(Clone, Debug)]
pub(crate) struct RunAgreement<K> {
    charged: BTreeMap<K, Amount>,
    refunded: BTreeMap<K, Amount>,
    reversible: BTreeMap<u64, u64>,
}

impl RunEntry {
    /// What an entry is of its run.
    pub(crate) fn of(entry: &Entry, seeds: &RandomState) -> Result<Self, LedgerError> {
        let Entry { number, kind, debit, credit, links, .. } = entry;
        let [from, to] = if links.reverses.is_some() { [credit, debit] } else { [debit, credit] };
        let is_refund = *kind == EntryKind::Refund;
        let of = (is_refund, &entry.unit, entry.amount, &entry.project, entry.effective_at);
        let print = seeds.hash_one((of, from.to_string(), to.to_string(), links.hold, &links.run));
        let change = budget_change(entry)?;
        Ok(Self { number: *number, is_refund, moves: kind.moves(), change, reverses: links.reverses, print })
    }
}

impl<K: Ord + Clone> RunAgreement<K> {
    /// Takes in the next entry of a run. What is wrong with it; `shown` says which run it is.
    pub(crate) fn take<D: Display>(
        &mut self,
        run: &K,
        entry: RunEntry,
        shown: impl Fn(&K) -> D,
    ) -> Result<Vec<String>, LedgerError> {
        if entry.moves && !entry.is_refund {
            let charged = self.charged.entry(run.clone()).or_default();
            *charged = charged.minus(entry.change)?;
        }
        let mut findings: Vec<String> = self.reversal(entry).into_iter().collect();
        if entry.is_refund {
            let refunded = self.refunded.entry(run.clone()).or_default();
            *refunded = refunded.plus(entry.change)?;
            let charged = self.charged.get(run).copied().unwrap_or_default();
            if entry.reverses.is_none() && *refunded > charged {
                let (number, charged, refunded) = (entry.number, charged.milli(), refunded.milli());
                let run = shown(run);
                findings.push(format!(
                    "by entry {number} run {run} is charged {charged} milli, and {refunded} are given back of it"
                ));
            }
        }
        Ok(findings)
    }

    /// What is wrong at the end.
    pub(crate) fn finish<D: Display>(&self, shown: impl Fn(&K) -> D) -> Vec<String> {
        let mut findings = Vec::new();
        for (run, refunded) in &self.refunded {
            let charged = self.charged.get(run).copied().unwrap_or_default();
            if *refunded < Amount::ZERO || *refunded > charged {
                let (run, charged, refunded) = (shown(run), charged.milli(), refunded.milli());
                findings.push(format!("run {run} is charged {charged} milli, and {refunded} are given back of it"));
            }
        }
        findings
    }

    /// What each run is charged.
    pub(crate) const fn charged(&self) -> &BTreeMap<K, Amount> {
        &self.charged
    }

    fn reversal(&mut self, entry: RunEntry) -> Option<String> {
        let number = entry.number;
        let Some(reversed) = entry.reverses else {
            self.reversible.insert(number, entry.print);
            return None;
        };
        match self.reversible.remove(&reversed) {
            Some(print) if print == entry.print => None,
            Some(_) => Some(format!("entry {number} reverses entry {reversed}, and is not its opposite")),
            None => Some(format!("entry {number} reverses entry {reversed}, which is there for no reversal any more")),
        }
    }
}

impl<K: Ord> Default for RunAgreement<K> {
    fn default() -> Self {
        Self { charged: BTreeMap::new(), refunded: BTreeMap::new(), reversible: BTreeMap::new() }
    }
}
