//! Refunds and adjustments.

use super::posting::{Draft, Posting, conflict, invalid};
use crate::records::{BookedCharge, Result, Standing};
use crate::{ALONE_UP_TO, Account, Adjust, Adjusted, Effect, Entry, EntryKind, Links, Particulars, Proposal, Refund};
use model::{Amount, Principal};

/// Gives back what a run was charged: from the account of what was given back, in effect when the charge was.
pub(super) fn refund(posting: &Posting<'_>, wish: &Refund) -> Result<(Amount, Effect)> {
    refuse_empty(&wish.reason)?;
    let key = format!("refund:{}", wish.run);
    if let Some(posted) = posting.records.entry_with_key(&key)? {
        let is_same = posted.note == wish.reason && wish.amount.is_none_or(|amount| amount == posted.amount);
        let why = || format!("run {} was refunded by entry {} already, otherwise", wish.run, posted.number);
        return if is_same { Ok((posted.amount, Effect::AlreadyDone)) } else { Err(conflict(why())) };
    }
    let Some(run) = posting.records.run(&wish.run)? else {
        return Err(invalid(format!("run {} is not in the books", wish.run)));
    };
    let Standing::Charged(BookedCharge { project, unit, amount: charged, effective_at, .. }) = run.standing else {
        return Err(invalid(format!("nobody was charged for run {}", wish.run)));
    };
    let amount = wish.amount.unwrap_or(charged);
    if amount <= Amount::ZERO || amount > charged {
        let why =
            format!("run {} was charged {}, {} are to go back", wish.run, charged.in_hours_of(&unit), amount.hours());
        return Err(conflict(why));
    }
    posting.append(Draft {
        kind: EntryKind::Refund,
        debit: Account::Refunded(unit.site().clone(), unit.class().clone()),
        unit,
        amount,
        credit: Account::Budget(project.clone()),
        project,
        effective_at,
        key: Some(key),
        links: Links { run: Some(run.key), ..Links::default() },
        note: wish.reason.clone(),
        tariff: None,
        particulars: Particulars::None,
        reading: None,
    })?;
    Ok((amount, Effect::Done))
}

/// Enters an adjustment that one person may make, or puts it down for another one to agree to.
pub(super) fn adjust(posting: &Posting<'_>, wish: &Adjust) -> Result<Adjusted> {
    refuse_empty(&wish.reason)?;
    if wish.amount == Amount::ZERO {
        return Err(invalid("an adjustment by nothing changes nothing"));
    }
    if let Some(posted) = posting.records.entry_with_key(&key_of(wish))? {
        return repeated(&posted, wish);
    }
    let size = if wish.amount < Amount::ZERO { wish.amount.negated()? } else { wish.amount };
    if size <= ALONE_UP_TO {
        enter(posting, wish)?;
        return Ok(Adjusted::Entered);
    }
    match posting.records.proposal(&wish.key)? {
        Some(known) if known.wish != *wish => {
            let by = known.proposed_by.user;
            Err(conflict(format!("adjustment `{}` waits already, with another content, by {by}", wish.key)))
        }
        Some(_) => Ok(Adjusted::Waits),
        None => {
            let proposed_by = posting.actor.clone();
            let proposal = Proposal { wish: wish.clone(), proposed_by, proposed_at: posting.now, entry: None };
            posting.records.put_proposal(&proposal)?;
            Ok(Adjusted::Waits)
        }
    }
}

/// Agrees to an adjustment that somebody else wants.
pub(super) fn agree(posting: &Posting<'_>, key: &str) -> Result<Adjusted> {
    let Some(known) = posting.records.proposal(key)? else {
        return Err(invalid(format!("no adjustment `{key}` waits")));
    };
    if known.entry.is_some() {
        return Ok(Adjusted::EnteredBefore);
    }
    if known.proposed_by == *posting.actor {
        let most = ALONE_UP_TO.in_hours_of(&known.wish.unit);
        let why = format!("you want adjustment `{key}` yourself, and above {most} somebody else has to agree");
        return Err(conflict(why));
    }
    let entry = enter(posting, &known.wish)?;
    posting.records.put_proposal(&Proposal { entry: Some(entry), ..known })?;
    Ok(Adjusted::Entered)
}

/// Erases a person; the post has its author's name, so that nobody erases themselves.
pub(super) fn erase(posting: &Posting<'_>, who: &Principal) -> Result<Option<u64>> {
    if who == posting.actor {
        return Err(conflict("the erasure would stand under your own name: somebody else has to enter it"));
    }
    posting.records.erase(who, posting.now)
}

fn key_of(wish: &Adjust) -> String {
    format!("adjust:{}", wish.key)
}

fn enter(posting: &Posting<'_>, wish: &Adjust) -> Result<u64> {
    let (budget, adjusted) =
        (Account::Budget(wish.project.clone()), Account::Adjusted(wish.unit.site().clone(), wish.unit.class().clone()));
    let is_loss = wish.amount < Amount::ZERO;
    let (debit, credit) = if is_loss { (budget, adjusted) } else { (adjusted, budget) };
    posting.append(Draft {
        kind: EntryKind::Adjust,
        unit: wish.unit.clone(),
        amount: if is_loss { wish.amount.negated()? } else { wish.amount },
        debit,
        credit,
        project: wish.project.clone(),
        effective_at: wish.at,
        key: Some(key_of(wish)),
        links: Links::default(),
        note: wish.reason.clone(),
        tariff: None,
        particulars: Particulars::None,
        reading: None,
    })
}

fn repeated(posted: &Entry, wish: &Adjust) -> Result<Adjusted> {
    let is_same = crate::rules::budget_change(posted)? == wish.amount
        && posted.unit == wish.unit
        && posted.project == wish.project
        && posted.effective_at == wish.at
        && posted.note == wish.reason;
    if is_same {
        return Ok(Adjusted::EnteredBefore);
    }
    Err(conflict(format!("adjustment `{}` is entry {} already, with another content", wish.key, posted.number)))
}

fn refuse_empty(reason: &str) -> Result<()> {
    if reason.trim().is_empty() { Err(invalid("no reason is given")) } else { Ok(()) }
}
