//! Replay: what the entries alone say, and whether what is stored beside them agrees.

use super::{HOUR_SECONDS, budget_change, fingerprint, spending};
use crate::{Account, Closing, Entry, EntryKind, Hold, HoldId, LedgerError, Particulars, Verification};
use model::{Amount, ProjectName, RunKey, Unit};
use std::collections::BTreeMap;
use std::fmt::Display;

type Balances = BTreeMap<(Account, Unit), Amount>;
type Hours = BTreeMap<(ProjectName, Unit), u128>;
type Totals = BTreeMap<(ProjectName, Unit, EntryKind), Amount>;

/// What is stored beside the entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) balances: Balances,
    pub(crate) totals: Totals,
    pub(crate) holds: BTreeMap<HoldId, Hold>,
    /// The fingerprint of what each budget spent hour by hour; none where a store keeps no such sums.
    pub(crate) hours: Option<Hours>,
    /// What each run in the books is charged.
    pub(crate) runs: BTreeMap<RunKey, Amount>,
    /// Whether runs are stored at all: a replica has none.
    pub(crate) has_runs: bool,
}

/// The state that a sequence of entries gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replay {
    last: u64,
    balances: Balances,
    totals: Totals,
    hours: Hours,
    holds: BTreeMap<HoldId, Hold>,
    runs: BTreeMap<RunKey, Amount>,
    findings: Vec<String>,
}

impl Replay {
    /// Takes in the next entry.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        if entry.number != self.last + 1 {
            self.findings.push(format!("entry {} follows entry {}", entry.number, self.last));
        }
        self.last = entry.number;
        if entry.amount < Amount::ZERO {
            self.findings.push(format!("entry {} has a negative amount", entry.number));
        }
        if entry.kind.moves() {
            let change = budget_change(entry)?;
            add(&mut self.balances, (entry.debit.clone(), entry.unit.clone()), entry.amount.negated()?)?;
            add(&mut self.balances, (entry.credit.clone(), entry.unit.clone()), entry.amount)?;
            add(&mut self.totals, (entry.project.clone(), entry.unit.clone(), entry.kind), change)?;
            self.add_hour(entry)?;
            if let Some(run) = &entry.links.run {
                add(&mut self.runs, run.clone(), change.negated()?)?;
            }
        }
        self.apply_to_hold(entry)
    }

    fn add_hour(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let Some(amount) = spending(entry)? else { return Ok(()) };
        let by_runs = if entry.links.run.is_some() { amount } else { Amount::ZERO };
        let print = fingerprint(entry.effective_at.epoch_seconds().div_euclid(HOUR_SECONDS), amount, by_runs);
        let sum = self.hours.entry((entry.project.clone(), entry.unit.clone())).or_default();
        *sum = sum.wrapping_add(print);
        Ok(())
    }

    fn apply_to_hold(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let Some(id) = entry.links.hold else { return Ok(()) };
        if entry.kind == EntryKind::Hold {
            if let Some(hold) = opened(entry, id)
                && self.holds.insert(id, hold).is_some()
            {
                self.findings.push(format!("entry {} opens hold {id} a second time", entry.number));
            }
            return Ok(());
        }
        let Some(hold) = self.holds.get_mut(&id) else {
            self.findings.push(format!("entry {} names hold {id}, which no entry before it opens", entry.number));
            return Ok(());
        };
        match (entry.kind, &entry.particulars) {
            (EntryKind::Amend, _) => hold.ceiling = entry.amount,
            (EntryKind::Release, Particulars::Closing { reason }) => {
                if hold.closing.is_some() {
                    self.findings.push(format!("entry {} closes hold {id} a second time", entry.number));
                }
                hold.closing = Some(Closing { reason: *reason, at: entry.recorded_at });
            }
            _ => hold.charged = hold.charged.minus(budget_change(entry)?)?,
        }
        Ok(())
    }

    /// The holds that the entries give.
    pub(crate) fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// Compares with what is stored.
    pub(crate) fn compare(mut self, stored: &Stored) -> Result<Verification, LedgerError> {
        let mut findings = std::mem::take(&mut self.findings);
        differences(&mut findings, "balance", &self.balances, &stored.balances, |(account, unit)| {
            format!("{account} in {unit}")
        });
        differences(&mut findings, "total", &self.totals, &stored.totals, |(project, unit, kind)| {
            format!("{kind} of {project} in {unit}")
        });
        if let Some(hours) = &stored.hours {
            findings.extend(other_hours(&self.hours, hours));
        }
        if stored.has_runs {
            differences(&mut findings, "charge", &self.runs, &stored.runs, |run| format!("run {run}"));
        }
        findings.extend(unbalanced(&stored.balances)?);
        for id in self.holds.keys().chain(stored.holds.keys().filter(|id| !self.holds.contains_key(id))) {
            if self.holds.get(id) != stored.holds.get(id) {
                findings.push(format!("hold {id} is stored otherwise than the entries say"));
            }
        }
        Ok(Verification {
            entries: self.last,
            balances: stored.balances.len() as u64,
            holds: stored.holds.len() as u64,
            runs: stored.runs.len() as u64,
            findings,
        })
    }
}

