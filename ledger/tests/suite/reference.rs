//! Operations of people and machines, and what a ledger must say after them: the rules once more, in small numbers and without
//! entries. Balances are worked out anew each time.

use crate::support::*;
use ledger::{
    Adjust, AmendHold, Command, Delegate, NewCeiling, Reattribute, Refund, RunPrice, SettledRun, Soft, Unbind, Withdraw,
};
use model::{Price, TariffId, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a command does, in small numbers. Runs 0 to 2 have no stamp, the others that of a job.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Grant(u32, i64),
    /// So much was used in all by [`OPENED_UNTIL`].
    Open(i64),
    Withdraw(u32, i64),
    /// Passes time of the grant `base` on.
    Delegate(u32, i64),
    Expire,
    Bind,
    Unbind,
    Reattribute,
    Enforce(bool),
    /// A policy by which the budget may be overdrawn, by so many percent.
    Soft(u32),
    Hold(u32, i64),
    Amend(u32, i64),
    Settle {
        run: u64,
        price: i64,
        read: i64,
    },
    Reprice(u64, i64),
    Refund(u64, Option<i64>),
    Adjust(u32, i64),
    Close(u32),
}

pub(crate) const JOBS: u32 = 3;

fn job_of(run: u64) -> Option<u32> {
    (run > 2).then(|| u32::try_from(run % u64::from(JOBS)).expect("small"))
}

/// Up to when the opening says what was used.
pub(crate) const OPENED_UNTIL: i64 = NOW + 120;

/// Whether the end of a run is another one with another price. No tariff is ever mended for such a run.
pub(crate) const fn has_two_ends(run: u64) -> bool {
    run % 4 == 1
}

/// Whether it ended after the opening.
const fn is_late(run: u64, price: i64) -> bool {
    if has_two_ends(run) { price % 4 == 2 } else { run % 4 == 3 }
}

/// Where a border is said, half of it was before that, and half behind it.
fn run_of(run: u64, price: i64, border: Option<i64>) -> SettledRun {
    let mut settled = job_of(run).map_or_else(|| foreign(run, price), |job| ours(run, price, job));
    match border {
        Some(border) => (settled.run.started_at, settled.run.ended_at) = (at(border - 50), Some(at(border + 50))),
        None if is_late(run, price) => settled = ended(settled, OPENED_UNTIL + 1),
        None => {}
    }
    settled
}

impl Operation {
    /// The command that does it to a ledger of which the reference says this.
    pub(crate) fn command(&self, reference: &Reference) -> Command {
        match *self {
            Self::Grant(key, amount) => grant(&key.to_string(), amount),
            Self::Open(used) => Command::Opening(new_opening(used, OPENED_UNTIL)),
            Self::Withdraw(key, amount) => Command::Withdraw(Withdraw {
                key: format!("{key}/{amount}"),
                grant: key.to_string(),
                project: atlas(),
                amount: Some(milli(amount)),
                reason: "mistyped".to_owned(),
            }),
            Self::Delegate(key, amount) => Command::Delegate(Delegate {
                key: key.to_string(),
                from: atlas(),
                grant: "base".to_owned(),
                to: name("borealis"),
                amount: milli(amount),
                reason: "vision".to_owned(),
            }),
            Self::Expire => Command::Expire(None),
            Self::Bind => Command::Bind(binding()),
            Self::Unbind => Command::Unbind(Unbind { number: reference.bindings, to: at(0) }),
            Self::Reattribute => {
                let window = Window { from: at(0), to: at(NOW + 1000) };
                Command::Reattribute(Reattribute { site: name("jupiter"), window })
            }
            Self::Enforce(is_enforced) => enforce(is_enforced),
            Self::Soft(percent) => set_policy(Soft::new(100 + percent).expect("in range")),
            Self::Hold(number, ceiling) => hold(number, ceiling),
            Self::Amend(number, ceiling) => {
                let ceiling = NewCeiling::Wanted(milli(ceiling));
                Command::Amend(AmendHold { id: hold_id(number), ceiling })
            }
            Self::Settle { run, price, read } => settle(read_at(run_of(run, price, reference.border), read)),
            // Of two tariffs of one date that with the greater digest counts: here, that which charges more.
            Self::Reprice(run, gpu_milli) => {
                let tariff = TariffId(format!("jupiter/booster/2026-11@{gpu_milli:04}"));
                let price = RunPrice::Known(Price { tariff, ..price(gpu_milli) });
                Command::Reprice(Arc::new(SettledRun { price, ..run_of(run, gpu_milli, reference.border) }))
            }
            Self::Refund(run, amount) => Command::Refund(Refund {
                run: run_key(run),
                amount: amount.map(milli),
                reason: "node failed".to_owned(),
            }),
            Self::Adjust(key, amount) => Command::Adjust(Adjust {
                key: key.to_string(),
                project: atlas(),
                unit: gh200(),
                amount: milli(amount),
                at: at(NOW),
                reason: "counted twice by the site".to_owned(),
            }),
            Self::Close(number) => close(number),
        }
    }
}

