//! What expires of a grant: never more than stands of it, and nothing of what nobody granted.

use super::budget_change;
use crate::{Entry, EntryKind, LedgerError};
use model::{Amount, ProjectName, Unit};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default)]
pub(super) struct LotBounds {
    grants: BTreeMap<(ProjectName, Unit, String), Standing>,
    /// Of which something expired in the entries just before: they are one post, and are looked at together.
    expiring: BTreeSet<(ProjectName, Unit, String)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// What was granted and not taken back.
    stands: Amount,
    expired: Amount,
    /// The last entry about it.
    entry: u64,
}

impl LotBounds {
    /// Takes in the next entry. What is wrong with those before it.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<Vec<String>, LedgerError> {
        let findings = if entry.kind == EntryKind::Expire { Vec::new() } else { self.finish() };
        let Some(grant) = &entry.links.grant else { return Ok(findings) };
        let place = (entry.project.clone(), entry.unit.clone(), grant.clone());
        let standing = self.grants.entry(place.clone()).or_default();
        let change = budget_change(entry)?;
        if entry.kind == EntryKind::Expire {
            standing.expired = standing.expired.minus(change)?;
            self.expiring.insert(place);
        } else {
            standing.stands = standing.stands.plus(change)?;
        }
        standing.entry = entry.number;
        Ok(findings)
    }

    /// What is wrong with what expired last.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let expiring = std::mem::take(&mut self.expiring);
        let standing = expiring.into_iter().filter_map(|place| self.grants.get(&place).map(|found| (place, *found)));
        let wrong = standing.filter(|(_, found)| found.expired < Amount::ZERO || found.expired > found.stands);
        let told = wrong.map(|((project, unit, grant), Standing { stands, expired, entry })| {
            let (stands, expired) = (stands.milli(), expired.milli());
            format!(
                "by entry {entry} {expired} milli of grant `{grant}` of {project} in {unit} have expired, of which \
                 {stands} stand"
            )
        });
        told.collect()
    }
}
