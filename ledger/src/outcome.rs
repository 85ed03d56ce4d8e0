//! Outcomes: what each command of a post did.

use crate::records::{BookedCharge, Standing};
use crate::{Adjusted, Expiry, Hold, RunPrice, UnattributedReason};
use model::{Amount, ProjectName, Unit};
use serde::{Deserialize, Serialize};

/// Whether a command changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It did.
    Done,
    /// The ledger already said so, or knows something newer.
    AlreadyDone,
}

/// What became of one command, in the order of the commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A grant is entered.
    Granted(Effect),
    /// A grant is taken back by so much.
    Withdrawn(Amount, Effect),
    /// What time took from budgets, and gave.
    Expired(Vec<Expiry>),
    /// An opening is entered.
    Opened {
        /// What the ledger had of it: of the runs that ended by then.
        known: Amount,
        /// What was entered besides.
        entered: Amount,
        /// Whether it was entered now.
        effect: Effect,
    },
    /// A binding stands.
    Bound(Effect),
    /// A binding is ended.
    Unbound(Effect),
    /// Runs were charged once more; so many of them to somebody else, or to nobody.
    Reattributed(u64),
    /// The switch is set.
    Set(Effect),
    /// The policy is set.
    PolicySet(Effect),
    /// A hold stands. A repeated request gives the hold as it is by now, which may be amended or closed.
    Held(Hold, Effect),
    /// A hold has the new ceiling.
    Amended(Hold, Effect),
    /// A run was taken in.
    Settled(SettleOutcome),
    /// An observation is kept; already done where a later one is known.
    Observed(Effect),
    /// A hold is closed; on a repeat as it was closed the first time.
    Closed(Hold, Effect),
    /// A hold stays open: a run of its job is in the books and has no price yet, so that nobody knows what it takes.
    StaysOpen(Hold),
    /// Time was passed on.
    Delegated(Effect),
    /// So much was given back.
    Refunded(Amount, Effect),
    /// What became of an adjustment.
    Adjusted(Adjusted),
    /// The person is erased, with so many runs; none where the ledger does not know them.
    Erased(Option<u64>),
    /// The reading is noted.
    Covered,
    /// A site's figure is noted.
    FigureNoted {
        /// What it booked as used before the ledger began; none where it booked nothing.
        opened: Option<Amount>,
        /// What the ledger had settled of the same time, before that.
        settled: Amount,
        /// Whether it was noted now.
        effect: Effect,
    },
    /// The cursor stands there or further.
    Advanced(Effect),
    /// The zone is set.
    ZoneSet(Effect),
    /// A batch is noted, under this number.
    ImportNoted(u64),
    /// The bundle is taken in so far or further.
    BundleKept(Effect),
}

/// What a run is charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// To whom.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// How much.
    pub amount: Amount,
}

/// What became of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettleOutcome {
    /// Charged for the first time.
    New {
        /// Within its hold, or without one.
        drawn: Amount,
        /// Beyond its hold.
        overrun: Amount,
        /// To whom.
        project: ProjectName,
        /// In which unit.
        unit: Unit,
    },
    /// Read before with the same content.
    Same,
    /// In the books before without a price, and charged for the first time now that it has one.
    Priced(Paid),
    /// Read before with other content: what was charged is reversed and charged anew.
    Corrected {
        /// What was charged; none where nobody was.
        before: Option<Paid>,
        /// What is charged now.
        after: Option<Paid>,
    },
    /// An earlier reading than the one in the books: nothing changes.
    Stale,
    /// In the books, and not charged: it ended before the instant up to which an opening says what was used.
    Covered {
        /// Whose opening.
        project: ProjectName,
        /// In which unit.
        unit: Unit,
        /// What it would have been charged.
        amount: Amount,
    },
    /// In the books, charged to nobody.
    Unattributed,
    /// In the books, charged to nobody because it has no price in the unit it would be charged in.
    NotPriced {
        /// Why it has none.
        reason: String,
    },
    /// Not in the books, or not changed there: the row contradicts itself or another row, or its amount does not fit.
    /// Nothing else of the post is lost.
    Rejected {
        /// What is wrong with it.
        reason: String,
    },
}

impl Outcome {
    /// The hold that the outcome is about.
    pub const fn hold(&self) -> Option<&Hold> {
        match self {
            Self::Held(hold, _) | Self::Amended(hold, _) | Self::Closed(hold, _) | Self::StaysOpen(hold) => Some(hold),
            _ => None,
        }
    }
}

impl SettleOutcome {
    /// The outcome of a run that an opening has already.
    pub(crate) fn covered(charge: &BookedCharge) -> Self {
        let BookedCharge { project, unit, amount, .. } = charge;
        Self::Covered { project: project.clone(), unit: unit.clone(), amount: *amount }
    }

    /// The outcome of a run that was in the books and stands there in another way now.
    pub(crate) fn changed(before: &Standing, after: &Standing, drawn: Amount, overrun: Amount) -> Self {
        let paid = |standing: &Standing| match standing {
            Standing::Charged(BookedCharge { project, unit, amount, .. }) => {
                Some(Paid { project: project.clone(), unit: unit.clone(), amount: *amount })
            }
            Standing::Covered(_) | Standing::Unattributed(_) => None,
        };
        match (before, paid(after)) {
            (Standing::Unattributed(UnattributedReason::NotPriced(_)), Some(paid)) => Self::Priced(paid),
            (Standing::Unattributed(_), Some(Paid { project, unit, .. })) => {
                Self::New { drawn, overrun, project, unit }
            }
            (_, after) => Self::Corrected { before: paid(before), after },
        }
    }

    /// The outcome of a run that is charged to nobody.
    pub(crate) fn not_charged(reason: &UnattributedReason, price: &RunPrice) -> Self {
        match (reason, price) {
            (UnattributedReason::NotBound | UnattributedReason::RulesDisagree, _) => Self::Unattributed,
            (UnattributedReason::NotPriced(_), RunPrice::Unknown(why)) => Self::NotPriced { reason: why.clone() },
            (UnattributedReason::NotPriced(unit), RunPrice::Known(_)) => {
                Self::NotPriced { reason: format!("its price has no part in {unit}, in which it would be charged") }
            }
        }
    }
}