#[derive(Clone, Default)]
struct ReferenceHold {
    first_ceiling: i64,
    ceiling: i64,
    is_closed: bool,
}

#[derive(Clone, Default)]
struct ReferenceRun {
    read: i64,
    price: i64,
    /// The price of its tariff, where that is not the one of the readings.
    repriced: Option<i64>,
    is_late: bool,
    is_paid: bool,
    /// Whether a hold paid.
    is_held: bool,
    /// What somebody wanted to be given back of it, whoever pays.
    to_refund: i64,
    /// Whether the opening found its charge, and what had been given back of it by then.
    counted: Option<i64>,
}

impl ReferenceRun {
    fn refunded(&self) -> i64 {
        if self.is_paid { self.to_refund.min(self.price) } else { 0 }
    }
}

#[derive(Clone, Default)]
pub(crate) struct Reference {
    pub(crate) grants: BTreeMap<u32, i64>,
    /// The end of a grant that is over, in the middle of every run, and how much that was. Whatever is charged is even.
    pub(crate) border: Option<i64>,
    pub(crate) over: i64,
    /// By grant and amount: the same withdrawal counts once.
    withdrawn: BTreeSet<(u32, i64)>,
    /// What was used in all by the opening, and what of it no run is charged for.
    opening: Option<i64>,
    opened: i64,
    /// What is left of the grant `base`, and what was passed on of it, by key.
    pub(crate) base: i64,
    delegated: BTreeMap<u32, i64>,
    adjusted: BTreeMap<u32, i64>,
    bindings: u64,
    is_bound: bool,
    is_enforced: bool,
    /// By how many percent it may be overdrawn.
    overdraft: u32,
    holds: BTreeMap<u32, ReferenceHold>,
    runs: BTreeMap<u64, ReferenceRun>,
}

type Answer = Result<(), &'static str>;

fn once(known: Option<i64>, amount: i64) -> Result<bool, &'static str> {
    match known {
        None => Ok(true),
        Some(known) if known == amount => Ok(false),
        Some(_) => Err("conflict"),
    }
}

impl Reference {
    fn is_held(&self, run: u64) -> bool {
        job_of(run).is_some_and(|job| self.holds.contains_key(&job))
    }

    fn remainder(&self, number: u32, hold: &ReferenceHold) -> i64 {
        let of_job = self.runs.iter().filter(|(run, _)| job_of(**run) == Some(number));
        let charged: i64 = of_job.filter(|(_, run)| run.is_paid).map(|(_, run)| run.price).sum();
        if hold.is_closed { 0 } else { (hold.ceiling - charged).max(0) }
    }

