//! Operations of people and machines, and the commands that do them.

use super::Reference;
use crate::support::*;
use ledger::{
    Adjust, AmendHold, Command, Delegate, NewCeiling, Reattribute, Refund, RunPrice, SettledRun, Soft, Unbind, Withdraw,
};
use model::{Price, TariffId, Window};
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

pub(super) fn job_of(run: u64) -> Option<u32> {
    (run > 2).then(|| u32::try_from(run % u64::from(JOBS)).expect("small"))
}

/// Up to when the opening says what was used.
const OPENED_UNTIL: i64 = NOW + 120;

/// Whether the end of a run is another one with another price. No tariff is ever mended for such a run.
pub(crate) const fn has_two_ends(run: u64) -> bool {
    run % 4 == 1
}

/// Whether it ended after the opening.
pub(super) const fn is_late(run: u64, price: i64) -> bool {
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
