//! The questions that a policy answers.

use crate::rules::{Debt, GrantTerms, Lot, LotBook, LotError, LotId};
use model::{Amount, AmountError, Zone};
use serde::{Deserialize, Serialize};

/// What a site does when nothing is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsedUp {
    /// Jobs do not start.
    Stops,
    /// Jobs start with low priority.
    LowPriority,
    /// Nobody was found to say.
    #[default]
    Unknown,
}

/// How a project stands with its site at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Something is left.
    Usable,
    /// Nothing is left, and the policy lets it go on for a while.
    Overdrawn,
    /// Nothing is left: jobs start with low priority.
    LowPriority,
    /// Nothing is left: jobs do not start.
    Stopped,
    /// Nothing is left, and what the site does then is not known.
    UsedUp,
    /// No lot may be spent at this time.
    NoGrant,
}

/// What distinguishes one policy from another.
pub(super) trait Rule {
    /// The lots of a grant; as they were given, unless the programme pays out in another way.
    fn lots(&self, grant: &GrantTerms, _zone: &Zone) -> Result<Vec<Lot>, LotError> {
        Ok(as_given(grant))
    }

    /// What becomes of what no lot covers.
    fn debt(&self) -> Debt {
        Debt::default()
    }

    /// What happens when nothing is left, the overdraft included.
    fn used_up(&self) -> UsedUp;

    /// How far below nothing it may go with so much in force.
    fn overdraft(&self, _in_force: Amount) -> Result<Amount, AmountError> {
        Ok(Amount::ZERO)
    }
}

fn as_given(grant: &GrantTerms) -> Vec<Lot> {
    let named = |(number, given): (u32, &crate::rules::GivenLot)| Lot {
        id: LotId { grant: grant.key.clone(), number },
        amount: given.amount,
        period: given.period,
        usable: given.period,
    };
    (0..).zip(&grant.lots).map(named).collect()
}

/// The overdraft that the lots in force allow.
pub(super) fn overdraft(rule: &dyn Rule, book: &LotBook) -> Result<Amount, AmountError> {
    rule.overdraft(Amount::sum(book.in_force().map(|balance| balance.lot.amount))?)
}

/// How the project stands at the book's instant.
pub(super) fn standing(rule: &dyn Rule, book: &LotBook) -> Result<Standing, AmountError> {
    let usable = book.usable()?;
    Ok(match rule.used_up() {
        _ if book.in_force().next().is_none() => Standing::NoGrant,
        _ if usable > Amount::ZERO => Standing::Usable,
        _ if usable.plus(overdraft(rule, book)?)? > Amount::ZERO => Standing::Overdrawn,
        UsedUp::Stops => Standing::Stopped,
        UsedUp::LowPriority => Standing::LowPriority,
        UsedUp::Unknown => Standing::UsedUp,
    })
}
