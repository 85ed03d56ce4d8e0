//! Holds: made, amended, closed.

use super::posting::{Draft, Posting, conflict, invalid, refuse_too_large, used};
use super::settle::charge_again;
use crate::records::{BookedRun, Result};
use crate::rules::{self, LARGE};
use crate::{
    Account, AmendHold, CLOCK_TOLERANCE_SECONDS, CloseHold, Closing, Effect, EntryKind, Hold, HoldId, LedgerError,
    LedgerErrorKind, Links, NewCeiling, NewHold, Outcome, Particulars,
};
use model::{Amount, ProjectName, Unit, Window};

/// Makes a hold. Runs of the job that are in the books already, because the hold comes late, are charged to it.
pub(super) fn hold(posting: &Posting<'_>, new: &NewHold) -> Result<Outcome> {
    if new.ceiling < Amount::ZERO {
        return Err(invalid(format!("hold {} has a negative ceiling", new.id)));
    }
    refuse_too_large(&format!("hold {}", new.id), new.ceiling, &new.unit)?;
    if new.anyway.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(invalid(format!("hold {} is wanted anyway, without a reason", new.id)));
    }
    if let Some(expected) = new.expected.filter(|expected| expected.to < expected.from) {
        let Window { from, to } = expected;
        return Err(invalid(format!("the job of hold {} would end at {to}, before it starts at {from}", new.id)));
    }
    if let Some(known) = posting.records.hold(new.id)? {
        return repeated(known, new);
    }
    refuse_too_large_a_sum(posting, (new.id, &new.project, &new.unit), new.ceiling)?;
    if new.anyway.is_none() && !new.is_provisional {
        authorise(posting, (&new.project, &new.unit), new.ceiling, new.expected)?;
    }
    let hold = Hold {
        id: new.id,
        project: new.project.clone(),
        unit: new.unit.clone(),
        first_ceiling: new.ceiling,
        ceiling: new.ceiling,
        charged: Amount::ZERO,
        note: new.note.clone(),
        anyway: new.anyway.clone(),
        is_provisional: new.is_provisional,
        expected: new.expected,
        opened_at: posting.recorded_at,
        opened_by: posting.actor.clone(),
        closing: None,
    };
    let (anyway, is_provisional, expected) = (new.anyway.clone(), new.is_provisional, new.expected);
    let terms = Particulars::Terms { anyway, is_provisional, expected };
    reserve(posting, &hold, EntryKind::Hold, new.ceiling, format!("hold:{}", new.id), terms)?;
    posting.records.put_hold(&hold)?;
    let runs = posting.records.runs_of_job(new.id.0)?;
    // Others' runs with its stamp stay with whom they are charged to, whatever was bound since.
    for run in runs.into_iter().filter(|run| hold.is_drawn_by(&run.key.site, &run.settled.run.user)) {
        charge_again(posting, &run, EntryKind::Correct)?;
    }
    Ok(Outcome::Held(known(posting, new.id)?, Effect::Done))
}

fn repeated(known: Hold, new: &NewHold) -> Result<Outcome> {
    if known.project == new.project && known.unit == new.unit && known.first_ceiling == new.ceiling {
        return Ok(Outcome::Held(known, Effect::AlreadyDone));
    }
    let (ceiling, unit) = (known.first_ceiling, &known.unit);
    let why = format!("hold {} was made for {} of `{}`", new.id, ceiling.in_hours_of(unit), known.project);
    let next = "leave `--id` out for another reservation; `pakt ledger release ID` ends this one";
    Err(conflict(why).with_fact("hold", &new.id).with_next(next))
}

/// Changes the ceiling of an open hold. What raises the reservation is authorised as a new hold is, unless the hold
/// itself was made without, or the job was seen to be changed already.
pub(super) fn amend(posting: &Posting<'_>, AmendHold { id, ceiling }: &AmendHold) -> Result<Outcome> {
    let wanted = match ceiling {
        NewCeiling::Wanted(amount) => *amount,
        NewCeiling::Seen { why, .. } if why.trim().is_empty() => {
            return Err(invalid(format!("hold {id} would be amended by what was seen, without a word of what")));
        }
        NewCeiling::Seen { rest, .. } => *rest,
    };
    if wanted < Amount::ZERO {
        return Err(invalid(format!("hold {id} would have a negative ceiling")));
    }
    let hold = known(posting, *id)?;
    refuse_too_large(&format!("hold {id}"), wanted, &hold.unit)?;
    match ceiling {
        NewCeiling::Wanted(_) => amend_as_wanted(posting, hold, wanted),
        NewCeiling::Seen { rest, why } => amend_as_seen(posting, hold, *rest, why),
    }
}

fn amend_as_wanted(posting: &Posting<'_>, mut hold: Hold, ceiling: Amount) -> Result<Outcome> {
    if hold.ceiling == ceiling {
        return Ok(Outcome::Amended(hold, Effect::AlreadyDone));
    }
    if !hold.is_open() {
        return Err(conflict(format!("hold {} is closed", hold.id)).with_fact("hold", &hold.id));
    }
    let before = hold.remainder()?;
    hold.ceiling = ceiling;
    refuse_too_large_a_sum(posting, (hold.id, &hold.project, &hold.unit), hold.remainder()?)?;
    if hold.anyway.is_none() && !hold.is_provisional {
        let wanted = hold.remainder()?.minus(before)?;
        authorise(posting, (&hold.project, &hold.unit), wanted, hold.expected)?;
    }
    let note = hold.note.clone();
    put_amended(posting, hold, note, Particulars::None)
}

