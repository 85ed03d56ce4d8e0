//! Refunds and adjustments.

use super::posting::{Draft, Posting, Reading, conflict, invalid};
use super::settle::reading;
use crate::by_hand::{ADJUST, PROPOSE, agreed_key};
use crate::records::{BookedCharge, BookedRun, Result, Standing};
use crate::{
    ALONE_UP_TO, ALONE_WITHIN_SECONDS, Account, Adjust, Adjusted, Effect, Entry, EntryKind, LedgerError, Links,
    Particulars, Proposal, Refund, is_ahead,
};
use model::{Amount, Principal};

const REFUNDED: &str =
    "a run is refunded once for each charge; `pakt ledger adjust` gives a budget more, with the reason";

/// Gives back what a run was charged: from the account of what was given back, in effect when the charge was.
pub(super) fn refund(posting: &Posting<'_>, wish: &Refund) -> Result<(Amount, Effect)> {
    refuse_empty(&wish.reason)?;
    let Some(run) = posting.records.run(&wish.run)? else {
        return Err(invalid(format!("run {} is not in the books", wish.run)));
    };
    if let Some(posted) = posting.records.entry_with_key(&refund_key(&run))? {
        let is_same = posted.note == wish.reason && wish.amount.is_none_or(|amount| amount == posted.amount);
        let why = || format!("run {} was refunded by entry {} already, otherwise", wish.run, posted.number);
        return if is_same {
            Ok((posted.amount, Effect::AlreadyDone))
        } else {
            Err(conflict(why()).with_next(REFUNDED))
        };
    }
    if let Standing::Covered(BookedCharge { project, .. }) = &run.standing {
        let why = format!("run {} was charged to nobody: it is in what the opening of `{project}` says", wish.run);
        return Err(invalid(why).with_next("change what is left by hand: `pakt ledger adjust`"));
    }
    let Standing::Charged(charge) = &run.standing else {
        return Err(invalid(format!("nobody was charged for run {}", wish.run)));
    };
    let BookedCharge { unit, amount: charged, .. } = charge;
    let amount = wish.amount.unwrap_or(*charged);
    if amount <= Amount::ZERO || amount > *charged {
        let (charged, wanted) = (charged.in_hours_of(unit), amount.hours());
        let why = format!("run {} was charged {charged}, {wanted} are to go back", wish.run);
        return Err(conflict(why).with_next("write fewer hours, more than none; without any, all of it goes back"));
    }
    give_back(posting, &run, charge, amount, wish.reason.clone())?;
    Ok((amount, Effect::Done))
}

/// A run is refunded once for each charge of it.
fn refund_key(run: &BookedRun) -> String {
    refund_key_of(run, run.revision)
}

fn refund_key_of(run: &BookedRun, revision: u32) -> String {
    match revision {
        0 => format!("refund:{}", run.key),
        revision => format!("refund:{}#{revision}", run.key),
    }
}

fn give_back(
    posting: &Posting<'_>,
    run: &BookedRun,
    charge: &BookedCharge,
    amount: Amount,
    note: String,
) -> Result<u64> {
    let BookedCharge { project, unit, effective_at, .. } = charge;
    posting.append(Draft {
        kind: EntryKind::Refund,
        unit: unit.clone(),
        amount,
        debit: Account::Refunded(unit.site().clone(), unit.class().clone()),
        credit: Account::Budget(project.clone()),
        project: project.clone(),
        effective_at: *effective_at,
        key: Some(refund_key(run)),
        links: Links { run: Some(run.key.clone()), ..Links::default() },
        note,
        tariff: None,
        particulars: Particulars::None,
        // It goes back where it was taken, over the time of the run; what was used stays used, whoever did.
        reading: Some(Reading { user: None, content: None, ..reading(run) }),
    })
}

/// Takes back what was refunded of a charge that is being reversed: it cannot outlive what it gave back.
/// What it was.
pub(super) fn take_refund_back(posting: &Posting<'_>, run: &BookedRun) -> Result<Option<Entry>> {
    let Some(posted) = posting.records.entry_with_key(&refund_key(run))? else { return Ok(None) };
    posting.append(Draft {
        kind: EntryKind::Refund,
        unit: posted.unit.clone(),
        amount: posted.amount,
        debit: posted.credit.clone(),
        credit: posted.debit.clone(),
        project: posted.project.clone(),
        effective_at: posted.effective_at,
        key: None,
        links: Links { reverses: Some(posted.number), ..posted.links.clone() },
        note: posted.note.clone(),
        tariff: None,
        particulars: Particulars::None,
        reading: Some(Reading { user: None, ran: posted.ran.clone(), content: None }),
    })?;
    Ok(Some(posted))
}

