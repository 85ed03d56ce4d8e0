//! Balances of the past: what entries alone say, as far as they were known then.

use super::replay::{Movement, Replay};
use super::{HOUR_SECONDS, LotError, Terms, spending, spending_over};
use crate::records::{BalanceParts, Recent, Result, Spent, Total};
use crate::{Binding, Budget, Coverage, Entry, EntryKind, UnpricedRuns};
use model::{Amount, Piece, ProjectName, Timestamp, Unit, Window, split_at};
use std::collections::BTreeMap;

type Place = (ProjectName, Unit);

/// What the keys of entries begin with that open a budget; those that take the place of charges in an opening have others.
pub(crate) const OPENING: &str = "opening:";

/// Whose runs the books could have then.
pub(crate) struct Sight {
    pub(crate) bindings: Vec<Binding>,
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) unpriced: Vec<UnpricedRuns>,
}

/// Adds entries up, one after the other. What ran and waited is no entry, and nobody knows it of the past.
pub(crate) struct Past {
    terms: Vec<Terms>,
    /// For each of the terms the borders of its lots, and what was spent up to each.
    cuts: BTreeMap<Place, (Vec<Timestamp>, Vec<Amount>)>,
    recent: BTreeMap<Place, Amount>,
    openings: Vec<(ProjectName, Unit, Timestamp)>,
    replay: Replay,
    now: Timestamp,
}

impl Past {
    /// Begins, for an instant.
    pub(crate) fn new(terms: Vec<Terms>, now: Timestamp) -> Result<Self> {
        let mut cuts = BTreeMap::new();
        for budget in &terms {
            let borders = budget.cuts(now)?;
            let sums = vec![Amount::ZERO; borders.len()];
            cuts.insert((budget.project.clone(), budget.unit.clone()), (borders, sums));
        }
        Ok(Self { terms, cuts, recent: BTreeMap::new(), openings: Vec::new(), replay: Replay::default(), now })
    }

    /// Takes in the next entry.
    pub(crate) fn add(&mut self, entry: &Entry) -> Result<()> {
        if entry.kind.moves() {
            let Entry { kind, unit, debit, credit, project, amount, .. } = entry;
            self.replay.move_amount(Movement { kind: *kind, unit, debit, credit, project }, *amount)?;
        }
        self.replay.apply_to_hold(entry)?;
        if entry.kind == EntryKind::Opening && entry.key.as_ref().is_some_and(|key| key.starts_with(OPENING)) {
            self.openings.push(opened(entry.clone()));
        }
        let Some(spent) = spending(entry)? else { return Ok(()) };
        let place = (entry.project.clone(), entry.unit.clone());
        if let Some((borders, sums)) = self.cuts.get_mut(&place) {
            for Piece { window, amount } in pieces(entry, spent, borders)? {
                let at = borders.partition_point(|border| *border <= window.from);
                if let Some(sum) = sums.get_mut(at) {
                    *sum = sum.plus(amount)?;
                }
            }
        }
        let since = self.now.plus_seconds(-Budget::RECENT_SECONDS).epoch_seconds().div_euclid(HOUR_SECONDS);
        let hour = entry.effective_at.epoch_seconds().div_euclid(HOUR_SECONDS);
        if entry.links.run.is_some() && since <= hour {
            let sum = self.recent.entry(place).or_default();
            *sum = sum.plus(spent)?;
        }
        Ok(())
    }

    /// The budgets that come out.
    pub(crate) fn budgets(self, enforced: Vec<Place>, sight: Sight) -> std::result::Result<Vec<Budget>, LotError> {
        let total = |((project, unit, kind), amount): (&(ProjectName, Unit, EntryKind), &Amount)| Total {
            project: project.clone(),
            unit: unit.clone(),
            kind: *kind,
            amount: *amount,
        };
        let mut spent = Vec::new();
        for ((project, unit), (borders, sums)) in &self.cuts {
            spent.extend(borders.iter().zip(sums).map(|(until, amount)| Spent {
                project: project.clone(),
                unit: unit.clone(),
                until: *until,
                amount: *amount,
            }));
        }
        let recent = self.recent.into_iter().map(|((project, unit), amount)| Recent { project, unit, amount });
        let parts = BalanceParts {
            totals: self.replay.totals().map(total).collect(),
            terms: self.terms,
            spent,
            recent: recent.collect(),
            holds: self.replay.holds().cloned().collect(),
            enforced,
            bindings: sight.bindings,
            coverage: sight.coverage,
            unpriced: sight.unpriced,
            openings: self.openings,
            ..BalanceParts::default()
        };
        super::budgets(&parts, self.now)
    }
}

/// What an entry took, by the borders between which it did.
fn pieces(entry: &Entry, spent: Amount, borders: &[Timestamp]) -> Result<Vec<Piece>> {
    let (from, to) = (entry.effective_at, entry.effective_at);
    let (amount, over) = spending_over(entry)?.unwrap_or((spent, Window { from, to }));
    Ok(split_at(amount, over, borders).map_err(LotError::from)?)
}

/// Whose opening an entry is, and when what was before it had been used.
pub(crate) fn opened(entry: Entry) -> (ProjectName, Unit, Timestamp) {
    (entry.project, entry.unit, entry.effective_at)
}
