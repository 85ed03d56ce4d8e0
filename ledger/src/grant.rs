//! Grants and openings: time given to a project, and time it had used before the ledger began.

use crate::{GivenLot, GrantTerms, LotId};
use model::{Amount, AmountError, ProgrammeName, ProjectName, Timestamp, Unit, Window};
use serde::{Deserialize, Serialize};

/// Time that a programme gives to a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGrant {
    /// The writer's own key: the same grant posted twice counts once.
    pub key: String,
    /// Who receives.
    pub project: ProjectName,
    /// Who gives.
    pub programme: ProgrammeName,
    /// Of what.
    pub unit: Unit,
    /// How much; more than nothing.
    pub amount: Amount,
    /// From when to when it may be spent.
    pub window: Window,
    /// The number on the paper it came with.
    pub reference: String,
    /// Its parts, where the paper names several, each with its time; in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lots: Vec<GivenLot>,
}

impl NewGrant {
    /// As a policy needs it.
    pub fn for_policy(&self) -> GrantTerms {
        let whole = GrantTerms::whole(self.key.clone(), self.amount, self.window);
        if self.lots.is_empty() { whole } else { GrantTerms { lots: self.lots.clone(), ..whole } }
    }
}

/// What was used of a budget until an instant, in all: runs that ended by then are in it, whoever tells of them later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOpening {
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// How much was used, what the ledger knows of it included.
    pub used_before: Amount,
    /// From when on it counts; none where it counts everything.
    pub since: Option<Timestamp>,
    /// Up to when, that instant included.
    pub as_of: Timestamp,
    /// Where the figure comes from.
    pub note: String,
}

/// A grant as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The number of its entry.
    pub entry: u64,
    /// When it was entered.
    pub recorded_at: Timestamp,
    /// What of it was taken back, and passed on to others.
    pub withdrawn: Amount,
    /// What of that was passed on of lots, by their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_on: Vec<GivenLot>,
    /// What was granted.
    #[serde(flatten)]
    pub terms: NewGrant,
}

impl Grant {
    /// What stands of it.
    pub fn standing(&self) -> Result<Amount, AmountError> {
        self.terms.amount.minus(self.withdrawn)
    }

    /// Whether nothing stands of it any more.
    pub fn is_withdrawn(&self) -> bool {
        self.withdrawn == self.terms.amount
    }

    /// As a policy needs it.
    pub fn for_policy(&self) -> Result<GrantTerms, AmountError> {
        let terms = self.terms.for_policy();
        if self.is_withdrawn() {
            return Ok(GrantTerms { lots: Vec::new(), ..terms });
        }
        // Of a grant in parts nothing but the whole is taken back; what is passed on of it is taken out of its lots.
        let by_lots = Amount::sum(self.passed_on.iter().map(|lot| lot.amount))?;
        let standing = GrantTerms::whole(self.terms.key.clone(), self.standing()?.plus(by_lots)?, self.terms.window);
        let terms = if self.terms.lots.is_empty() { standing } else { terms };
        Ok(GrantTerms { passed_on: self.passed_on.clone(), ..terms })
    }
}

/// Takes back a grant that was entered by mistake, or a part of it. What was used of it stays used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdraw {
    /// The writer's own key: the same withdrawal posted twice counts once.
    pub key: String,
    /// The key of the grant.
    pub grant: String,
    /// Whose.
    pub project: ProjectName,
    /// How much; whatever stands of it where none is given.
    pub amount: Option<Amount>,
    /// Why.
    pub reason: String,
}

/// What was posted of a budget because time went by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// Whose.
    pub project: ProjectName,
    /// Of what.
    pub unit: Unit,
    /// The lot that is over; none where what was overdrawn is forgiven.
    pub lot: Option<LotId>,
    /// When.
    pub at: Timestamp,
    /// What the budget lost by it; less than nothing where it got something.
    pub amount: Amount,
}