/// Gives back of the new charge of a run what somebody wanted to be given back of it, whatever it was charged, and whoever paid,
/// in the meantime; as far as there is so much of it.
pub(super) fn refund_again(posting: &Posting<'_>, run: &BookedRun, charge: &BookedCharge) -> Result<()> {
    let Some(wanted) = wanted_back(posting, run, charge)? else { return Ok(()) };
    let amount = wanted.amount.min(charge.amount);
    if amount > Amount::ZERO {
        give_back(posting, run, charge, amount, wanted.note)?;
    }
    Ok(())
}

/// What was given back of an earlier charge of a run in the same unit. Of several it is the most: the others are what smaller
/// charges left of it.
fn wanted_back(posting: &Posting<'_>, run: &BookedRun, charge: &BookedCharge) -> Result<Option<Entry>> {
    let mut most = None::<Entry>;
    for revision in 0..run.revision {
        let posted = posting.records.entry_with_key(&refund_key_of(run, revision))?;
        if let Some(posted) = posted.filter(|posted| posted.unit == charge.unit)
            && most.as_ref().is_none_or(|most| most.amount <= posted.amount)
        {
            most = Some(posted);
        }
    }
    Ok(most)
}

/// Enters an adjustment that one person may make, or puts it down for another one to agree to.
pub(super) fn adjust(posting: &Posting<'_>, wish: &Adjust) -> Result<Adjusted> {
    refuse_empty(&wish.reason)?;
    if is_ahead(wish.at, posting.now) {
        let why = format!("it would take effect at {}, and it is {} now", wish.at, posting.now);
        return Err(invalid(why).with_next("write a day or time that has begun behind `--at`, or leave it out"));
    }
    if wish.amount == Amount::ZERO {
        let next = "write the hours that the budget gets, with `-` in front where it loses them";
        return Err(invalid("an adjustment by nothing changes nothing").with_next(next));
    }
    let (key, posted) = posting.keyed(ADJUST, &wish.key)?;
    if let Some(posted) = posted {
        return repeated(&posted, wish);
    }
    let waiting = posting.records.proposal(&wish.key)?;
    let size = if wish.amount < Amount::ZERO { wish.amount.negated()? } else { wish.amount };
    if waiting.is_none() && adjusted_alone(posting, wish)?.plus(size)? <= ALONE_UP_TO {
        append(posting, wish, (EntryKind::Adjust, key))?;
        return Ok(Adjusted::Entered);
    }
    match waiting {
        Some(known) if known.wish != *wish => {
            let by = known.proposed_by.user;
            let why = format!("adjustment `{}` waits already, with another content, by {by}", wish.key);
            Err(conflict(why).with_next("`pakt ledger agree` lists it; another one needs a `--reason` of its own"))
        }
        Some(_) if is_proposed(posting, &wish.key)? => Ok(Adjusted::Waits),
        _ => propose(posting, wish),
    }
}

/// Puts an adjustment down for another one to agree to, as an entry: whoever checks the log has to see both of them.
fn propose(posting: &Posting<'_>, wish: &Adjust) -> Result<Adjusted> {
    let proposed_by = posting.actor.clone();
    let proposal = Proposal { wish: wish.clone(), proposed_by, proposed_at: posting.recorded_at, entry: None };
    posting.records.put_proposal(&proposal)?;
    match posting.keyed(PROPOSE, &wish.key)? {
        (key, None) => {
            append(posting, wish, (EntryKind::Propose, key))?;
        }
        // Whoever put it down was erased since, and what waited with them.
        (_, Some(posted)) if is_same_wish(&posted, wish)? => {}
        (_, Some(posted)) => return Err(taken(&posted, wish)),
    }
    Ok(Adjusted::Waits)
}

fn is_proposed(posting: &Posting<'_>, key: &str) -> Result<bool> {
    Ok(posting.keyed(PROPOSE, key)?.1.is_some())
}

/// What the same person has adjusted of the budget lately without anybody's agreement, gains and losses alike: many small
/// ones are a large one.
fn adjusted_alone(posting: &Posting<'_>, wish: &Adjust) -> Result<Amount> {
    let since = posting.recorded_at.plus_seconds(-ALONE_WITHIN_SECONDS);
    let mut sum = Amount::ZERO;
    for entry in posting.records.adjustments(&wish.project)? {
        let is_counted = entry.unit == wish.unit && entry.actor.user == posting.actor.user && entry.recorded_at > since;
        if is_counted && !is_agreed(posting, &entry)? {
            sum = sum.plus(entry.amount)?;
        }
    }
    Ok(sum)
}

