//! What a ledger must say: the rules once more, in small numbers and without entries. Balances are worked out anew each time.

use super::operation::job_of;
use crate::models::{Answer, once};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default)]
pub(super) struct ReferenceHold {
    pub(super) first_ceiling: i64,
    pub(super) ceiling: i64,
    pub(super) is_closed: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ReferenceRun {
    pub(super) read: i64,
    pub(super) price: i64,
    /// The price of its tariff, where that is not the one of the readings.
    pub(super) repriced: Option<i64>,
    pub(super) is_late: bool,
    pub(super) is_paid: bool,
    /// Whether a hold paid.
    pub(super) is_held: bool,
    /// What somebody wanted to be given back of it, whoever pays.
    pub(super) to_refund: i64,
    /// Whether the opening found its charge, and what had been given back of it by then.
    pub(super) counted: Option<i64>,
}

impl ReferenceRun {
    pub(super) fn refunded(&self) -> i64 {
        if self.is_paid { self.to_refund.min(self.price) } else { 0 }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(super) grants: BTreeMap<u32, i64>,
    /// The end of a grant that is over, in the middle of every run, and how much that was. Whatever is charged is even.
    pub(super) border: Option<i64>,
    pub(super) over: i64,
    /// By grant and amount: the same withdrawal counts once.
    pub(super) withdrawn: BTreeSet<(u32, i64)>,
    /// What was used in all by the opening, and what of it no run is charged for.
    pub(super) opening: Option<i64>,
    pub(super) opened: i64,
    /// What is left of the grant `base`, and what was passed on of it, by key.
    pub(super) base: i64,
    pub(super) delegated: BTreeMap<u32, i64>,
    pub(super) adjusted: BTreeMap<u32, i64>,
    pub(super) bindings: u64,
    pub(super) is_bound: bool,
    pub(super) is_enforced: bool,
    /// By how many percent it may be overdrawn.
    pub(super) overdraft: u32,
    pub(super) holds: BTreeMap<u32, ReferenceHold>,
    pub(super) runs: BTreeMap<u64, ReferenceRun>,
}

impl Reference {
    /// With a grant, and one that is over.
    pub(crate) fn with_border(border: Option<i64>) -> Self {
        Self { border, base: 400, over: border.map_or(0, |_| 500), ..Self::default() }
    }

    fn is_held(&self, run: u64) -> bool {
        job_of(run).is_some_and(|job| self.holds.contains_key(&job))
    }

    pub(super) fn remainder(&self, number: u32, hold: &ReferenceHold) -> i64 {
        let of_job = self.runs.iter().filter(|(run, _)| job_of(**run) == Some(number));
        let charged: i64 = of_job.filter(|(_, run)| run.is_paid).map(|(_, run)| run.price).sum();
        if hold.is_closed { 0 } else { (hold.ceiling - charged).max(0) }
    }

    /// As `Desk::numbers` gives them.
    pub(super) fn numbers(&self) -> [i64; 6] {
        let paid: i64 = self.runs.values().filter(|run| run.is_paid).map(|run| run.price - run.refunded()).sum();
        let used = paid - self.adjusted.values().sum::<i64>();
        // What is over was granted as far as it was used.
        let granted = self.in_reach() + self.over.min(paid / 2) - self.opened;
        let committed: i64 = self.holds.iter().map(|(number, hold)| self.remainder(*number, hold)).sum();
        [granted, used, 0, committed, 0, granted - used - committed]
    }

    /// What was granted and is not over.
    fn in_reach(&self) -> i64 {
        let taken = self.withdrawn.iter().map(|(_, amount)| amount).sum::<i64>() + self.delegated.values().sum::<i64>();
        self.base + self.grants.values().sum::<i64>() - taken
    }

    pub(super) fn authorise(&self, wanted: i64) -> Answer {
        let free = self.numbers()[5];
        let overdraft = (self.in_reach() * i64::from(self.overdraft)).div_euclid(100);
        let is_refused = self.is_enforced && wanted > 0 && free + overdraft < wanted;
        if is_refused { Err("refused") } else { Ok(()) }
    }

    /// Charges a run by what holds now. What is in the opening is not charged, and whatever of it was charged before the opening and
    /// is so no more goes there.
    pub(super) fn charge(&mut self, number: u64, price: i64, is_late: bool) {
        let is_held = self.is_held(number);
        let has_payer = is_held || self.is_bound;
        let is_paid = has_payer && (is_late || self.opening.is_none());
        let run = self.runs.entry(number).or_default();
        let is_same = (run.price, run.is_late, run.is_held) == (price, is_late, is_held);
        if run.is_paid && has_payer && is_same {
            return;
        }
        if let Some(refunded_before) = run.counted.take() {
            self.opened += run.price - if is_paid { refunded_before } else { run.refunded() };
        }
        *run = ReferenceRun { price, is_late, is_paid, is_held, ..run.clone() };
    }

    pub(super) fn open(&mut self, used: i64) -> Answer {
        if !once(self.opening, used)? {
            return Ok(());
        }
        let early = self.runs.values_mut().filter(|run| run.is_paid && !run.is_late);
        let known = early.map(|run| {
            run.counted = Some(run.refunded());
            run.price - run.refunded()
        });
        self.opened = used - known.sum::<i64>() + self.adjusted.values().sum::<i64>();
        self.opening = Some(used);
        if self.opened < 0 { Err("conflict") } else { Ok(()) }
    }

    pub(super) fn charge_where(&mut self, is_meant: impl Fn(u64, &ReferenceRun) -> bool) {
        let meant = self.runs.iter().filter(|(number, run)| is_meant(**number, run));
        let meant: Vec<_> = meant.map(|(number, run)| (*number, run.price, run.is_late)).collect();
        for (number, price, is_late) in meant {
            self.charge(number, price, is_late);
        }
    }
}
