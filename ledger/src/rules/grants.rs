//! Grants: what the entries say was given, and taken back again.

use crate::{Account, Entry, EntryKind, GivenLot, Grant, NewGrant, Particulars};
use model::{Amount, AmountError, Window};
use std::collections::BTreeMap;

/// The grants of these entries, in the order they were entered, each with what was withdrawn of it. Entries of other kinds
/// say nothing.
pub(crate) fn grants(entries: Vec<Entry>) -> Result<Vec<Grant>, AmountError> {
    let mut withdrawn = BTreeMap::<String, (Amount, Vec<GivenLot>)>::new();
    for entry in entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Withdraw | EntryKind::Delegate)) {
        let (sum, passed_on) = withdrawn.entry(entry.links.grant.clone().unwrap_or_default()).or_default();
        *sum = sum.plus(entry.amount)?;
        if let Particulars::Lots { lots, .. } = &entry.particulars {
            passed_on.extend(lots.iter().cloned());
        }
    }
    let mut grants: Vec<Grant> = entries.into_iter().filter_map(grant).collect();
    for grant in &mut grants {
        (grant.withdrawn, grant.passed_on) = withdrawn.remove(&grant.terms.key).unwrap_or_default();
    }
    Ok(grants)
}

/// The grant of an entry; none where the entry lacks what a grant has.
fn grant(entry: Entry) -> Option<Grant> {
    let Account::Programme(programme) = entry.debit else { return None };
    let (ends_at, lots) = match entry.particulars {
        Particulars::Lot { ends_at } => (ends_at, Vec::new()),
        Particulars::Lots { ends_at, lots } => (ends_at, lots),
        _ => return None,
    };
    let window = Window { from: entry.effective_at, to: ends_at };
    let Entry { project, unit, amount, note, .. } = entry;
    let terms = NewGrant { key: entry.links.grant?, project, programme, unit, amount, window, reference: note, lots };
    Some(Grant {
        entry: entry.number,
        recorded_at: entry.recorded_at,
        withdrawn: Amount::ZERO,
        passed_on: Vec::new(),
        terms,
    })
}
