//! Holds: amounts reserved at submit, drawn from by runs, ended by one close.

use model::{Amount, AmountError, JobId, Principal, ProjectName, Timestamp, Unit, Window};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a hold: the id of the job it was made for, which exists before anything else of the job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(pub JobId);

impl fmt::Display for HoldId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<JobId> for HoldId {
    fn from(job: JobId) -> Self {
        Self(job)
    }
}

/// Asks for a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHold {
    /// The job.
    pub id: HoldId,
    /// Who pays.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// The most the job may use.
    pub ceiling: Amount,
    /// Why it is to be made even where it would be refused.
    pub anyway: Option<String>,
    /// The job's name, for people.
    pub note: String,
    /// Made while the ledger could not be reached, and posted when the job is already there: never refused.
    pub is_provisional: bool,
    /// When the job is expected to run; none where nobody knows, and it is held of what may be spent now.
    pub expected: Option<Window>,
}

/// Changes the ceiling of an open hold, because the job was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendHold {
    /// Which.
    pub id: HoldId,
    /// To what.
    pub ceiling: NewCeiling,
}

/// To what a hold's ceiling is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewCeiling {
    /// This, what was already drawn included. What raises the reservation is authorised as a new hold is.
    Wanted(Amount),
    /// What was already drawn and what the job may still take, because the scheduler was seen to have changed it. That has
    /// happened, so it is never refused; a hold that was closed meanwhile stays closed.
    Seen {
        /// The most that the job may still take.
        rest: Amount,
        /// What was seen, in words.
        why: String,
    },
}

/// Why a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseReason {
    /// The job has ended.
    Finished,
    /// The job ended without a start.
    NeverStarted,
    /// A person cancelled it.
    Cancelled,
    /// Nothing is known of the job any more.
    Lost,
    /// The submission was undone.
    Undone,
}

/// Ends a hold and releases what remains of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseHold {
    /// Which.
    pub id: HoldId,
    /// Why.
    pub reason: CloseReason,
    /// When it was read that the job is over, where that may be long ago: a job that was seen waiting or running later keeps its
    /// hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Why.
    pub reason: CloseReason,
    /// When.
    pub at: Timestamp,
}

/// A hold as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its name.
    pub id: HoldId,
    /// Who pays.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// The ceiling it was asked with: by it a repeated request is recognised.
    pub first_ceiling: Amount,
    /// The ceiling now.
    pub ceiling: Amount,
    /// What its runs were charged, beyond the ceiling included.
    pub charged: Amount,
    /// The job's name, for people.
    pub note: String,
    /// The reason it was made with where it might have been refused.
    pub anyway: Option<String>,
    /// Whether it was posted after the fact.
    pub is_provisional: bool,
    /// When its job was expected to run, as it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Window>,
    /// When it was made.
    pub opened_at: Timestamp,
    /// By whom.
    pub opened_by: Principal,
    /// How it ended; none while it is open.
    pub closing: Option<Closing>,
}

impl Hold {
    /// Whether it still reserves.
    pub const fn is_open(&self) -> bool {
        self.closing.is_none()
    }

    /// What it still reserves: the ceiling less what was charged, nothing once it is closed, never negative.
    ///
    /// It depends on the sum of the charges alone, so the order in which runs were read does not matter.
    pub fn remainder(&self) -> Result<Amount, AmountError> {
        if !self.is_open() {
            return Ok(Amount::ZERO);
        }
        Ok(self.ceiling.minus(self.charged)?.max(Amount::ZERO))
    }
}
