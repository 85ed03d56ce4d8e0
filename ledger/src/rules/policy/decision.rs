//! Decisions: whether a job is let through, and why not.

use super::outlook::{Coming, outlook};
use super::rule::{Rule, Standing, UsedUp, overdraft, standing};
use crate::rules::{LotBook, LotError};
use model::{Amount, Timestamp};
use serde::{Deserialize, Serialize};

/// Why a job is not simply let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Reason {
    /// No lot may be spent at this time.
    NoGrantInForce,
    /// Nothing is left.
    UsedUp {
        /// How far below nothing it is.
        beyond: Amount,
    },
    /// Nothing is left and a policy lets it go on; with this job it is so far below nothing.
    Overdrawn {
        /// How far, what is reserved and this job included.
        beyond: Amount,
        /// How far it may be.
        most: Amount,
    },
    /// What is left does not cover it.
    NotCovered {
        /// What it may use.
        wanted: Amount,
        /// What is left beside what is reserved.
        free: Amount,
    },
}

/// What a policy says to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "decision")]
pub enum Decision {
    /// It is covered.
    Allow,
    /// It goes ahead, and somebody should know.
    Warn {
        /// Why.
        why: Reason,
    },
    /// It starts when nothing else waits.
    LowPriority {
        /// Why.
        why: Reason,
        /// Until when, where the lots that are known bring it to an end.
        until: Option<Timestamp>,
    },
    /// It does not start.
    Deny {
        /// Why.
        why: Reason,
        /// Until when, where the lots that are known bring it to an end.
        until: Option<Timestamp>,
    },
}

impl Decision {
    /// Whether the job would not start.
    pub const fn is_denied(&self) -> bool {
        matches!(self, Self::Deny { .. })
    }
}

pub(super) fn decide(rule: &dyn Rule, book: &LotBook, reserved: Amount, wanted: Amount) -> Result<Decision, LotError> {
    let usable = book.usable()?;
    let used_up = Reason::UsedUp { beyond: usable.negated()? };
    Ok(match standing(rule, book)? {
        Standing::NoGrant => Decision::Deny { why: Reason::NoGrantInForce, until: better(rule, book)? },
        Standing::Stopped => Decision::Deny { why: used_up, until: better(rule, book)? },
        Standing::LowPriority => Decision::LowPriority { why: used_up, until: better(rule, book)? },
        Standing::UsedUp => Decision::Warn { why: used_up },
        Standing::Usable | Standing::Overdrawn => {
            let free = usable.minus(reserved)?;
            let most = overdraft(rule, book)?;
            let after = free.minus(wanted)?;
            let is_covered = after >= Amount::ZERO && usable > Amount::ZERO;
            let why = Reason::NotCovered { wanted, free };
            match rule.used_up() {
                _ if is_covered => Decision::Allow,
                UsedUp::Stops if after.plus(most)? < Amount::ZERO => Decision::Deny { why, until: None },
                UsedUp::Stops => Decision::Warn { why: Reason::Overdrawn { beyond: after.negated()?, most } },
                UsedUp::LowPriority | UsedUp::Unknown => Decision::Warn { why },
            }
        }
    })
}

/// When it gets better by itself: the first instant of the known lots at which jobs start as usual.
fn better(rule: &dyn Rule, book: &LotBook) -> Result<Option<Timestamp>, LotError> {
    let is_better =
        |what: &Coming| matches!(what, Coming::Becomes { standing: Standing::Usable | Standing::Overdrawn });
    let events = outlook(rule, book.clone(), None)?;
    Ok(events.into_iter().find(|event| is_better(&event.what)).map(|event| event.at))
}