/// The budgets of which some hour is stored otherwise than the entries say.
fn other_hours(replayed: &Hours, stored: &Hours) -> Vec<String> {
    let of = |hours: &Hours, place| hours.get(place).copied().unwrap_or_default();
    let places = replayed.keys().chain(stored.keys().filter(|place| !replayed.contains_key(place)));
    let differing = places.filter(|place| of(replayed, place) != of(stored, place));
    let told = |(project, unit): &(ProjectName, Unit)| {
        format!("what {project} spent in {unit} by the hour is stored otherwise than the entries say")
    };
    differing.map(told).collect()
}

fn unbalanced(stored: &Balances) -> Result<Vec<String>, LedgerError> {
    let mut sums = BTreeMap::<&Unit, Amount>::new();
    for ((_, unit), amount) in stored {
        let sum = sums.entry(unit).or_default();
        *sum = sum.plus(*amount)?;
    }
    let unbalanced = sums.into_iter().filter(|(_, sum)| *sum != Amount::ZERO);
    Ok(unbalanced.map(|(unit, sum)| format!("the accounts in {unit} sum to {} milli", sum.milli())).collect())
}

fn opened(entry: &Entry, id: HoldId) -> Option<Hold> {
    let Particulars::Terms { anyway, is_provisional } = &entry.particulars else { return None };
    Some(Hold {
        id,
        project: entry.project.clone(),
        unit: entry.unit.clone(),
        first_ceiling: entry.amount,
        ceiling: entry.amount,
        charged: Amount::ZERO,
        note: entry.note.clone(),
        anyway: anyway.clone(),
        is_provisional: *is_provisional,
        opened_at: entry.recorded_at,
        opened_by: entry.actor.clone(),
        closing: None,
    })
}

fn add<K: Ord>(amounts: &mut BTreeMap<K, Amount>, key: K, amount: Amount) -> Result<(), LedgerError> {
    let sum = amounts.entry(key).or_default();
    *sum = sum.plus(amount)?;
    Ok(())
}

/// Notes every amount that differs; one that is absent on a side counts as zero there.
fn differences<K: Ord, D: Display>(
    findings: &mut Vec<String>,
    what: &str,
    replayed: &BTreeMap<K, Amount>,
    stored: &BTreeMap<K, Amount>,
    describe: impl Fn(&K) -> D,
) {
    let only_stored = stored.keys().filter(|key| !replayed.contains_key(key));
    for key in replayed.keys().chain(only_stored) {
        let amount_in = |amounts: &BTreeMap<K, Amount>| amounts.get(key).copied().unwrap_or_default().milli();
        let (ours, theirs) = (amount_in(replayed), amount_in(stored));
        if ours != theirs {
            let described = describe(key);
            findings.push(format!("the stored {what} of {described} is {theirs} milli, the entries give {ours}"));
        }
    }
}
