//! What was used in each month: usage, statements and the balance are three ways to say it.

use super::months::{HOUR, MONTHS, hours_shared};
use super::{Answer, once};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// So many hours after the first month began, for so many hours, and so much an hour.
    Settle(u64, [i64; 2], i64),
    /// So much an hour is given back.
    Refund(u64, i64),
    /// What the budget gets in a month.
    Adjust(u32, usize, i64),
    Grant(u32, i64),
    /// Somebody says that months begin in Berlin; until then they begin by UTC.
    Zone,
}

/// One run.
#[derive(Clone, Debug, Default)]
pub(super) struct Ran {
    pub(super) over: [i64; 2],
    hourly: i64,
    given_back: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) runs: BTreeMap<u64, Ran>,
    adjusted: BTreeMap<u32, (usize, i64)>,
    granted: BTreeMap<u32, i64>,
    has_zone: bool,
}

impl Sums {
    /// When a month begins: Berlin is an hour ahead from November to March, and two hours in the rest of the year.
    fn month(&self, number: usize) -> i64 {
        let ahead = if (4..9).contains(&number) { HOUR } else { 2 * HOUR };
        MONTHS[number] + if self.has_zone { 0 } else { ahead }
    }

    /// What runs used in each month in which they did.
    pub(super) fn by_month(&self) -> Vec<i64> {
        let used = (0..12).map(|number| self.used([self.month(number), self.month(number + 1)]));
        used.filter(|used| *used != 0).collect()
    }

    /// What runs used between two instants, and what of it is charged: usage is told whatever was given back.
    pub(super) fn used(&self, stretch: [i64; 2]) -> i64 {
        self.runs.values().map(|ran| hours_shared(ran.over, stretch) * ran.hourly).sum()
    }

    pub(super) fn charged(&self, stretch: [i64; 2]) -> i64 {
        let given_back = |ran: &Ran| hours_shared(ran.over, stretch) * ran.given_back.min(ran.hourly);
        self.used(stretch) - self.runs.values().map(given_back).sum::<i64>()
    }

    pub(super) fn by_hand(&self, is_meant: impl Fn(usize) -> bool) -> i64 {
        self.adjusted.values().filter(|(month, _)| is_meant(*month)).map(|(_, amount)| amount).sum()
    }

    /// A run that something was given back of keeps its time: amounts go by whole hours here.
    pub(super) fn over(&self, number: u64, [after, hours]: [i64; 2]) -> [i64; 2] {
        let refunded = self.runs.get(&number).filter(|ran| ran.given_back > 0);
        refunded.map_or_else(|| [MONTHS[0] + after * HOUR, MONTHS[0] + (after + hours) * HOUR], |ran| ran.over)
    }

    pub(super) fn take(&mut self, operation: &Operation) -> Answer {
        match *operation {
            Operation::Settle(number, when, hourly) => {
                let over = self.over(number, when);
                let ran = self.runs.entry(number).or_default();
                (ran.over, ran.hourly) = (over, hourly);
            }
            Operation::Refund(number, hourly) => {
                let ran = self.runs.get_mut(&number).ok_or("invalid")?;
                let before = Some(ran.given_back.min(ran.hourly)).filter(|before| *before > 0);
                if once(before, hourly)? {
                    if hourly > ran.hourly {
                        return Err("conflict");
                    }
                    ran.given_back = hourly;
                }
            }
            Operation::Adjust(key, month, amount) => {
                let _ = once(self.adjusted.insert(key, (month, amount)), (month, amount))?;
            }
            Operation::Zone => self.has_zone = true,
            Operation::Grant(key, amount) => drop(once(self.granted.insert(key, amount), amount)?),
        }
        Ok(())
    }
}