    /// As `Desk::numbers` gives them.
    pub(crate) fn numbers(&self) -> [i64; 6] {
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

    fn authorise(&self, wanted: i64) -> Answer {
        let free = self.numbers()[5];
        let overdraft = (self.in_reach() * i64::from(self.overdraft)).div_euclid(100);
        let is_refused = self.is_enforced && wanted > 0 && free + overdraft < wanted;
        if is_refused { Err("refused") } else { Ok(()) }
    }

    /// Charges a run by what holds now. What is in the opening is not charged, and whatever of it was charged before the opening and
    /// is so no more goes there.
    fn charge(&mut self, number: u64, price: i64, is_late: bool) {
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

    fn open(&mut self, used: i64) -> Answer {
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

    fn charge_where(&mut self, is_meant: impl Fn(u64, &ReferenceRun) -> bool) {
        let meant = self.runs.iter().filter(|(number, run)| is_meant(**number, run));
        let meant: Vec<_> = meant.map(|(number, run)| (*number, run.price, run.is_late)).collect();
        for (number, price, is_late) in meant {
            self.charge(number, price, is_late);
        }
    }

    pub(crate) fn apply(&mut self, operation: &Operation) -> Answer {
        match *operation {
            Operation::Open(used) => self.open(used)?,
            Operation::Grant(key, amount) => drop(once(self.grants.insert(key, amount), amount)?),
            Operation::Withdraw(key, amount) if !self.withdrawn.contains(&(key, amount)) => {
                let before: i64 = self.withdrawn.iter().filter(|(of, _)| *of == key).map(|(_, amount)| amount).sum();
                if amount > self.grants.get(&key).ok_or("invalid")? - before {
                    return Err("conflict");
                }
                self.withdrawn.insert((key, amount));
            }
            Operation::Delegate(key, amount) => {
                let most = self.numbers()[5].min(self.base - self.delegated.values().sum::<i64>());
                if once(self.delegated.insert(key, amount), amount)? && amount > most {
                    return Err("conflict");
                }
            }
            // Whatever is over is not granted any more, posted or not.
            Operation::Withdraw(..) | Operation::Expire => {}
            Operation::Bind => {
                self.bindings += u64::from(!self.is_bound);
                self.is_bound = true;
                self.charge_where(|_, run| !run.is_paid);
            }
            Operation::Unbind if self.bindings == 0 => return Err("invalid"),
            Operation::Unbind => self.is_bound = false,
            Operation::Reattribute => self.charge_where(|_, _| true),
            Operation::Enforce(is_enforced) => self.is_enforced = is_enforced,
            Operation::Soft(percent) => self.overdraft = percent,
            Operation::Hold(number, ceiling) => {
                if once(self.holds.get(&number).map(|hold| hold.first_ceiling), ceiling)? {
                    self.authorise(ceiling)?;
                    self.holds.insert(number, ReferenceHold { first_ceiling: ceiling, ceiling, is_closed: false });
                    self.charge_where(|run, _| job_of(run) == Some(number));
                }
            }
            Operation::Amend(number, ceiling) => {
                let hold = self.holds.get(&number).ok_or("unknown")?.clone();
                let amended = ReferenceHold { ceiling, ..hold.clone() };
                if hold.is_closed && hold.ceiling != ceiling {
                    return Err("conflict");
                }
                self.authorise(self.remainder(number, &amended) - self.remainder(number, &hold))?;
                self.holds.insert(number, amended);
            }
            Operation::Settle { run, price, read } => {
                let nothing = ReferenceRun { read: i64::MIN, price: -1, ..ReferenceRun::default() };
                let known = self.runs.get(&run).cloned().unwrap_or(nothing);
                if known.price != price {
                    if known.repriced.is_some() || known.read > read {
                        return Ok(());
                    }
                    self.charge(run, price, self.border.is_none() && is_late(run, price));
                }
                self.runs.entry(run).or_default().read = known.read.max(read);
            }
            Operation::Reprice(run, price) => {
                let Some(known) = self.runs.get_mut(&run) else { return Ok(()) };
                if known.price != price && known.repriced.is_none_or(|before| before < price) {
                    known.repriced = Some(price);
                    let is_late = known.is_late;
                    self.charge(run, price, is_late);
                }
            }
            Operation::Refund(run, amount) => {
                let known = self.runs.get_mut(&run).ok_or("invalid")?;
                let before = Some(known.refunded()).filter(|before| *before > 0);
                let amount = amount.or(before).unwrap_or(known.price);
                if once(before, amount)? {
                    match amount {
                        _ if !known.is_paid => return Err("invalid"),
                        amount if amount > known.price => return Err("conflict"),
                        amount => known.to_refund = amount,
                    }
                }
            }
            Operation::Adjust(key, amount) => drop(once(self.adjusted.insert(key, amount), amount)?),
            Operation::Close(number) => self.holds.get_mut(&number).ok_or("unknown")?.is_closed = true,
        }
        Ok(())
    }
}
