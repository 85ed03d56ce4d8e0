//! A posting: who acts, when, on which records; and the way from a command to its procedure.

use super::opening::{self, Opened};
use super::{bind, bundle, by_hand, delegate, expire, grant, hold, observe, reattribute, settle, site_figure};
use crate::records::{Records, Result};
use crate::rules::{BindingsByAccount, Content, MOST_OF_ONE, Secret};
use crate::{
    Account, Binding, Command, DecidedKind, Entry, EntryKind, LedgerError, LedgerErrorKind, Links, Outcome,
    Particulars, Ran, Unbind,
};
use model::{Amount, Principal, ProjectName, TariffId, Timestamp, Unit, UserName};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// One post under way.
pub(crate) struct Posting<'a> {
    pub(super) records: &'a dyn Records,
    pub(super) actor: &'a Principal,
    /// What the clock of whoever posts shows.
    pub(super) now: Timestamp,
    /// When it is recorded, which is later where something was recorded later already.
    pub(super) recorded_at: Timestamp,
    /// Read once for all runs of the post, and again after one was added.
    bindings: RefCell<Option<Rc<BindingsByAccount>>>,
    /// The openings of the budgets that were asked for.
    pub(super) openings: RefCell<FxHashMap<Unit, FxHashMap<ProjectName, Option<Opened>>>>,
    secret: RefCell<Option<Secret>>,
}

/// What an entry has of the reading of a run that it was made of.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) user: Option<UserName>,
    pub(super) ran: Option<Ran>,
    pub(super) content: Option<Content>,
}

/// An entry before it has a number.
pub(super) struct Draft {
    pub(super) kind: EntryKind,
    pub(super) unit: Unit,
    pub(super) amount: Amount,
    pub(super) debit: Account,
    pub(super) credit: Account,
    pub(super) project: ProjectName,
    pub(super) effective_at: Timestamp,
    pub(super) key: Option<String>,
    pub(super) links: Links,
    pub(super) note: String,
    pub(super) tariff: Option<TariffId>,
    pub(super) particulars: Particulars,
    pub(super) reading: Option<Reading>,
}

/// Carries out one command.
pub(crate) fn apply(posting: &Posting<'_>, command: &Command) -> Result<Outcome> {
    match command {
        Command::Grant(grant) => grant::grant(posting, grant).map(Outcome::Granted),
        Command::Withdraw(wish) => {
            grant::withdraw(posting, wish).map(|(amount, effect)| Outcome::Withdrawn(amount, effect))
        }
        Command::Expire(project) => expire::expire(posting, project.as_ref()).map(Outcome::Expired),
        Command::Opening(wish) => opening::open(posting, wish),
        Command::Bind(binding) => bind::bind(posting, binding).map(Outcome::Bound),
        Command::Unbind(unbind) => bind::unbind(posting, *unbind).map(Outcome::Unbound),
        Command::Reattribute(wish) => reattribute::reattribute(posting, wish).map(Outcome::Reattributed),
        Command::SetEnforce(enforce) => bind::set_enforce(posting, enforce).map(Outcome::Set),
        Command::SetPolicy(policy) => bind::set_policy(posting, policy).map(Outcome::PolicySet),
        Command::Hold(hold) => hold::hold(posting, hold),
        Command::Amend(amend) => hold::amend(posting, amend),
        Command::Settle(settled) => settle::settle(posting, settled).map(Outcome::Settled),
        Command::Observe(observation) => observe::observe(posting, observation).map(Outcome::Observed),
        Command::Close(close) => hold::close(posting, close),
        Command::Reprice(settled) => settle::reprice(posting, settled).map(Outcome::Settled),
        Command::Delegate(wish) => delegate::delegate(posting, wish).map(Outcome::Delegated),
        Command::Refund(wish) => {
            by_hand::refund(posting, wish).map(|(amount, effect)| Outcome::Refunded(amount, effect))
        }
        Command::Adjust(wish) => by_hand::adjust(posting, wish).map(Outcome::Adjusted),
        Command::Agree(key) => by_hand::agree(posting, key).map(Outcome::Adjusted),
        Command::Erase(who) => by_hand::erase(posting, who).map(Outcome::Erased),
        Command::Cover(reading) => observe::cover(posting, reading).map(|()| Outcome::Covered),
        Command::NoteSiteFigure(figure) => site_figure::note(posting, figure),
        Command::Advance(cursor) => observe::advance(posting, cursor).map(Outcome::Advanced),
        Command::SetZone(wish) => observe::set_zone(posting, wish).map(Outcome::ZoneSet),
        Command::NoteImport(batch) => observe::note_import(posting, batch).map(Outcome::ImportNoted),
        Command::KeepBundle(wish) => bundle::keep(posting, wish).map(Outcome::BundleKept),
    }
}

