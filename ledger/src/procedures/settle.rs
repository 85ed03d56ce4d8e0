//! Settling: a run becomes a charge, a changed run a correction.

use super::posting::{Draft, Posting, Reading as Told, used};
use super::{by_hand, opening};
use crate::evidence::Pseudonym;
use crate::records::{BookedCharge, BookedRun, Result, Standing};
use crate::rules::{self, Attribution, BindingsByAccount, Charge, Content, Joined, Spender};
use crate::{
    Account, EntryKind, Hold, HoldId, LedgerError, LedgerErrorKind, Links, Particulars, Ran, SettleOutcome, SettledRun,
    UnattributedReason, is_ahead,
};
use model::{Amount, EvidenceClass, Timestamp};
use std::sync::Arc;

/// Takes in one run that has ended.
pub(super) fn settle(posting: &Posting<'_>, settled: &Arc<SettledRun>) -> Result<SettleOutcome> {
    if let Some(reason) = rules::contradiction(settled) {
        return Ok(SettleOutcome::Rejected { reason });
    }
    if let Some(ended_at) = settled.run.ended_at.filter(|ended_at| is_ahead(*ended_at, posting.now)) {
        let reason = format!("it ends at {ended_at}, and it is {} now: one of two clocks is wrong", posting.now);
        return Ok(SettleOutcome::Rejected { reason });
    }
    let content = Content::of(settled, &posting.secret()?);
    // A digest does not have what was given to a job: where that was priced, the price tells it.
    if settled.price.known().is_some() && says_nothing_new(posting, settled, content)? {
        return Ok(SettleOutcome::Same);
    }
    let known = match find(posting, settled)? {
        Ok(known) => known,
        Err(reason) => return Ok(SettleOutcome::Rejected { reason }),
    };
    let taken_in = posting.where_it_fits(|| match &known {
        Some(known) => read_again(posting, known, settled),
        None => enter(posting, settled, content),
    })?;
    Ok(taken_in.unwrap_or_else(|reason| SettleOutcome::Rejected { reason }))
}

/// Whether the run stands in the books just so: nothing of it needs to be read, and nothing written but the instant, where
/// it was seen later.
fn says_nothing_new(posting: &Posting<'_>, settled: &SettledRun, content: Content) -> Result<bool> {
    let run = &settled.run;
    let Some(known) = posting.records.run_digest(&run.key)? else { return Ok(false) };
    let learns_sluid = run.sluid.is_some() && known.sluid != run.sluid;
    let is_signed = [run.evidence, known.evidence].contains(&EvidenceClass::SiteSigned);
    let says_more = learns_sluid || is_signed || run.evidence > known.evidence;
    if known.content != content || known.is_priced_apart || says_more {
        return Ok(false);
    }
    let seen_at = rules::seen_at(known.observed_at, run.observed_at, posting.now);
    if seen_at == known.observed_at { Ok(true) } else { posting.records.see_again(&run.key, seen_at) }
}

/// The run in the books that this row is a reading of: by key, else by SLUID. The inner error says why the row is
/// neither a known run nor a new one.
fn find(posting: &Posting<'_>, settled: &SettledRun) -> Result<std::result::Result<Option<BookedRun>, String>> {
    let run = &settled.run;
    let by_key = posting.records.run(&run.key)?;
    let Some(sluid) = &run.sluid else { return Ok(Ok(by_key)) };
    let by_sluid = posting.records.run_with_sluid(&run.key.site, &run.key.cluster, sluid)?;
    Ok(match (by_key, by_sluid) {
        (Some(known), Some(other)) if known.key != other.key => {
            Err(format!("its SLUID {sluid} belongs to run {}", other.key))
        }
        (Some(known), None) if known.settled.run.sluid.is_some() => {
            Err(format!("run {} has another SLUID than {sluid}", known.key))
        }
        // A requeue may show another submit time, never another job.
        (None, Some(other)) if other.key.scheduler_job.raw() != run.key.scheduler_job.raw() => {
            Err(format!("its SLUID {sluid} belongs to run {}", other.key))
        }
        (Some(known), _) | (None, Some(known)) => Ok(Some(known)),
        (None, None) => Ok(None),
    })
}

