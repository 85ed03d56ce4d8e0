//! What has to hold between entries, whoever made them: the replay looks at it entry by entry.

use super::agreements::Agreements;
use super::budget_change;
use super::lot_bounds::LotBounds;
use crate::{Entry, EntryKind, LedgerError};
use model::{Amount, RunKey};
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

/// What earlier entries said, as far as later ones have to agree with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invariants {
    seeds: RandomState,
    /// What may be reversed yet, by the number of its entry.
    reversible: BTreeMap<u64, u64>,
    refunded: BTreeMap<RunKey, Amount>,
    agreements: Agreements,
    lots: LotBounds,
}

impl Invariants {
    /// Takes in the next entry. `of_runs` is what runs were charged before it; `is_older` of an entry that an earlier release
    /// made. What is wrong with it.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        of_runs: &BTreeMap<RunKey, Amount>,
        is_older: bool,
    ) -> Result<Vec<String>, LedgerError> {
        let mut findings = self.lots.take(entry)?;
        if !is_older {
            findings.extend(self.agreements.take(entry)?);
        }
        let Some(run) = &entry.links.run else { return Ok(findings) };
        findings.extend(self.reversal(entry));
        if entry.kind == EntryKind::Refund {
            let refunded = self.refunded.entry(run.clone()).or_default();
            *refunded = refunded.plus(budget_change(entry)?)?;
            let charged = of_runs.get(run).copied().unwrap_or_default();
            if entry.links.reverses.is_none() && *refunded > charged {
                let (number, charged, refunded) = (entry.number, charged.milli(), refunded.milli());
                findings.push(format!(
                    "by entry {number} run {run} is charged {charged} milli, and {refunded} are given back of it"
                ));
            }
        }
        Ok(findings)
    }

    /// What is wrong at the end.
    pub(super) fn finish(&mut self, of_runs: &BTreeMap<RunKey, Amount>) -> Vec<String> {
        let mut findings = self.lots.finish();
        for (run, refunded) in &self.refunded {
            let charged = of_runs.get(run).copied().unwrap_or_default();
            if *refunded < Amount::ZERO || *refunded > charged {
                let (charged, refunded) = (charged.milli(), refunded.milli());
                findings.push(format!("run {run} is charged {charged} milli, and {refunded} are given back of it"));
            }
        }
        findings
    }

    /// A reversal moves back what another entry of the run moved, once, and nothing else.
    fn reversal(&mut self, entry: &Entry) -> Option<String> {
        let number = entry.number;
        let Some(reversed) = entry.links.reverses else {
            self.reversible.insert(number, self.print(entry, false));
            return None;
        };
        match self.reversible.remove(&reversed) {
            Some(print) if print == self.print(entry, true) => None,
            Some(_) => Some(format!("entry {number} reverses entry {reversed}, and is not its opposite")),
            None => Some(format!("entry {number} reverses entry {reversed}, which is there for no reversal any more")),
        }
    }

    fn print(&self, entry: &Entry, is_back: bool) -> u64 {
        let Entry { debit, credit, .. } = entry;
        let [from, to] = if is_back { [credit, debit] } else { [debit, credit] };
        let of = (entry.kind == EntryKind::Refund, &entry.unit, entry.amount, &entry.project, entry.effective_at);
        self.seeds.hash_one((of, from.to_string(), to.to_string(), entry.links.hold, &entry.links.run))
    }
}
