//! The workbench of a post: what it has read and changed so far, in memory, over the tables of any store.
//!
//! A post of ten thousand runs reads what it needs in a few questions and writes what it changed in one piece. Whatever
//! lists rows of the tables sees everything that was changed before, because the workbench is cleared onto them first.

use crate::records::{BalanceParts, BookedRun, DecidedRow, Deed, Erased, Records, Result, RunDigest};
use crate::rules::{self, Secret};
use crate::store::{Changes, Store};
use crate::workbench_runs::{Asked, UndoRun, WorkbenchRuns};
use crate::{
    Account, Binding, BindingRecord, BundleMark, Command, Coverage, Cursor, DecidedKind, Enforce, Entry, EntryKind,
    Grant, Hold, HoldId, ImportBatch, LedgerErrorKind, NewSiteFigure, Observation, Proposal, Scope, SetPolicy,
    SiteFigureRecord, SiteZone, Unbind,
};
use model::{
    AccountName, Amount, ClusterName, JobId, Principal, ProjectName, RunKey, SiteName, Timestamp, Unit, UserName, Zone,
};
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// The records of one post.
pub(crate) struct Workbench<'a> {
    store: &'a dyn Store,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// The number of the last entry, stored or not.
    last_number: Option<u64>,
    entries: Vec<Entry>,
    runs: WorkbenchRuns,
    holds: FxHashMap<HoldId, Kept<Option<Hold>>>,
    balances: FxHashMap<Unit, FxHashMap<Account, Kept<Amount>>>,
    totals: FxHashMap<Unit, FxHashMap<(ProjectName, EntryKind), Kept<Amount>>>,
    undo: Vec<Undo>,
}

/// A value, and whether the store has it otherwise.
struct Kept<T> {
    value: T,
    is_changed: bool,
}

/// How one change is taken back.
enum Undo {
    Run(UndoRun),
    Hold(HoldId, Option<Box<Hold>>),
}

impl<'a> Workbench<'a> {
    /// A workbench over the tables of a transaction, with what the commands will ask about runs.
    pub(crate) fn new(store: &'a dyn Store, commands: &[Command]) -> Result<Self> {
        let state = State { runs: WorkbenchRuns::of(store, commands)?, ..State::default() };
        Ok(Self { store, state: RefCell::new(state) })
    }

    /// Writes what was changed. Whether anything was.
    pub(crate) fn clear(&self) -> Result<bool> {
        let changes = self.state.borrow_mut().take_changes();
        let Changes { entries, runs, seen_again, holds, .. } = &changes;
        let is_changed = !(entries.is_empty() && runs.is_empty() && seen_again.is_empty() && holds.is_empty());
        if is_changed {
            self.store.write(changes)?;
        }
        Ok(is_changed)
    }

    /// Adds to what an account holds; checked, so that what does not fit is an error and no other number.
    fn add_to_balance(&self, state: &mut State, account: &Account, unit: &Unit, amount: Amount) -> Result<()> {
        if let Some(kept) = state.balances.get_mut(unit).and_then(|accounts| accounts.get_mut(account)) {
            kept.value = kept.value.plus(amount)?;
            kept.is_changed = true;
            return Ok(());
        }
        let value = self.store.balance(account, unit)?.plus(amount)?;
        state.balances.entry(unit.clone()).or_default().insert(account.clone(), Kept { value, is_changed: true });
        Ok(())
    }

    fn add_to_total(&self, state: &mut State, entry: &Entry, amount: Amount) -> Result<()> {
        let place = (entry.project.clone(), entry.kind);
        if let Some(kept) = state.totals.get_mut(&entry.unit).and_then(|totals| totals.get_mut(&place)) {
            kept.value = kept.value.plus(amount)?;
            kept.is_changed = true;
            return Ok(());
        }
        let value = self.store.total(&entry.project, &entry.unit, entry.kind)?.plus(amount)?;
        state.totals.entry(entry.unit.clone()).or_default().insert(place, Kept { value, is_changed: true });
        Ok(())
    }