impl<'a> Posting<'a> {
    /// A post by `actor`, inside the transaction of `records`.
    pub(crate) fn new(records: &'a dyn Records, actor: &'a Principal, now: Timestamp, recorded_at: Timestamp) -> Self {
        let (bindings, openings, secret) = Default::default();
        Self { records, actor, now, recorded_at, bindings, openings, secret }
    }

    /// The ledger's secret.
    pub(super) fn secret(&self) -> Result<Secret> {
        if let Some(known) = self.secret.borrow().as_ref() {
            return Ok(known.clone());
        }
        let read = self.records.secret()?;
        self.secret.replace(Some(read.clone()));
        Ok(read)
    }

    /// The key of an entry that somebody's own key becomes, in which people's words may stand, and the entry that has it; or that
    /// has the words themselves, as an earlier release kept them.
    pub(super) fn keyed(&self, prefix: &str, key: &str) -> Result<(String, Option<Entry>)> {
        let kept = format!("{prefix}{}", self.secret()?.key_of(key));
        let posted = match self.records.entry_with_key(&kept)? {
            Some(posted) => Some(posted),
            None => self.records.entry_with_key(&format!("{prefix}{key}"))?,
        };
        Ok((kept, posted))
    }

    /// The bindings as they stand.
    pub(super) fn bindings(&self) -> Result<Rc<BindingsByAccount>> {
        if let Some(known) = self.bindings.borrow().as_ref() {
            return Ok(Rc::clone(known));
        }
        let records = self.records.bindings()?;
        let read = Rc::new(records.into_iter().map(|record| record.terms).collect::<BindingsByAccount>());
        self.bindings.replace(Some(Rc::clone(&read)));
        Ok(read)
    }

    /// Adds a binding.
    pub(super) fn add_binding(&self, binding: &Binding) -> Result<()> {
        self.bindings.replace(None);
        self.decide_anew(DecidedKind::Binding, |deed| self.records.add_binding(binding, deed))
    }

    /// Ends a binding.
    pub(super) fn end_binding(&self, unbind: Unbind) -> Result<()> {
        self.bindings.replace(None);
        self.decide_anew(DecidedKind::Unbinding, |deed| self.records.end_binding(unbind, deed))
    }

    /// Does work that is undone, alone, where an amount does not fit; the inner error says so. The rest of the post goes
    /// on: one absurd row must not keep all others out.
    pub(super) fn where_it_fits<T>(
        &self,
        mut work: impl FnMut() -> Result<T>,
    ) -> Result<std::result::Result<T, String>> {
        let mut answer = None;
        let done = self.records.in_savepoint(&mut || {
            answer = Some(work()?);
            Ok(())
        });
        match (done, answer) {
            (Ok(()), Some(answer)) => Ok(Ok(answer)),
            (Err(error), _) if error.kind == LedgerErrorKind::Overflow => Ok(Err(error.why)),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(LedgerError::never(LedgerErrorKind::Bug, "work was done without an answer")),
        }
    }
}

impl Posting<'_> {
    /// Numbers and appends an entry; the answer is its number.
    pub(super) fn append(&self, draft: Draft) -> Result<u64> {
        if draft.amount < Amount::ZERO {
            return Err(LedgerError::never(LedgerErrorKind::Bug, "an entry would have a negative amount"));
        }
        let (ran_by, ran, content) =
            draft.reading.map_or((None, None, None), |Reading { user, ran, content }| (user, ran, content));
        let entry = Entry {
            number: self.records.next_number()?,
            kind: draft.kind,
            unit: draft.unit,
            amount: draft.amount,
            debit: draft.debit,
            credit: draft.credit,
            project: draft.project,
            effective_at: draft.effective_at,
            recorded_at: self.recorded_at,
            actor: self.actor.clone(),
            key: draft.key,
            links: draft.links,
            note: draft.note,
            tariff: draft.tariff,
            particulars: draft.particulars,
            ran_by,
            ran,
            content,
        };
        let number = entry.number;
        self.records.append(entry)?;
        Ok(number)
    }
}

/// The account that consumption of a unit is credited to.
pub(super) fn used(unit: &Unit) -> Account {
    Account::Used(unit.site().clone(), unit.class().clone())
}

/// The error of a command that contradicts itself.
pub(super) fn invalid(why: impl Into<String>) -> LedgerError {
    LedgerError::never(LedgerErrorKind::Invalid, why)
}

/// The error of a command that contradicts what was posted before.
pub(super) fn conflict(why: impl Into<String>) -> LedgerError {
    LedgerError::never(LedgerErrorKind::Conflict, why)
}

/// Refuses an amount that no site could own.
pub(super) fn refuse_too_large(what: &str, amount: Amount, unit: &Unit) -> Result<()> {
    if amount <= MOST_OF_ONE {
        return Ok(());
    }
    let [amount, most] = [amount, MOST_OF_ONE].map(|amount| amount.in_hours_of(unit));
    let next = format!("see to the number: it is in hours, and {most} are more than any site has");
    Err(invalid(format!("{what} is {amount}, more than any machine's years")).with_next(&next))
}
