//! Grants.

use super::delegate::PASSED_ON;
use super::posting::{Draft, Posting, conflict, invalid};
use crate::records::Result;
use crate::{
    Account, Effect, Entry, EntryKind, GrantFault, LedgerError, LedgerErrorKind, Links, NewGrant, Particulars,
    SetPolicy, Withdraw, check_grant,
};
use model::Amount;

/// Enters a grant: from the programme to the project's budget, in effect from the start of its window.
pub(super) fn grant(posting: &Posting<'_>, grant: &NewGrant) -> Result<Effect> {
    refuse_faults(posting, grant)?;
    if let Some(SetPolicy { policy, zone, .. }) = posting.records.policy(&grant.project, &grant.unit)? {
        let lots = policy.lots(&[grant.for_policy()], &zone);
        lots.map_err(|error| invalid(format!("grant `{}` does not fit its policy: {error}", grant.key)))?;
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
            particulars: particulars(grant),
            reading: None,
        },
    )
}

fn particulars(grant: &NewGrant) -> Particulars {
    let (ends_at, lots) = (grant.window.to, grant.lots.clone());
    if lots.is_empty() { Particulars::Lot { ends_at } } else { Particulars::Lots { ends_at, lots } }
}

/// Refuses a grant that contradicts itself or those that are there.
fn refuse_faults(posting: &Posting<'_>, grant: &NewGrant) -> Result<()> {
    let known = posting.records.grants(&grant.project)?.into_iter();
    // What nothing stands of stands in nobody's way; its key is taken all the same.
    let others = known.filter(|known| !known.is_withdrawn() || known.terms.key == grant.key);
    let others: Vec<NewGrant> = others.map(|known| known.terms).collect();
    let faults = check_grant(grant, &grant.lots, &others);
    let Some(first) = faults.first() else { return Ok(()) };
    let kind = match first {
        GrantFault::KeyTaken(_) | GrantFault::Overlaps { .. } => LedgerErrorKind::Conflict,
        GrantFault::Overflow => LedgerErrorKind::Overflow,
        _ => LedgerErrorKind::Invalid,
    };
    let why = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Err(LedgerError::never(kind, format!("grant `{}`: {why}", grant.key)).with_next(first.next()))
}

/// Takes a grant back, or a part of it, from its first instant on: back to who gave it. Never more than stands of it.
pub(super) fn withdraw(posting: &Posting<'_>, wish: &Withdraw) -> Result<(Amount, Effect)> {
    if wish.reason.trim().is_empty() {
        return Err(invalid(format!("grant `{}` is withdrawn without a reason", wish.grant)));
    }
    let (key, posted) = posting.keyed("withdraw:", &wish.key)?;
    if let Some(posted) = posted {
        return repeated_withdrawal(&posted, wish);
    }
    let grants = posting.records.grants(&wish.project)?;
    let Some(grant) = grants.into_iter().find(|known| known.terms.key == wish.grant) else {
        return Err(invalid(format!("project `{}` has no grant `{}`", wish.project, wish.grant)));
    };
    if grant.terms.key.starts_with(PASSED_ON) {
        let why = format!(
            "grant `{}` was passed on by another project, to which a withdrawal would not give it back",
            wish.grant
        );
        let next = format!("pass it back: `pakt ledger delegate {} PROJECT HOURS --reference ...`", wish.project);
        return Err(conflict(why).with_next(&next));
    }
    let stands = grant.standing()?;
    let amount = wish.amount.unwrap_or(stands);
    if amount <= Amount::ZERO || amount > stands {
        let unit = &grant.terms.unit;
        let why = format!("{} of grant `{}` stand, {} are to go", stands.in_hours_of(unit), wish.grant, amount.hours());
        return Err(conflict(why));
    }
    let has_parts = !(grant.terms.lots.is_empty() && grant.passed_on.is_empty());
    if has_parts && amount < stands {
        let why = format!("grant `{}` comes in parts of its own, of which none is taken back alone", wish.grant);
        let next = "withdraw all of it, without hours, and enter it again with other parts";
        return Err(conflict(why).with_next(next));
    }
    let NewGrant { project, programme, unit, window, .. } = grant.terms;
    posting.append(Draft {
        kind: EntryKind::Withdraw,
        unit,
        amount,
        debit: Account::Budget(project.clone()),
        credit: Account::Programme(programme),
        project,
        effective_at: window.from,
        key: Some(key),
        links: Links { grant: Some(wish.grant.clone()), ..Links::default() },
        note: wish.reason.clone(),
        tariff: None,
        particulars: Particulars::None,
        reading: None,
    })?;
    Ok((amount, Effect::Done))
}

fn repeated_withdrawal(posted: &Entry, wish: &Withdraw) -> Result<(Amount, Effect)> {
    let is_same = posted.links.grant.as_ref() == Some(&wish.grant)
        && posted.note == wish.reason
        && wish.amount.is_none_or(|amount| amount == posted.amount);
    if is_same {
        return Ok((posted.amount, Effect::AlreadyDone));
    }
    let why = format!("withdrawal `{}` is entry {} already, with another content", wish.key, posted.number);
    Err(conflict(why).with_next("another withdrawal needs a `--reason` of its own"))
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
