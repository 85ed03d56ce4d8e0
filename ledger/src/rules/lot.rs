//! Lots: the parts of a grant, each with the time in which it may be spent, and what was spent when.

use model::{Amount, AmountError, PeriodError, SplitError, Timestamp, Window};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of a grant as the programme gave it: so much for this time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenLot {
    /// How much; more than nothing.
    pub amount: Amount,
    /// For when; inside the window of its grant.
    pub period: Window,
}

/// A grant as far as a policy needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// Its key, the same in every ledger that holds it.
    pub key: String,
    /// From when to when it runs: what a centre calls the allocation period.
    pub window: Window,
    /// Its parts, one for the whole window where nothing finer was said.
    pub lots: Vec<GivenLot>,
    /// What of the lots that are made of it was passed on to others, by their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_on: Vec<GivenLot>,
}

impl GrantTerms {
    /// A grant of one amount for its whole window.
    pub fn whole(key: impl Into<String>, amount: Amount, window: Window) -> Self {
        Self { key: key.into(), window, lots: vec![GivenLot { amount, period: window }], passed_on: Vec::new() }
    }
}

/// Names a lot: a grant's key, and the place among its lots from 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LotId {
    /// The key of its grant.
    pub grant: String,
    /// The place among the lots that the policy makes of the grant.
    pub number: u32,
}

impl fmt::Display for LotId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.grant, self.number)
    }
}

/// A lot as a policy makes it of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Its name.
    pub id: LotId,
    /// How much.
    pub amount: Amount,
    /// What it was given for: a month, a quarter, the whole term.
    pub period: Window,
    /// When it may be spent: longer than its period where the programme lets it be drawn in advance or carried over.
    pub usable: Window,
}

/// What became of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotBalance {
    /// The lot.
    pub lot: Lot,
    /// What was spent of it.
    pub used: Amount,
    /// What was left when its time was over, and is forfeited.
    pub expired: Amount,
}

impl LotBalance {
    /// What may still be spent: its amount less what was used and what has expired.
    pub fn remaining(&self) -> Result<Amount, AmountError> {
        self.lot.amount.minus(self.used)?.minus(self.expired)
    }
}

/// What was spent of a budget before an instant, since the instant of the spending before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// The first instant that no longer counts.
    pub until: Timestamp,
    /// How much; less than nothing where more was given back.
    pub amount: Amount,
}

/// Why lots could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LotError {
    /// A sum does not fit.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The calendar does not reach the grant's window.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// A grant could not be split over its periods.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Spending stands behind a later one.
    #[error("the spending up to {0} stands behind a later one")]
    Unordered(Timestamp),
    /// One figure covers the time on both sides of a border.
    #[error("the spending up to {until} is not cut at {border}, where a lot begins or ends")]
    NotCut {
        /// Up to when it goes.
        until: Timestamp,
        /// The border inside.
        border: Timestamp,
    },
    /// What has not happened yet cannot have been spent.
    #[error("the spending goes up to {until}, and it is {now}")]
    AfterNow {
        /// Up to when it goes.
        until: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
}