/// Takes in a reading of a run that is in the books.
fn read_again(posting: &Posting<'_>, known: &BookedRun, settled: &SettledRun) -> Result<SettleOutcome> {
    // Of somebody who was erased the books have no name to compare with: it is the same person, since it is the same run.
    let mut named = known.clone();
    if is_erased(known) {
        Arc::make_mut(&mut named.settled).run.user = settled.run.user.clone();
    }
    let joined = rules::join(&named, settled, posting.now);
    let content = Content::of(&joined.settled, &posting.secret()?);
    let (new, old) = (&joined.settled, &known.settled);
    if content != known.content || (new.price.known().is_none() && new.run.allocated != old.run.allocated) {
        return revise(posting, known, joined, content);
    }
    let adds_nothing =
        if rules::says_the_same(settled, &joined.settled) { SettleOutcome::Same } else { SettleOutcome::Stale };
    let learns_sluid = known.settled.run.sluid.is_none() && settled.run.sluid.is_some();
    let evidence = joined.settled.run.evidence;
    if learns_sluid
        || evidence != known.settled.run.evidence
        || (joined.observed_at, joined.priced_at) != (known.observed_at, known.priced_at)
    {
        let mut seen = BookedRun { observed_at: joined.observed_at, priced_at: joined.priced_at, ..known.clone() };
        let run = &mut Arc::make_mut(&mut seen.settled).run;
        run.evidence = evidence;
        if learns_sluid {
            run.sluid.clone_from(&settled.run.sluid);
        }
        posting.records.put_run(seen)?;
    }
    Ok(adds_nothing)
}

fn enter(posting: &Posting<'_>, settled: &Arc<SettledRun>, content: Content) -> Result<SettleOutcome> {
    let mut run = BookedRun {
        key: settled.run.key.clone(),
        settled: Arc::clone(settled),
        content,
        observed_at: settled.run.observed_at,
        priced_at: None,
        revision: 0,
        raw: None,
        standing: Standing::Unattributed(UnattributedReason::NotBound),
        is_by_rule: false,
        is_new: true,
    };
    let change = recharge(posting, &mut run, None, EntryKind::Correct)?;
    let outcome = match &run.standing {
        Standing::Unattributed(reason) => SettleOutcome::not_charged(reason, &settled.price),
        Standing::Covered(paid) => SettleOutcome::covered(paid),
        Standing::Charged(BookedCharge { project, unit, .. }) => SettleOutcome::New {
            drawn: change.drawn,
            overrun: change.overrun,
            project: project.clone(),
            unit: unit.clone(),
        },
    };
    posting.records.put_run(run)?;
    Ok(outcome)
}

/// Puts what the books say by now in the place of what they said.
fn revise(posting: &Posting<'_>, known: &BookedRun, joined: Joined, content: Content) -> Result<SettleOutcome> {
    let Joined { settled: mut reading, observed_at, priced_at } = joined;
    let run = &mut Arc::make_mut(&mut reading).run;
    run.key = known.key.clone();
    // Whoever was erased stays so, whatever is read again of their runs.
    if is_erased(known) {
        run.user = known.settled.run.user.clone();
        (run.name, run.raw, run.work_directory) = (String::new(), String::new(), None);
    }
    let is_told_alike = rules::tell_the_same(&known.settled.run, run);
    let mut revised = BookedRun { settled: reading, content, observed_at, priced_at, ..known.clone() };
    let change = recharge(posting, &mut revised, Some(&known.settled), EntryKind::Correct)?;
    let outcome = match (&known.standing, &revised.standing) {
        (Standing::Unattributed(_) | Standing::Covered(_), Standing::Unattributed(reason)) => {
            SettleOutcome::not_charged(reason, &revised.settled.price)
        }
        (Standing::Unattributed(_) | Standing::Covered(_), Standing::Covered(paid)) => SettleOutcome::covered(paid),
        // A later tariff that charges the same is noted and no correction.
        (before, after) if is_told_alike && before == after => SettleOutcome::Same,
        (before, after) => SettleOutcome::changed(before, after, change.drawn, change.overrun),
    };
    posting.records.put_run(revised)?;
    Ok(outcome)
}

