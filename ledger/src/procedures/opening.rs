//! Openings: what was used of a budget until an instant, and what becomes of the runs that ended by then.
//!
//! An opening says the whole of what was used. What the ledger had charged by then is a part of it, and the rest is entered. From
//! then on no such run is charged again: it is covered. Where a charge that was a part is reversed, the opening takes its place, so
//! that the whole stays what was said.

use super::posting::{Draft, Posting, conflict, invalid, refuse_too_large};
use crate::records::{BookedCharge, BookedRun, Result};
use crate::rules::OPENING;
use crate::{Account, Effect, Entry, EntryKind, Links, NewOpening, Outcome, Particulars, is_ahead};
use model::{Amount, ProjectName, Timestamp, Unit};

/// The opening of a budget.
#[derive(Clone, Copy)]
pub(super) struct Opened {
    /// The number of its entry.
    entry: u64,
    since: Option<Timestamp>,
    as_of: Timestamp,
}

impl Opened {
    fn of(entry: &Entry) -> Self {
        let since = match entry.particulars {
            Particulars::Opening { since, .. } => since,
            _ => None,
        };
        Self { entry: entry.number, since, as_of: entry.effective_at }
    }

    /// Whether a run that ended then is in it.
    fn covers(&self, ended_at: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= ended_at) && ended_at <= self.as_of
    }
}

/// The key of the entry that opens a budget, of which there is one.
pub(crate) fn opening_key(project: &ProjectName, unit: &Unit) -> String {
    format!("{OPENING}opening/{project}/{unit}")
}

/// Enters what was used and is in no charge: out of the budget, without a run behind it.
pub(super) fn open(posting: &Posting<'_>, wish: &NewOpening) -> Result<Outcome> {
    if wish.used_before < Amount::ZERO {
        return Err(invalid(format!("the opening of `{}` is negative", wish.project)));
    }
    refuse_too_large(&format!("the opening of `{}`", wish.project), wish.used_before, &wish.unit)?;
    if is_ahead(wish.as_of, posting.now) {
        let why = format!("it is as of {}, and it is {} now", wish.as_of, posting.now);
        return Err(invalid(why).with_next("write a time that is over behind `--as-of`"));
    }
    if let Some(posted) = posting.records.entry_with_key(&opening_key(&wish.project, &wish.unit))? {
        return repeated(&posted, wish);
    }
    let known = posting.records.spent_through(&wish.project, &wish.unit, wish.since, wish.as_of)?;
    let entered = wish.used_before.minus(known)?;
    if entered < Amount::ZERO {
        let [said, known] = [wish.used_before, known].map(|amount| amount.in_hours_of(&wish.unit));
        let why = format!("{said} were used in all by {}, and the ledger has {known} by then already", wish.as_of);
        let next = format!(
            "say all that was used, runs in the ledger included; what is charged too much there goes back by `pakt ledger \
             adjust`; `pakt ledger statement {} --unit {}` lists it",
            wish.project, wish.unit
        );
        return Err(conflict(why).with_next(&next));
    }
    enter(posting, wish, entered)?;
    Ok(Outcome::Opened { known, entered, effect: Effect::Done })
}

/// Posts the entry.
pub(super) fn enter(posting: &Posting<'_>, wish: &NewOpening, entered: Amount) -> Result<()> {
    let draft = Draft {
        key: Some(opening_key(&wish.project, &wish.unit)),
        note: wish.note.clone(),
        particulars: Particulars::Opening { used: wish.used_before, since: wish.since },
        ..draft((&wish.project, &wish.unit), wish.as_of, entered)
    };
    posting.append(draft)?;
    posting.openings.take();
    Ok(())
}

fn draft((project, unit): (&ProjectName, &Unit), as_of: Timestamp, amount: Amount) -> Draft {
    Draft {
        kind: EntryKind::Opening,
        unit: unit.clone(),
        amount,
        debit: Account::Budget(project.clone()),
        credit: Account::Opening(project.clone()),
        project: project.clone(),
        effective_at: as_of,
        key: None,
        links: Links::default(),
        note: String::new(),
        tariff: None,
        particulars: Particulars::None,
        reading: None,
    }
}

fn repeated(posted: &Entry, wish: &NewOpening) -> Result<Outcome> {
    let said = match posted.particulars {
        Particulars::Opening { used, since } => (used, since),
        // Of an earlier release, which entered what it was told.
        _ => (posted.amount, None),
    };
    if said == (wish.used_before, wish.since) && posted.effective_at == wish.as_of && posted.note == wish.note {
        let known = said.0.minus(posted.amount)?;
        return Ok(Outcome::Opened { known, entered: posted.amount, effect: Effect::AlreadyDone });
    }
    let why = format!(
        "`{}` has an opening in {}: entry {} says {} by {}, and a budget has one",
        wish.project,
        wish.unit,
        posted.number,
        said.0.in_hours_of(&wish.unit),
        posted.effective_at
    );
    Err(conflict(why).with_fact("entry", &posted.number).with_next(
        "a budget has one opening: `pakt ledger adjust PROJECT HOURS --unit UNIT` corrects it, with the reason",
    ))
}

/// Whether the opening of a budget has a run that ended then.
pub(super) fn covers(
    posting: &Posting<'_>,
    (project, unit): (&ProjectName, &Unit),
    ended_at: Timestamp,
) -> Result<bool> {
    Ok(opened(posting, project, unit)?.is_some_and(|opened| opened.covers(ended_at)))
}

fn opened(posting: &Posting<'_>, project: &ProjectName, unit: &Unit) -> Result<Option<Opened>> {
    if let Some(known) = posting.openings.borrow().get(unit).and_then(|projects| projects.get(project)) {
        return Ok(*known);
    }
    let read = posting.records.entry_with_key(&opening_key(project, unit))?.as_ref().map(Opened::of);
    posting.openings.borrow_mut().entry(unit.clone()).or_default().insert(project.clone(), read);
    Ok(read)
}

/// Has the opening take the place of a charge that was reversed and is a part of what it says. What was given back of the charge stays
/// given back, unless that came after the opening and is given back of another charge again.
pub(super) fn take_the_place(
    posting: &Posting<'_>,
    run: &BookedRun,
    old: &BookedCharge,
    refund: Option<&Entry>,
    is_refunded_again: bool,
) -> Result<()> {
    let Some(opened) = opened(posting, &old.project, &old.unit)? else { return Ok(()) };
    let is_part = old.entries.first().is_some_and(|first| *first < opened.entry) && opened.covers(old.effective_at);
    if !is_part {
        return Ok(());
    }
    let refund = refund.filter(|refund| !is_refunded_again || refund.number < opened.entry);
    let amount = old.amount.minus(refund.map_or(Amount::ZERO, |refund| refund.amount))?;
    if amount > Amount::ZERO {
        posting.append(Draft {
            key: Some(format!("opened:{}#{}", run.key, run.revision)),
            note: format!("run {} was charged before, and is in what the opening says", run.key),
            ..draft((&old.project, &old.unit), opened.as_of, amount)
        })?;
    }
    Ok(())
}