/// Whether two people stand behind an adjustment.
fn is_agreed(posting: &Posting<'_>, entry: &Entry) -> Result<bool> {
    let key = entry.key.as_deref().and_then(|key| key.strip_prefix(ADJUST)).unwrap_or_default();
    let proposed = posting.records.entry_with_key(&format!("{PROPOSE}{key}"))?;
    // An earlier release made no entry of what waits.
    Ok(proposed.is_some_and(|proposed| proposed.actor.user != entry.actor.user)
        || posting.records.proposal(key)?.is_some_and(|proposal| proposal.entry == Some(entry.number)))
}

/// Agrees to an adjustment that somebody else wants.
pub(super) fn agree(posting: &Posting<'_>, key: &str) -> Result<Adjusted> {
    let Some(known) = posting.records.proposal(key)? else {
        let why = format!("no adjustment `{key}` waits");
        return Err(invalid(why).with_next("`pakt ledger agree` lists those that do, with their keys"));
    };
    if known.entry.is_some() {
        return Ok(Adjusted::EnteredBefore);
    }
    // The site is what the program was told; the name is the operating system's.
    if known.proposed_by.user == posting.actor.user {
        let most = ALONE_UP_TO.in_hours_of(&known.wish.unit);
        let why = format!("you want adjustment `{key}` yourself, and above {most} somebody else has to agree");
        return Err(conflict(why).with_next(&format!("have another person of the group run `pakt ledger agree {key}`")));
    }
    if !is_proposed(posting, key)? {
        let why = format!("adjustment `{key}` was put down by an earlier release, which made no entry of that");
        return Err(conflict(why).with_next("enter the same adjustment once more, then have somebody agree"));
    }
    let entry = append(posting, &known.wish, (EntryKind::Adjust, agreed(posting, key)?))?;
    posting.records.put_proposal(&Proposal { entry: Some(entry), ..known })?;
    Ok(Adjusted::Entered)
}

/// Erases a person; the post has its author's name, so that nobody erases themselves.
pub(super) fn erase(posting: &Posting<'_>, who: &Principal) -> Result<Option<u64>> {
    if who.user == posting.actor.user {
        let why = "the erasure would stand under your own name: somebody else has to enter it";
        return Err(conflict(why).with_next("have another person of the group run the same command"));
    }
    let Some(erased) = posting.records.erase(who, posting.recorded_at)? else { return Ok(None) };
    for (kind, entry) in erased.changed {
        posting.decide_again(kind, entry)?;
    }
    for (kind, entry) in erased.gone {
        posting.take_back(kind, entry)?;
    }
    Ok(Some(erased.runs))
}

/// The key of the adjustment that a proposal becomes: that of the entry which proposes it, as whoever checks the log puts the two
/// together by it.
fn agreed(posting: &Posting<'_>, key: &str) -> Result<String> {
    let (kept, posted) = posting.keyed(PROPOSE, key)?;
    Ok(agreed_key(&posted.and_then(|posted| posted.key).unwrap_or(kept)))
}

/// Appends the entry of an adjustment, or the one that proposes it and moves nothing.
fn append(posting: &Posting<'_>, wish: &Adjust, (kind, key): (EntryKind, String)) -> Result<u64> {
    let (budget, adjusted) =
        (Account::Budget(wish.project.clone()), Account::Adjusted(wish.unit.site().clone(), wish.unit.class().clone()));
    let is_loss = wish.amount < Amount::ZERO;
    let (debit, credit) = if is_loss { (budget, adjusted) } else { (adjusted, budget) };
    posting.append(Draft {
        kind,
        unit: wish.unit.clone(),
        amount: if is_loss { wish.amount.negated()? } else { wish.amount },
        debit,
        credit,
        project: wish.project.clone(),
        effective_at: wish.at,
        key: Some(key),
        links: Links::default(),
        note: wish.reason.clone(),
        tariff: None,
        particulars: Particulars::None,
        reading: None,
    })
}

fn repeated(posted: &Entry, wish: &Adjust) -> Result<Adjusted> {
    if is_same_wish(posted, wish)? { Ok(Adjusted::EnteredBefore) } else { Err(taken(posted, wish)) }
}

fn taken(posted: &Entry, wish: &Adjust) -> LedgerError {
    let why = format!("adjustment `{}` is entry {} already, with another content", wish.key, posted.number);
    conflict(why).with_next("another adjustment needs a `--reason` of its own")
}

fn is_same_wish(posted: &Entry, wish: &Adjust) -> Result<bool> {
    let change = match &posted.credit {
        Account::Budget(_) => posted.amount,
        _ => posted.amount.negated()?,
    };
    Ok(change == wish.amount
        && posted.unit == wish.unit
        && posted.project == wish.project
        && posted.effective_at == wish.at
        && posted.note == wish.reason)
}

fn refuse_empty(reason: &str) -> Result<()> {
    if reason.trim().is_empty() { Err(invalid("no reason is given")) } else { Ok(()) }
}
