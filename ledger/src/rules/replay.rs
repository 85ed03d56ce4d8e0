//! Replay: what the entries alone say, and whether what is stored beside them agrees.

use super::invariants::Invariants;
use super::run_agreement::{RunAgreement, RunEntry};
use super::{budget_change, hour_print, spending};
use crate::{Account, Closing, Entry, EntryKind, Hold, HoldId, LedgerError, Particulars, Verification};
use model::{Amount, ProjectName, RunKey, Timestamp, Unit};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::hash::RandomState;

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
    /// So many entries were made by an earlier release, which recorded them by whatever clocks there were.
    older: u64,
    last: u64,
    recorded_at: Option<Timestamp>,
    balances: Balances,
    totals: Totals,
    hours: Hours,
    holds: BTreeMap<HoldId, Hold>,
    runs: RunAgreement<RunKey>,
    seeds: RandomState,
    invariants: Invariants,
    findings: Vec<String>,
}

/// What entries that are alike have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Movement<'a> {
    pub(crate) kind: EntryKind,
    pub(crate) unit: &'a Unit,
    pub(crate) debit: &'a Account,
    pub(crate) credit: &'a Account,
    pub(crate) project: &'a ProjectName,
}

impl Movement<'_> {
    /// Whether it adds to a budget (1), takes from one (-1), or neither.
    pub(crate) const fn budget_sign(&self) -> i64 {
        match (self.debit, self.credit) {
            _ if !self.kind.moves() => 0,
            (_, Account::Budget(_)) => 1,
            (Account::Budget(_), _) => -1,
            _ => 0,
        }
    }
}

impl Replay {
    /// Begins with a ledger of which an earlier release made so many entries.
    pub(crate) fn after(older: u64) -> Self {
        Self { older, ..Self::default() }
    }

    /// Takes in the next entry.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        self.apply_without_runs(entry)?;
        if let Some(run) = &entry.links.run {
            let found = self.runs.take(run, RunEntry::of(entry, &self.seeds)?, Clone::clone)?;
            self.findings.extend(found);
        }
        Ok(())
    }

    /// The same, where what has to hold between the entries of runs is looked at elsewhere: nothing is kept of runs.
    pub(crate) fn apply_without_runs(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        self.follow(entry.number, entry.amount, entry.recorded_at);
        if entry.kind.moves() {
            let Entry { kind, unit, debit, credit, project, amount, .. } = entry;
            self.move_amount(Movement { kind: *kind, unit, debit, credit, project }, *amount)?;
            if let Some(spent) = spending(entry)? {
                let by_runs = if entry.links.run.is_some() { spent } else { Amount::ZERO };
                self.spend(project, unit, hour_print(entry.effective_at, spent, by_runs));
            }
        }
        let is_older = entry.number <= self.older;
        self.findings.extend(self.invariants.take(entry, is_older)?);
        self.apply_to_hold(entry)
    }

    /// Looks at the order of an entry; whoever takes in many entries alike at once calls this for each.
    pub(crate) fn follow(&mut self, number: u64, amount: Amount, recorded_at: Timestamp) {
        if number != self.last + 1 {
            self.findings.push(format!("entry {number} follows entry {}", self.last));
        }
        self.last = number;
        if amount < Amount::ZERO {
            self.findings.push(format!("entry {number} has a negative amount"));
        }
        if let Some(before) = self.recorded_at.replace(recorded_at)
            && before > recorded_at
            && number > self.older
        {
            self.findings.push(format!("entry {number} was recorded at {recorded_at}, the one before it at {before}"));
        }
    }

    /// The same for entries that follow each other, none with a negative amount or an earlier time than the one before it:
    /// numbers and times of the first and the last one.
    pub(crate) fn follow_all(&mut self, first: (u64, Timestamp), last: (u64, Timestamp)) {
        self.follow(first.0, Amount::ZERO, first.1);
        (self.last, self.recorded_at) = (last.0, Some(last.1));
    }

    /// Moves an amount between accounts: of one entry, or the sum of many that are alike.
    pub(crate) fn move_amount(&mut self, movement: Movement<'_>, amount: Amount) -> Result<(), LedgerError> {
        let Movement { kind, unit, debit, credit, project } = movement;
        add(&mut self.balances, (debit.clone(), unit.clone()), amount.negated()?)?;
        add(&mut self.balances, (credit.clone(), unit.clone()), amount)?;
        let change = match movement.budget_sign() {
            1 => amount,
            -1 => amount.negated()?,
            _ => Amount::ZERO,
        };
        add(&mut self.totals, (project.clone(), unit.clone(), kind), change)
    }

    /// Adds to the fingerprint of a budget's hours: of one entry, or the sum of many.
    pub(crate) fn spend(&mut self, project: &ProjectName, unit: &Unit, print: u128) {
        let sum = self.hours.entry((project.clone(), unit.clone())).or_default();
        *sum = sum.wrapping_add(print);
    }

    /// Takes what a run's entry added to the budget from its hold.
    pub(crate) fn draw(&mut self, number: u64, id: HoldId, change: Amount) -> Result<(), LedgerError> {
        match self.holds.get_mut(&id) {
            Some(hold) => hold.charged = hold.charged.minus(change)?,
            None => self.findings.push(format!("entry {number} names hold {id}, which no entry before it opens")),
        }
        Ok(())
    }

    /// Takes in what an entry says of its hold.
    pub(crate) fn apply_to_hold(&mut self, entry: &Entry) -> Result<(), LedgerError> {
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

    /// What the entries of each kind add up to.
    pub(crate) fn totals(&self) -> impl Iterator<Item = (&(ProjectName, Unit, EntryKind), &Amount)> {
        self.totals.iter()
    }

    /// The holds that the entries give.
    pub(crate) fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// What the entries alone show, where nothing is stored beside them; `runs` were counted elsewhere.
    pub(crate) fn into_verification(self, runs: u64) -> Verification {
        let Self { last: entries, mut findings, balances, holds, mut invariants, .. } = self;
        findings.extend(invariants.finish());
        let [balances, holds] = [balances.len(), holds.len()].map(|count| count as u64);
        Verification { entries, balances, holds, runs, findings, log: None }
    }

    /// Compares with what is stored.
    pub(crate) fn compare(mut self, stored: &Stored) -> Result<Verification, LedgerError> {
        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(self.invariants.finish());
        findings.extend(self.runs.finish(Clone::clone));
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
            differences(&mut findings, "charge", self.runs.charged(), &stored.runs, |run| format!("run {run}"));
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
            log: None,
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
    let Particulars::Terms { anyway, is_provisional, expected } = &entry.particulars else { return None };
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
        expected: *expected,
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
