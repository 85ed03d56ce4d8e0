//! What an operation changes.

use super::operation::{is_late, job_of};
use super::sums::{ReferenceHold, ReferenceRun};
use super::{Operation, Reference};
use crate::models::{Answer, Checked, Model, numbers_at, once};
use crate::support::*;
use ledger::{Command, NewGrant};
use model::Window;
use proptest::prelude::*;

impl Model for Reference {
    type Operation = Operation;

    fn start(&self) -> Vec<Command> {
        // One that is over counts as far as it was used.
        let end = self.border.unwrap_or(NOW - 10);
        let over = Window { from: at(end - 1000), to: at(end) };
        vec![grant("base", 400), Command::Grant(NewGrant { window: over, ..new_grant("over", 500) })]
    }

    fn command(&self, operation: &Operation, _: i64) -> Option<Command> {
        Some(operation.command(self))
    }

    async fn compare(&self, desk: &Desk, now: i64) -> Checked {
        prop_assert_eq!(numbers_at(desk, now).await, self.numbers());
        Ok(())
    }

    fn apply(&mut self, operation: &Operation) -> Answer {
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
                let known = self.runs.get_mut(&run).ok_or("rejected")?;
                if known.repriced.is_some_and(|before| before > price) && known.price != price {
                    return Err("rejected");
                }
                if known.price != price {
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