/// Prices a run in the books anew. Only its price is taken from what is given.
pub(super) fn reprice(posting: &Posting<'_>, settled: &SettledRun) -> Result<SettleOutcome> {
    let Some(known) = posting.records.run(&settled.run.key)? else {
        return Ok(SettleOutcome::Rejected { reason: "it is not in the books".to_owned() });
    };
    let Some(price) = settled.price.known() else { return Ok(SettleOutcome::Same) };
    match known.settled.price.known() {
        Some(old) if old.charges_as(price) => return Ok(SettleOutcome::Same),
        // What one person reprices another one's settling must not undo, so both go by the same order.
        Some(old) if old.tariff.is_ahead_of(&price.tariff) => {
            let reason = format!("it is priced by {}, which is later than {}", old.tariff, price.tariff);
            return Ok(SettleOutcome::Rejected { reason });
        }
        _ => {}
    }
    let anew = SettledRun { run: known.settled.run.clone(), price: settled.price.clone() };
    if let Some(reason) = rules::contradiction(&anew) {
        return Ok(SettleOutcome::Rejected { reason });
    }
    // The digest of an erased person's row was made with the name: it stays, and with it what is known of the row.
    let content = if is_erased(&known) { known.content } else { Content::of(&anew, &posting.secret()?) };
    let anew = Joined { settled: Arc::new(anew), observed_at: known.observed_at, priced_at: known.priced_at };
    let repriced = posting.where_it_fits(|| revise(posting, &known, anew.clone(), content))?;
    Ok(repriced.unwrap_or_else(|reason| SettleOutcome::Rejected { reason }))
}

/// What charging a run anew changed.
#[derive(Default)]
struct Change {
    drawn: Amount,
    overrun: Amount,
}

/// Charges a run that is in the books by what they say now, and stores it; one whose amount does not fit stays as it is.
/// `kind` is that of the entries which change an earlier charge. Whether anything changed.
pub(super) fn charge_again(posting: &Posting<'_>, run: &BookedRun, kind: EntryKind) -> Result<bool> {
    let charged = posting.where_it_fits(|| {
        let mut charged = run.clone();
        recharge(posting, &mut charged, None, kind)?;
        let is_changed = charged.standing != run.standing;
        posting.records.put_run(charged)?;
        Ok(is_changed)
    })?;
    // A run whose amount does not fit is listed with its reason as before; a later reading that fits is charged.
    Ok(charged.unwrap_or(false))
}

/// Charges a run by what the books say now: its hold, else the bindings. Where somebody was charged before and the
/// charge differs, the old entries are reversed and the run is charged anew, by entries of `kind`. What the opening of a budget
/// has already is charged to nobody. `before` is the reading
/// that counted until now, where this is another one. The caller stores the run.
fn recharge(
    posting: &Posting<'_>,
    run: &mut BookedRun,
    before: Option<&SettledRun>,
    kind: EntryKind,
) -> Result<Change> {
    let hold = believed_hold(posting, run)?;
    let bindings = posting.bindings()?;
    let spender = Spender::of_run(&run.settled);
    let found = rules::attribute(spender, run.settled.price.known(), hold.as_ref(), bindings.of(spender.account));
    let found = before.and_then(|before| stays(&bindings, run, before, &found)).map_or(found, Attribution::Charged);
    let found = as_a_rule_found(run, found);
    run.is_by_rule = matches!(&found, Attribution::Charged(Charge { is_by_rule: true, .. }));
    let effective_at = run.settled.run.ended_at.unwrap_or(run.settled.run.observed_at);
    let old = match &run.standing {
        Standing::Charged(old) => Some(old.clone()),
        Standing::Unattributed(_) | Standing::Covered(_) => None,
    };
    if let (Attribution::Charged(new), Some(old)) = (&found, &old)
        && is_same_charge(new, effective_at, old)
        && is_told_alike(posting, run, old)?
    {
        return Ok(Change::default());
    }
    let is_covered = match &found {
        Attribution::Charged(new) => opening::covers(posting, (&new.project, &new.unit), effective_at)?,
        Attribution::Unattributed(_) => false,
    };
    if let Some(old) = &old {
        reverse(posting, run, old, kind)?;
        let refund = by_hand::take_refund_back(posting, run)?;
        run.revision = run.revision.checked_add(1).ok_or(model::AmountError::Overflow)?;
        let is_charged_anew = !is_covered && matches!(found, Attribution::Charged(_));
        opening::take_the_place(posting, run, old, refund.as_ref(), is_charged_anew)?;
    }
    let mut change = Change::default();
    run.standing = match found {
        Attribution::Unattributed(reason) => Standing::Unattributed(reason),
        Attribution::Charged(new) if is_covered => Standing::Covered(new.booked(effective_at, Vec::new())),
        Attribution::Charged(new) => {
            let kind = old.is_some().then_some(kind);
            Standing::Charged(book(posting, run, new, effective_at, kind, &mut change)?)
        }
    };
    if let Standing::Charged(charge) = &run.standing {
        by_hand::refund_again(posting, run, charge)?;
    }
    Ok(change)
}