    /// Moves an entry's amount between the accounts, or back again.
    fn move_amount(&self, state: &mut State, entry: &Entry, is_back: bool) -> Result<()> {
        if !entry.kind.moves() {
            return Ok(());
        }
        let sign = |amount: Amount| if is_back { amount.negated() } else { Ok(amount) };
        let (taken, given) = (sign(entry.amount.negated()?)?, sign(entry.amount)?);
        self.add_to_balance(state, &entry.debit, &entry.unit, taken)?;
        if let Err(error) = self.add_to_balance(state, &entry.credit, &entry.unit, given) {
            self.add_to_balance(state, &entry.debit, &entry.unit, given)?;
            return Err(error);
        }
        let change = sign(rules::budget_change(entry)?)?;
        if let Err(error) = self.add_to_total(state, entry, change) {
            self.add_to_balance(state, &entry.debit, &entry.unit, given)?;
            self.add_to_balance(state, &entry.credit, &entry.unit, taken)?;
            return Err(error);
        }
        Ok(())
    }

    /// Takes back everything that was done since a mark.
    fn undo_to(&self, entries: usize, steps: usize) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        for entry in state.entries.split_off(entries).into_iter().rev() {
            self.move_amount(state, &entry, true)?;
            state.last_number = state.last_number.map(|last| last - 1);
        }
        for step in state.undo.split_off(steps).into_iter().rev() {
            match step {
                Undo::Run(undo) => state.runs.undo(undo),
                Undo::Hold(id, before) => {
                    let value = before.map(|before| *before);
                    state.holds.insert(id, Kept { value, is_changed: true });
                }
            }
        }
        Ok(())
    }
}

impl State {
    fn take_changes(&mut self) -> Changes {
        let mut changes = Changes { entries: std::mem::take(&mut self.entries), ..Changes::default() };
        for kept in self.holds.values_mut().filter(|kept| kept.is_changed) {
            kept.is_changed = false;
            changes.holds.extend(kept.value.clone());
        }
        self.runs.take_changes(&mut changes);
        self.undo.clear();
        for (unit, accounts) in &mut self.balances {
            for (account, kept) in accounts.iter_mut().filter(|(_, kept)| kept.is_changed) {
                kept.is_changed = false;
                changes.balances.push((account.clone(), unit.clone(), kept.value));
            }
        }
        for (unit, totals) in &mut self.totals {
            for ((project, kind), kept) in totals.iter_mut().filter(|(_, kept)| kept.is_changed) {
                kept.is_changed = false;
                changes.totals.push((project.clone(), unit.clone(), *kind, kept.value));
            }
        }
        changes.holds.sort_by_key(|hold| hold.id);
        changes
    }
}

