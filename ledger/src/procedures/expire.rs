//! Expiry: what is left of lots that are over leaves the budget, and what was overdrawn and forgiven comes back.

use super::posting::{Draft, Posting};
use crate::records::Result;
use crate::rules::{self, Due, Step};
use crate::{Account, Entry, EntryKind, Expiry, Links, Particulars};
use model::{Amount, ProjectName, Unit};

/// Posts what is due by now and was not posted yet, of one project or of all. Twice, it posts nothing the second time.
pub(super) fn expire(posting: &Posting<'_>, project: Option<&ProjectName>) -> Result<Vec<Expiry>> {
    let parts = posting.records.balance_parts(project, posting.now)?;
    let entries = posting.records.expiries(project)?;
    let mut expiries = Vec::new();
    for budget in rules::budgets(&parts, posting.now)? {
        let (of, unit) = (&budget.balance.project, &budget.balance.unit);
        let posted: Vec<&Entry> = entries.iter().filter(|entry| entry.project == *of && entry.unit == *unit).collect();
        if project.is_some_and(|project| project != of) {
            continue;
        }
        for step in rules::expiries(&budget, &posted)? {
            post(posting, of, unit, &step)?;
            let Step { due: Due { lot, at }, loss, .. } = step;
            expiries.push(Expiry { project: of.clone(), unit: unit.clone(), lot, at, amount: loss });
        }
    }
    Ok(expiries)
}

fn post(posting: &Posting<'_>, project: &ProjectName, unit: &Unit, step: &Step) -> Result<()> {
    let Step { due: Due { lot, at }, loss, revision } = step;
    let (kind, what, particulars) = match lot {
        Some(lot) => (EntryKind::Expire, format!("expire:{lot}"), Particulars::OfLot { number: lot.number }),
        None => (EntryKind::Forgive, format!("forgive:{project}/{unit}"), Particulars::None),
    };
    let (budget, expired) = (Account::Budget(project.clone()), Account::Expired(project.clone()));
    let (debit, credit, amount) =
        if *loss > Amount::ZERO { (budget, expired, *loss) } else { (expired, budget, loss.negated()?) };
    posting.append(Draft {
        kind,
        unit: unit.clone(),
        amount,
        debit,
        credit,
        project: project.clone(),
        effective_at: *at,
        key: Some(format!("{what}@{}:{revision}", at.epoch_seconds())),
        links: Links { grant: lot.as_ref().map(|lot| lot.grant.clone()), ..Links::default() },
        note: String::new(),
        tariff: None,
        particulars,
        reading: None,
    })?;
    Ok(())
}