/// The hold that a run draws from: that of its stamp, where whoever opened it runs it. Of who was erased nobody can tell
/// that, and what is paid stays paid.
fn believed_hold(posting: &Posting<'_>, run: &BookedRun) -> Result<Option<Hold>> {
    let Some(stamp) = run.settled.run.stamp else { return Ok(None) };
    let hold = posting.records.hold(HoldId(stamp.job))?;
    let (site, user) = (&run.key.site, &run.settled.run.user);
    Ok(hold.filter(|hold| {
        let pays = || run.paid().is_some_and(|paid| paid.hold == Some(hold.id));
        hold.is_drawn_by(site, user) || (rules::is_beyond_comparison(hold, user) && pays())
    }))
}

/// The charge of a run that stays with its budget though its account spends another by now, one that has no price for it among
/// them. It does where the bindings of today would lead both readings to the same budget, so that it is not the new facts that
/// move it; where those do, the run goes where it would be had it been read so from the beginning.
fn stays(bindings: &BindingsByAccount, run: &BookedRun, before: &SettledRun, found: &Attribution) -> Option<Charge> {
    let old = run.paid()?;
    let is_found_by_hold = matches!(found, Attribution::Charged(Charge { hold: Some(_), .. }));
    let spender = Spender::of_run(before);
    let was = rules::attribute(spender, before.price.known(), None, bindings.of(spender.account));
    if is_found_by_hold || old.hold.is_some() || !was.leads_where(found) {
        return None;
    }
    let spender = Spender::of_run(&run.settled);
    let place = (&old.project, &old.unit);
    rules::stay(spender, run.settled.price.known(), place, bindings.of(spender.account))
}

/// Whether whoever ran it was erased.
fn is_erased(run: &BookedRun) -> bool {
    run.settled.run.user.as_str().parse::<Pseudonym>().is_ok()
}

/// Of a run whose person was erased, name and directory are gone: the project that a rule found pays on, unless a binding
/// says otherwise.
fn as_a_rule_found(run: &BookedRun, found: Attribution) -> Attribution {
    let (Some(old), true) = (run.paid(), run.is_by_rule && is_erased(run)) else { return found };
    if !matches!(found, Attribution::Unattributed(UnattributedReason::NotBound | UnattributedReason::RulesDisagree)) {
        return found;
    }
    match run.settled.price.in_unit(&old.unit) {
        Some(amount) => Attribution::Charged(Charge {
            project: old.project.clone(),
            unit: old.unit.clone(),
            amount,
            hold: None,
            is_by_rule: true,
        }),
        None => Attribution::Unattributed(UnattributedReason::NotPriced(old.unit.clone())),
    }
}

fn is_same_charge(new: &Charge, effective_at: Timestamp, old: &BookedCharge) -> bool {
    new.project == old.project
        && new.unit == old.unit
        && new.amount == old.amount
        && new.hold == old.hold
        && effective_at == old.effective_at
}