impl Records for Workbench<'_> {
    fn in_savepoint(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let (entries, steps) = {
            let state = self.state.borrow();
            (state.entries.len(), state.undo.len())
        };
        let done = work();
        if let Err(error) = &done
            && error.kind == LedgerErrorKind::Overflow
        {
            self.undo_to(entries, steps)?;
        }
        done
    }

    fn secret(&self) -> Result<Secret> {
        self.store.secret()
    }

    fn next_number(&self) -> Result<u64> {
        let state = &mut *self.state.borrow_mut();
        let last = match state.last_number {
            Some(last) => last,
            None => *state.last_number.insert(self.store.last_number()?),
        };
        Ok(last + 1)
    }

    fn append(&self, entry: Entry) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        self.move_amount(state, &entry, false)?;
        state.last_number = Some(entry.number);
        state.entries.push(entry);
        Ok(())
    }

    fn entry_with_key(&self, key: &str) -> Result<Option<Entry>> {
        let waiting = self.state.borrow().entries.iter().find(|entry| entry.key.as_deref() == Some(key)).cloned();
        if waiting.is_some() { Ok(waiting) } else { self.store.entry_with_key(key) }
    }

    fn entry(&self, number: u64) -> Result<Option<Entry>> {
        let state = self.state.borrow();
        let waiting = match state.entries.first() {
            Some(first) if number >= first.number => {
                usize::try_from(number - first.number).ok().and_then(|place| state.entries.get(place)).cloned()
            }
            _ => None,
        };
        if waiting.is_some() { Ok(waiting) } else { self.store.entry(number) }
    }

    fn hold(&self, id: HoldId) -> Result<Option<Hold>> {
        let state = &mut *self.state.borrow_mut();
        if let Some(kept) = state.holds.get(&id) {
            return Ok(kept.value.clone());
        }
        let value = self.store.hold(id)?;
        state.holds.insert(id, Kept { value: value.clone(), is_changed: false });
        Ok(value)
    }

    fn put_hold(&self, hold: &Hold) -> Result<()> {
        let before = self.hold(hold.id)?;
        let state = &mut *self.state.borrow_mut();
        state.undo.push(Undo::Hold(hold.id, before.map(Box::new)));
        state.holds.insert(hold.id, Kept { value: Some(hold.clone()), is_changed: true });
        Ok(())
    }

    fn decided(&self, kind: DecidedKind, entry: u64) -> Result<DecidedRow> {
        self.store.decided(kind, entry)
    }

    fn decide_again(&self, kind: DecidedKind, before: u64, after: u64) -> Result<()> {
        self.store.decide_again(kind, before, after)
    }

    fn bindings(&self) -> Result<Vec<BindingRecord>> {
        self.store.bindings()
    }

    fn add_binding(&self, binding: &Binding, deed: &Deed<'_>) -> Result<()> {
        self.store.add_binding(binding, deed)
    }

    fn end_binding(&self, unbind: Unbind, deed: &Deed<'_>) -> Result<()> {
        self.store.end_binding(unbind, deed)
    }

    fn is_enforced(&self, project: &ProjectName, unit: &Unit) -> Result<bool> {
        self.store.is_enforced(project, unit)
    }

    fn set_enforced(&self, enforce: &Enforce, deed: &Deed<'_>) -> Result<()> {
        self.store.set_enforced(enforce, deed)
    }

    fn grants(&self, project: &ProjectName) -> Result<Vec<Grant>> {
        self.clear()?;
        self.store.grants(project)
    }

    fn adjustments(&self, project: &ProjectName) -> Result<Vec<Entry>> {
        self.clear()?;
        self.store.adjustments(project)
    }

    fn expiries(&self, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
        self.clear()?;
        self.store.expiries(project)
    }

    fn policy(&self, project: &ProjectName, unit: &Unit) -> Result<Option<SetPolicy>> {
        self.store.policy(project, unit)
    }

    fn set_policy(&self, policy: &SetPolicy, deed: &Deed<'_>) -> Result<()> {
        self.store.set_policy(policy, deed)
    }

    fn run_digest(&self, key: &RunKey) -> Result<Option<RunDigest>> {
        let known = self.state.borrow_mut().runs.digest(key);
        match known {
            Asked::Beforehand(known) => Ok(known),
            Asked::Not => Ok(self.store.run_digests(&[key])?.pop().flatten()),
        }
    }

    fn run(&self, key: &RunKey) -> Result<Option<BookedRun>> {
        let runs = &mut self.state.borrow_mut().runs;
        if let Some(run) = runs.run(key) {
            return Ok(Some(run.clone()));
        }
        if runs.is_known_as_new(key) {
            return Ok(None);
        }
        Ok(self.store.run(key)?.map(|stored| runs.as_seen(stored)))
    }

    fn run_with_sluid(&self, site: &SiteName, cluster: &ClusterName, sluid: &str) -> Result<Option<BookedRun>> {
        let waiting = self.state.borrow().runs.with_sluid(site, cluster, sluid).cloned();
        if let Some(key) = waiting {
            return self.run(&key);
        }
        let stored = self.store.run_with_sluid(site, cluster, sluid)?;
        Ok(stored.map(|stored| self.state.borrow_mut().runs.as_seen(stored)))
    }

    fn put_run(&self, run: BookedRun) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        let undo = state.runs.put(run);
        state.undo.push(Undo::Run(undo));
        Ok(())
    }

    fn see_again(&self, key: &RunKey, at: Timestamp) -> Result<bool> {
        Ok(self.state.borrow_mut().runs.see_again(key, at))
    }

    fn runs_of_job(&self, job: JobId) -> Result<Vec<BookedRun>> {
        self.clear()?;
        self.store.runs_of_job(job)
    }

    fn unattributed_runs(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        self.clear()?;
        self.store.unattributed_runs(site, after, limit)
    }

    fn runs_of_site(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        self.clear()?;
        self.store.runs_of_site(site, after, limit)
    }

    fn observed_at(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Timestamp>> {
        self.store.observed_at(site, cluster, scope)
    }

    fn put_observation(&self, observation: &Observation) -> Result<()> {
        self.store.put_observation(observation)
    }

    fn seen_at(&self, job: JobId, until: Timestamp) -> Result<Option<Timestamp>> {
        self.store.seen_at(job, until)
    }

    fn put_coverage(&self, reading: &Coverage, entry: u64) -> Result<Option<Vec<u64>>> {
        self.store.put_coverage(reading, entry)
    }

    fn readings(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Vec<Coverage>> {
        self.store.readings(site, cluster, scope)
    }

    fn has_run_of_others(&self, reading: &Coverage, reader: &UserName, account: Option<&AccountName>) -> Result<bool> {
        self.clear()?;
        self.store.has_run_of_others(reading, reader, account)
    }

    fn cursor(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Cursor>> {
        self.store.cursor(site, cluster, scope)
    }

    fn put_cursor(&self, cursor: &Cursor) -> Result<()> {
        self.store.put_cursor(cursor)
    }

    fn erase(&self, who: &Principal, now: Timestamp) -> Result<Option<Erased>> {
        self.clear()?;
        let erased = self.store.erase(who, now)?;
        // What was read before is of before.
        *self.state.borrow_mut() = State::default();
        Ok(erased)
    }

    fn proposal(&self, key: &str) -> Result<Option<Proposal>> {
        self.store.proposal(key)
    }

    fn put_proposal(&self, proposal: &Proposal) -> Result<()> {
        self.store.put_proposal(proposal)
    }

    fn zone(&self, site: &SiteName) -> Result<Option<Zone>> {
        self.store.zone(site)
    }

    fn set_zone(&self, zone: &SiteZone, deed: &Deed<'_>) -> Result<()> {
        self.clear()?;
        self.store.set_zone(zone, deed)
    }

    fn add_import(&self, batch: &ImportBatch, deed: &Deed<'_>) -> Result<u64> {
        self.store.add_import(batch, deed)
    }

    fn bundles(&self) -> Result<Vec<BundleMark>> {
        self.store.bundles()
    }

    fn put_bundle(&self, mark: &BundleMark, deed: &Deed<'_>) -> Result<Option<u64>> {
        self.store.put_bundle(mark, deed)
    }

    fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
        self.store.site_figures(project)
    }

    fn put_site_figure(&self, figure: &NewSiteFigure, deed: &Deed<'_>) -> Result<()> {
        self.store.put_site_figure(figure, deed)
    }

    fn spent_through(
        &self,
        project: &ProjectName,
        unit: &Unit,
        since: Option<Timestamp>,
        through: Timestamp,
    ) -> Result<Amount> {
        self.clear()?;
        self.store.spent_through(project, unit, since, through)
    }

    fn balance_parts(&self, project: Option<&ProjectName>, now: Timestamp) -> Result<BalanceParts> {
        self.clear()?;
        self.store.balance_parts(project, now)
    }
}
