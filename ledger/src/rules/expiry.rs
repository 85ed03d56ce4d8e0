//! Expiries: what time has taken from a budget, and what of that is posted.

use super::{Budget, LotError, LotId, budget_change};
use crate::{Entry, EntryKind, Particulars};
use model::{Amount, AmountError, Timestamp};
use std::collections::BTreeMap;

/// What expires or is forgiven: a lot that is over by its grant, place and end, or a border at which a debt was struck.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    /// None where a debt was struck.
    pub(crate) lot: Option<LotId>,
    pub(crate) at: Timestamp,
}

/// What is to be posted of one due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) due: Due,
    /// What the budget loses; less than nothing where it gets something.
    pub(crate) loss: Amount,
    /// How often something was posted of it before.
    pub(crate) revision: u32,
}

/// What has to be posted of a budget so that its entries say what its lots do. A run that is read late, a grant taken back and
/// another policy change what has expired: then a further entry makes up the difference.
pub(crate) fn expiries(budget: &Budget, posted: &[&Entry]) -> Result<Vec<Step>, LotError> {
    let mut steps = BTreeMap::<Due, (Amount, u32)>::new();
    for entry in posted {
        let Some(due) = due(entry) else { continue };
        let (sum, count) = steps.entry(due).or_default();
        // What was posted already counts against what is due.
        *sum = sum.plus(budget_change(entry)?)?;
        *count = count.saturating_add(1);
    }
    let book = budget.book()?;
    let mut add = |lot: Option<LotId>, at: Timestamp, loss: Amount| -> Result<(), AmountError> {
        let (sum, _) = steps.entry(Due { lot, at }).or_default();
        *sum = sum.plus(loss)?;
        Ok(())
    };
    for known in book.lots().iter().filter(|known| known.expired != Amount::ZERO) {
        add(Some(known.lot.id.clone()), known.lot.usable.to, known.expired)?;
    }
    for (at, amount) in book.strikes() {
        add(None, *at, amount.negated()?)?;
    }
    let open = steps.into_iter().filter(|(_, (loss, _))| *loss != Amount::ZERO);
    Ok(open.map(|(due, (loss, revision))| Step { due, loss, revision }).collect())
}

fn due(entry: &Entry) -> Option<Due> {
    let at = entry.effective_at;
    match (entry.kind, &entry.particulars) {
        (EntryKind::Forgive, _) => Some(Due { lot: None, at }),
        (EntryKind::Expire, Particulars::OfLot { number }) => {
            let lot = LotId { grant: entry.links.grant.clone()?, number: *number };
            Some(Due { lot: Some(lot), at })
        }
        _ => None,
    }
}
