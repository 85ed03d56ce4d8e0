//! Grants and openings.

use super::posting::{Draft, Posting, conflict, invalid};
use crate::records::Result;
use crate::{Account, Effect, Entry, EntryKind, Links, NewGrant, NewOpening, Particulars};
use model::Amount;

/// Enters a grant: from the programme to the project's budget, in effect from the start of its window.
pub(super) fn grant(posting: &Posting<'_>, grant: &NewGrant) -> Result<Effect> {
    if grant.amount <= Amount::ZERO {
        return Err(invalid(format!("grant `{}` has no amount", grant.key)));
    }
    if grant.window.to <= grant.window.from {
        return Err(invalid(format!("grant `{}` ends before it starts", grant.key)));
    }
    post_once(
        posting,
        Draft {
            kind: EntryKind::Grant,
            unit: grant.unit.clone(),
            amount: grant.amount,
            debit: Account::Programme(grant.programme.clone()),
            credit: Account::Budget(grant.project.clone()),
            project: grant.project.clone(),
            effective_at: grant.window.from,
            key: Some(format!("grant:{}", grant.key)),
            links: Links { grant: Some(grant.key.clone()), ..Links::default() },
            note: grant.reference.clone(),
            tariff: None,
            particulars: Particulars::Lot { ends_at: grant.window.to },
        },
    )
}

/// Enters what was used before: out of the budget, without a run behind it.
pub(super) fn open(posting: &Posting<'_>, opening: &NewOpening) -> Result<Effect> {
    if opening.used_before < Amount::ZERO {
        return Err(invalid(format!("opening `{}` is negative", opening.key)));
    }
    post_once(
        posting,
        Draft {
            kind: EntryKind::Opening,
            unit: opening.unit.clone(),
            amount: opening.used_before,
            debit: Account::Budget(opening.project.clone()),
            credit: Account::Opening(opening.project.clone()),
            project: opening.project.clone(),
            effective_at: opening.as_of,
            key: Some(format!("opening:{}", opening.key)),
            links: Links::default(),
            note: opening.note.clone(),
            tariff: None,
            particulars: Particulars::None,
        },
    )
}

fn post_once(posting: &Posting<'_>, draft: Draft) -> Result<Effect> {
    let key = draft.key.clone().unwrap_or_default();
    let Some(posted) = posting.records.entry_with_key(&key)? else {
        posting.append(draft)?;
        return Ok(Effect::Done);
    };
    if says_the_same(&posted, &draft) {
        return Ok(Effect::AlreadyDone);
    }
    let why = format!("`{key}` is entry {} already, with another content", posted.number);
    Err(conflict(why).with_fact("entry", &posted.number))
}

fn says_the_same(posted: &Entry, draft: &Draft) -> bool {
    posted.unit == draft.unit
        && posted.amount == draft.amount
        && posted.debit == draft.debit
        && posted.credit == draft.credit
        && posted.effective_at == draft.effective_at
        && posted.note == draft.note
        && posted.particulars == draft.particulars
}
