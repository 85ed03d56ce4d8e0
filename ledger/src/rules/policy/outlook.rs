//! The outlook: what will happen to a project's lots, and when.

use super::rule::{Rule, Standing, overdraft, standing};
use crate::rules::{LotBook, LotChange, LotError};
use model::{Amount, AmountError, Timestamp};
use serde::{Deserialize, Serialize};

/// A constant rate of spending, as an amount over a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    amount: Amount,
    seconds: u64,
}

/// Something that will happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: Coming,
}

/// What will happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub enum Coming {
    /// Something of a lot: hours are forfeited, arrive, pay what is owed, or a debt is struck.
    Lot(LotChange),
    /// The project stands differently: its priority drops, its jobs stop, or it is well again.
    Becomes {
        /// How.
        standing: Standing,
    },
}

impl Rate {
    /// So much in so many seconds; none where that is no spending at all.
    pub fn new(amount: Amount, seconds: u64) -> Option<Self> {
        (amount > Amount::ZERO && seconds > 0).then_some(Self { amount, seconds })
    }

    /// What is spent in so many seconds, rounded down.
    pub fn spent_in(self, seconds: i64) -> Result<Amount, AmountError> {
        let (amount, seconds) =
            (u128::from(self.amount.milli().unsigned_abs()), u128::from(seconds.max(0).unsigned_abs()));
        let spent = amount * seconds / u128::from(self.seconds);
        i64::try_from(spent).map(Amount::from_milli).map_err(|_| AmountError::Overflow)
    }

    /// The seconds after which so much is spent; none where they cannot be counted.
    fn seconds_for(self, amount: Amount) -> Option<i64> {
        let wanted = u128::from(amount.max(Amount::ZERO).milli().unsigned_abs()) * u128::from(self.seconds);
        i64::try_from(wanted.div_ceil(u128::from(self.amount.milli().unsigned_abs()))).ok()
    }
}

/// Leads a book over all its borders and notes what happens on the way.
pub(super) fn outlook(rule: &dyn Rule, book: LotBook, rate: Option<Rate>) -> Result<Vec<Event>, LotError> {
    let before = standing(rule, &book)?;
    let mut ahead = Ahead { rule, book, standing: before, events: Vec::new() };
    while let Some(border) = ahead.book.next_border() {
        if let Some(rate) = rate {
            ahead.spend(rate, border)?;
        }
        ahead.lead_to(border)?;
    }
    Ok(ahead.events)
}

struct Ahead<'a> {
    rule: &'a dyn Rule,
    book: LotBook,
    standing: Standing,
    events: Vec<Event>,
}

impl Ahead<'_> {
    fn lead_to(&mut self, instant: Timestamp) -> Result<(), LotError> {
        let changes = self.book.lead_to(instant)?;
        self.events.extend(changes.into_iter().map(|(at, change)| Event { at, what: Coming::Lot(change) }));
        let standing = standing(self.rule, &self.book)?;
        if standing != self.standing {
            self.standing = standing;
            self.events.push(Event { at: instant, what: Coming::Becomes { standing } });
        }
        Ok(())
    }

    /// Spends up to a border, stopping on the way where something is used up. Each turn but the last makes the standing
    /// worse, and it has three steps.
    fn spend(&mut self, rate: Rate, border: Timestamp) -> Result<(), LotError> {
        while let Some(at) = self.book.at() {
            let seconds = border.seconds_since(at);
            let left = match self.standing {
                Standing::Usable => Some(self.book.usable()?),
                Standing::Overdrawn => Some(self.book.usable()?.plus(overdraft(self.rule, &self.book)?)?),
                Standing::LowPriority | Standing::UsedUp => None,
                Standing::Stopped | Standing::NoGrant => return Ok(()),
            };
            let ends = left.and_then(|left| Some((left, rate.seconds_for(left).filter(|ends| *ends < seconds)?)));
            let Some((left, ends)) = ends else {
                self.book.draw(rate.spent_in(seconds)?)?;
                return Ok(());
            };
            self.book.draw(left)?;
            self.lead_to(at.plus_seconds(ends))?;
        }
        Ok(())
    }
}