/// Whether the entries of a charge tell of the run what its present reading does.
fn is_told_alike(posting: &Posting<'_>, run: &BookedRun, old: &BookedCharge) -> Result<bool> {
    let Some(number) = old.entries.first() else { return Ok(true) };
    let Told { user, ran, .. } = reading(run);
    Ok(posting.records.entry(*number)?.is_some_and(|entry| entry.ran_by == user && entry.ran == ran))
}

/// Reverses each entry of a charge, and gives its hold back what it drew.
fn reverse(posting: &Posting<'_>, run: &BookedRun, old: &BookedCharge, kind: EntryKind) -> Result<()> {
    for number in &old.entries {
        let Some(entry) = posting.records.entry(*number)? else {
            let why = format!("run {} names entry {number}, which is not there", run.key);
            return Err(LedgerError::never(LedgerErrorKind::Corrupt, why));
        };
        posting.append(Draft {
            kind,
            unit: entry.unit,
            amount: entry.amount,
            debit: entry.credit,
            credit: entry.debit,
            project: entry.project,
            effective_at: entry.effective_at,
            key: None,
            links: Links { reverses: Some(*number), ..entry.links },
            note: entry.note,
            tariff: entry.tariff,
            particulars: Particulars::None,
            reading: Some(Told { user: entry.ran_by, ran: entry.ran, content: entry.content }),
        })?;
    }
    change_hold(posting, old.hold, old.amount.negated()?).map(drop)
}

/// Posts the entries of a charge. The first time they tell what lies within the hold from what goes beyond; a charge
/// that takes the place of another is one entry, of the kind that is given.
fn book(
    posting: &Posting<'_>,
    run: &BookedRun,
    new: Charge,
    effective_at: Timestamp,
    again: Option<EntryKind>,
    change: &mut Change,
) -> Result<BookedCharge> {
    let remainder = match change_hold(posting, new.hold, new.amount)? {
        Some(hold) => hold.remainder()?,
        None => new.amount,
    };
    (change.drawn, change.overrun) = rules::split(new.amount, remainder)?;
    let parts = match again {
        Some(kind) => [(kind, new.amount), (EntryKind::Overrun, Amount::ZERO)],
        None => [(EntryKind::Settle, change.drawn), (EntryKind::Overrun, change.overrun)],
    };
    let mut entries = Vec::new();
    for (kind, amount) in parts.into_iter().filter(|(_, amount)| *amount > Amount::ZERO) {
        entries.push(posting.append(Draft {
            kind,
            unit: new.unit.clone(),
            amount,
            debit: Account::Budget(new.project.clone()),
            credit: used(&new.unit),
            project: new.project.clone(),
            effective_at,
            key: None,
            links: Links { hold: new.hold, run: Some(run.key.clone()), ..Links::default() },
            note: String::new(),
            tariff: run.settled.price.known().map(|price| price.tariff.clone()),
            particulars: Particulars::None,
            reading: Some(reading(run)),
        })?);
    }
    Ok(new.booked(effective_at, entries))
}

impl Charge {
    /// In the books, by these entries.
    fn booked(self, effective_at: Timestamp, entries: Vec<u64>) -> BookedCharge {
        let Self { project, unit, amount, hold, .. } = self;
        BookedCharge { project, unit, amount, hold, effective_at, entries }
    }
}

/// What an entry has of the present reading of a run.
pub(super) fn reading(booked: &BookedRun) -> Told {
    let run = &booked.settled.run;
    let ran = Ran { started_at: run.started_at, partition: run.partition.clone(), end_state: run.state.end() };
    Told { user: Some(run.user.clone()), ran: Some(ran), content: Some(booked.content) }
}

/// Adds to what a hold's runs were charged; the answer is the hold as it was before.
fn change_hold(posting: &Posting<'_>, id: Option<HoldId>, amount: Amount) -> Result<Option<Hold>> {
    let Some(id) = id else { return Ok(None) };
    let Some(before) = posting.records.hold(id)? else {
        return Err(LedgerError::never(LedgerErrorKind::Corrupt, format!("a run names hold {id}, which is not there")));
    };
    let after = Hold { charged: before.charged.plus(amount)?, ..before.clone() };
    posting.records.put_hold(&after)?;
    Ok(Some(before))
}