/// The charges are those of now, inside the transaction: whoever saw the job need not know what was charged meanwhile.
fn amend_as_seen(posting: &Posting<'_>, mut hold: Hold, rest: Amount, why: &str) -> Result<Outcome> {
    let ceiling = hold.charged.max(Amount::ZERO).plus(rest)?;
    if hold.ceiling == ceiling || !hold.is_open() {
        return Ok(Outcome::Amended(hold, Effect::AlreadyDone));
    }
    hold.ceiling = ceiling;
    let note = format!("{}: {why}", hold.note);
    put_amended(posting, hold, note, Particulars::Terms { anyway: None, is_provisional: true, expected: None })
}

fn put_amended(posting: &Posting<'_>, hold: Hold, note: String, particulars: Particulars) -> Result<Outcome> {
    let key = format!("amend:{}:{}", hold.id, posting.records.next_number()?);
    let noted = Hold { note, ..hold.clone() };
    reserve(posting, &noted, EntryKind::Amend, hold.ceiling, key, particulars)?;
    posting.records.put_hold(&hold)?;
    Ok(Outcome::Amended(hold, Effect::Done))
}

/// Closes a hold. The first close counts; a later one gets its answer. While a run of its job has no price, nobody knows
/// what it takes, and the hold stays.
pub(super) fn close(posting: &Posting<'_>, close: &CloseHold) -> Result<Outcome> {
    let mut hold = known(posting, close.id)?;
    if !hold.is_open() {
        return Ok(Outcome::Closed(hold, Effect::AlreadyDone));
    }
    if goes_on(posting, close)? {
        return Ok(Outcome::StaysOpen(hold));
    }
    let runs = posting.records.runs_of_job(close.id.0)?;
    let is_its = |run: &BookedRun| hold.is_drawn_by(&run.key.site, &run.settled.run.user);
    if runs.iter().any(|run| is_its(run) && run.settled.price.known().is_none()) {
        return Ok(Outcome::StaysOpen(hold));
    }
    let (key, remainder) = (format!("release:{}", hold.id), hold.remainder()?);
    let particulars = Particulars::Closing { reason: close.reason };
    reserve(posting, &hold, EntryKind::Release, remainder, key, particulars)?;
    hold.closing = Some(Closing { reason: close.reason, at: posting.recorded_at });
    posting.records.put_hold(&hold)?;
    Ok(Outcome::Closed(hold, Effect::Done))
}

/// Whether the job was seen waiting or running after it was read to be over, as a job is that was started again.
fn goes_on(posting: &Posting<'_>, close: &CloseHold) -> Result<bool> {
    let Some(read_at) = close.read_at else { return Ok(false) };
    // What a clock that is ahead has dated does not count.
    let until = posting.now.plus_seconds(CLOCK_TOLERANCE_SECONDS);
    Ok(posting.records.seen_at(close.id.0, until)?.is_some_and(|seen_at| seen_at > read_at))
}

fn known(posting: &Posting<'_>, id: HoldId) -> Result<Hold> {
    posting.records.hold(id)?.ok_or_else(|| {
        LedgerError::never(LedgerErrorKind::UnknownHold, format!("there is no hold {id}")).with_fact("hold", &id)
    })
}

/// Refuses a large hold where all open holds of its budget come to more than any site could own.
fn refuse_too_large_a_sum(
    posting: &Posting<'_>,
    (id, project, unit): (HoldId, &ProjectName, &Unit),
    rest: Amount,
) -> Result<()> {
    if rest <= LARGE {
        return Ok(());
    }
    let holds = posting.records.balance_parts(Some(project), posting.now)?.holds;
    let is_beside = |hold: &&Hold| hold.is_open() && hold.id != id && hold.project == *project && hold.unit == *unit;
    let mut sum = rest;
    for hold in holds.iter().filter(is_beside) {
        sum = sum.plus(hold.remainder()?)?;
    }
    refuse_too_large(&format!("what `{project}` holds with hold {id}"), sum, unit)
}

/// Refuses what an enforced budget does not cover. Inside the transaction, so that no other writer comes between.
fn authorise(
    posting: &Posting<'_>,
    (project, unit): (&ProjectName, &Unit),
    wanted: Amount,
    expected: Option<Window>,
) -> Result<()> {
    if !posting.records.is_enforced(project, unit)? {
        return Ok(());
    }
    let parts = posting.records.balance_parts(Some(project), posting.now)?;
    match rules::refusal(&parts, (project, unit), wanted, expected, posting.now)? {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// Appends an entry that reserves or frees again; its accounts are those a charge would move between.
fn reserve(
    posting: &Posting<'_>,
    hold: &Hold,
    kind: EntryKind,
    amount: Amount,
    key: String,
    particulars: Particulars,
) -> Result<()> {
    posting.append(Draft {
        kind,
        unit: hold.unit.clone(),
        amount,
        debit: Account::Budget(hold.project.clone()),
        credit: used(&hold.unit),
        project: hold.project.clone(),
        effective_at: posting.now,
        key: Some(key),
        links: Links { hold: Some(hold.id), ..Links::default() },
        note: hold.note.clone(),
        tariff: None,
        particulars,
        reading: None,
    })?;
    Ok(())
}
