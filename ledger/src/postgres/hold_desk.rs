//! The tables as posts about holds see them that share a transaction: what they ask is read for all of them at once, what
//! they change waits in memory, so that it can be undone for one of them, and is written in one piece.

use super::rows;
use super::stored_rows::log_row;
use super::tables::Tables;
use crate::evidence::SignerKey;
use crate::post::Post;
use crate::records::{BalanceParts, BookedRun, Result, RunDigest};
use crate::rules::Secret;
use crate::store::{Changes, Store};
use crate::{
    Account, Binding, BindingRecord, BundleMark, Command, Coverage, Cursor, Enforce, Entry, EntryKind, Grant, Hold,
    HoldId, ImportBatch, NewSiteFigure, Observation, Proposal, Scope, SetPolicy, SiteFigureRecord, SiteZone, Unbind,
};
use model::{
    AccountName, Amount, ClusterName, JobId, Principal, ProjectName, RunKey, SiteName, Timestamp, Unit, UserName, Zone,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;

pub(super) struct HoldDesk<'a> {
    tables: Tables<'a>,
    /// The jobs that have runs in the books.
    jobs_with_runs: FxHashSet<JobId>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// The number of the last entry, written or not.
    last_number: u64,
    entries: Vec<Entry>,
    holds: FxHashMap<HoldId, Option<Hold>>,
    /// The holds that are not written yet.
    changed: FxHashSet<HoldId>,
    /// What a hold was before it was changed, in the order of the changes.
    undo: Vec<(HoldId, Option<Hold>)>,
    enforced: FxHashMap<(ProjectName, Unit), bool>,
    parts: FxHashMap<(ProjectName, Timestamp), BalanceParts>,
    /// How often what waited was written.
    writings: u64,
}

/// A moment between two posts.
pub(super) struct Mark {
    entries: usize,
    steps: usize,
    writings: u64,
    last_number: u64,
}

impl<'a> HoldDesk<'a> {
    /// A desk with the holds of these posts.
    pub(super) fn new(tables: Tables<'a>, posts: &[Post]) -> Result<Self> {
        let ids: FxHashSet<HoldId> = posts.iter().flat_map(|post| &post.commands).filter_map(hold_of).collect();
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let session = tables.session;
        let select = "SELECT coalesce((SELECT max(number) FROM entries), 0),
            ARRAY(SELECT DISTINCT stamp_job FROM runs WHERE stamp_job = ANY($1)), frontier, key, checkpoint FROM log";
        let row = session.one(select, &[&texts])?;
        tables.open_log(log_row(&row, 2)?)?;
        let jobs_with_runs = rows::get::<Vec<&str>>(&row, 1)?.into_iter();
        let jobs_with_runs = jobs_with_runs.map(|job| job.parse().map_err(rows::unreadable)).collect::<Result<_>>()?;
        let mut state = State { last_number: rows::count(&row, 0)?, ..State::default() };
        state.holds = ids.into_iter().map(|id| (id, None)).collect();
        let select = format!("SELECT {} FROM holds WHERE id = ANY($1)", rows::HOLD);
        for row in session.rows(&select, &[&texts])? {
            let hold = rows::hold(&row)?;
            state.holds.insert(hold.id, Some(hold));
        }
        Ok(Self { tables, jobs_with_runs, state: RefCell::new(state) })
    }

    pub(super) fn mark(&self) -> Mark {
        let state = self.state.borrow();
        let (entries, steps) = (state.entries.len(), state.undo.len());
        Mark { entries, steps, writings: state.writings, last_number: state.last_number }
    }

    pub(super) fn has_changed_since(&self, mark: &Mark) -> bool {
        let state = self.state.borrow();
        state.writings != mark.writings || state.last_number != mark.last_number || state.undo.len() != mark.steps
    }

    /// Takes back what was done since. False where that cannot be: it is written already.
    pub(super) fn undo_to(&self, mark: &Mark) -> bool {
        let state = &mut *self.state.borrow_mut();
        if state.writings != mark.writings {
            return false;
        }
        state.entries.truncate(mark.entries);
        state.last_number = mark.last_number;
        for (id, before) in state.undo.split_off(mark.steps).into_iter().rev() {
            state.holds.insert(id, before);
            state.parts.clear();
        }
        true
    }

    /// Writes what waits.
    pub(super) fn clear(&self) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        let mut changes = Changes { entries: std::mem::take(&mut state.entries), ..Changes::default() };
        changes.holds = state.changed.drain().filter_map(|id| state.holds.get(&id).cloned().flatten()).collect();
        changes.holds.sort_by_key(|hold| hold.id);
        state.undo.clear();
        if changes.entries.is_empty() && changes.holds.is_empty() {
            return Ok(());
        }
        state.writings += 1;
        self.tables.write(changes)
    }

    /// Writes what the tree became.
    pub(super) fn close_log(&self, signer: Option<&SignerKey>) -> Result<()> {
        self.tables.close_log(signer)
    }

    /// The tables themselves, for what is not read beforehand. They have everything that waited.
    fn tables(&self) -> Result<&Tables<'a>> {
        self.clear()?;
        Ok(&self.tables)
    }

    /// Writes changes that move amounts, which wait for nothing.
    fn write_through(&self, changes: Changes) -> Result<()> {
        let tables = self.changing()?;
        let state = &mut *self.state.borrow_mut();
        state.last_number = changes.entries.last().map_or(state.last_number, |entry| entry.number);
        for hold in &changes.holds {
            state.holds.insert(hold.id, Some(hold.clone()));
        }
        tables.write(changes)
    }

    /// The same for a change of something else.
    fn changing(&self) -> Result<&Tables<'a>> {
        let tables = self.tables()?;
        let state = &mut *self.state.borrow_mut();
        state.writings += 1;
        (state.parts, state.enforced) = (FxHashMap::default(), FxHashMap::default());
        Ok(tables)
    }
}

/// The hold that a command is about.
fn hold_of(command: &Command) -> Option<HoldId> {
    match command {
        Command::Hold(new) => Some(new.id),
        Command::Amend(amend) => Some(amend.id),
        Command::Close(close) => Some(close.id),
        _ => None,
    }
}

/// Puts a hold among those of a balance: a closed one changes nothing there.
fn put_into(parts: &mut BalanceParts, hold: &Hold) {
    match parts.holds.iter_mut().find(|known| known.id == hold.id) {
        Some(known) => known.clone_from(hold),
        None => parts.holds.push(hold.clone()),
    }
}

impl State {
    fn put(&mut self, hold: Hold) {
        for ((project, _), parts) in &mut self.parts {
            if *project == hold.project {
                put_into(parts, &hold);
            }
        }
        let id = hold.id;
        self.changed.insert(id);
        let before = self.holds.insert(id, Some(hold)).flatten();
        self.undo.push((id, before));
    }
}

impl Store for HoldDesk<'_> {
    fn last_number(&self) -> Result<u64> {
        Ok(self.state.borrow().last_number)
    }

    fn hold(&self, id: HoldId) -> Result<Option<Hold>> {
        let known = self.state.borrow().holds.get(&id).cloned();
        match known {
            Some(hold) => Ok(hold),
            None => self.tables.hold(id),
        }
    }

    fn is_enforced(&self, project: &ProjectName, unit: &Unit) -> Result<bool> {
        let place = (project.clone(), unit.clone());
        if let Some(is_enforced) = self.state.borrow().enforced.get(&place) {
            return Ok(*is_enforced);
        }
        let is_enforced = self.tables.is_enforced(project, unit)?;
        self.state.borrow_mut().enforced.insert(place, is_enforced);
        Ok(is_enforced)
    }

    fn runs_of_job(&self, job: JobId) -> Result<Vec<BookedRun>> {
        let is_known = self.state.borrow().holds.contains_key(&HoldId(job));
        if is_known && !self.jobs_with_runs.contains(&job) {
            return Ok(Vec::new());
        }
        self.tables()?.runs_of_job(job)
    }

    fn balance_parts(&self, project: Option<&ProjectName>, now: Timestamp) -> Result<BalanceParts> {
        let Some(name) = project else { return self.tables()?.balance_parts(project, now) };
        let place = (name.clone(), now);
        if let Some(parts) = self.state.borrow().parts.get(&place) {
            return Ok(parts.clone());
        }
        let mut parts = self.tables.balance_parts(project, now)?;
        let state = &mut *self.state.borrow_mut();
        let waiting = state.changed.iter().filter_map(|id| state.holds.get(id)?.as_ref());
        waiting.filter(|hold| hold.project == *name).for_each(|hold| put_into(&mut parts, hold));
        state.parts.insert(place, parts.clone());
        Ok(parts)
    }

    fn write(&self, changes: Changes) -> Result<()> {
        if !(changes.runs.is_empty() && changes.balances.is_empty() && changes.totals.is_empty()) {
            return self.write_through(changes);
        }
        let state = &mut *self.state.borrow_mut();
        state.last_number = changes.entries.last().map_or(state.last_number, |entry| entry.number);
        state.entries.extend(changes.entries);
        changes.holds.into_iter().for_each(|hold| state.put(hold));
        Ok(())
    }

    fn secret(&self) -> Result<Secret> {
        self.tables.secret()
    }

    fn balance(&self, account: &Account, unit: &Unit) -> Result<Amount> {
        self.tables.balance(account, unit)
    }

    fn total(&self, project: &ProjectName, unit: &Unit, kind: EntryKind) -> Result<Amount> {
        self.tables.total(project, unit, kind)
    }

    fn entry_with_key(&self, key: &str) -> Result<Option<Entry>> {
        self.tables()?.entry_with_key(key)
    }

    fn entry(&self, number: u64) -> Result<Option<Entry>> {
        self.tables()?.entry(number)
    }

    fn bindings(&self) -> Result<Vec<BindingRecord>> {
        self.tables.bindings()
    }

    fn end_binding(&self, unbind: Unbind, actor: &Principal, now: Timestamp) -> Result<()> {
        self.changing()?.end_binding(unbind, actor, now)
    }

    fn add_binding(&self, binding: &Binding, actor: &Principal, now: Timestamp) -> Result<()> {
        self.changing()?.add_binding(binding, actor, now)
    }

    fn set_enforced(&self, enforce: &Enforce, actor: &Principal, now: Timestamp) -> Result<()> {
        self.changing()?.set_enforced(enforce, actor, now)
    }

    fn grants(&self, project: &ProjectName) -> Result<Vec<Grant>> {
        self.tables.grants(project)
    }

    fn adjustments(&self, project: &ProjectName) -> Result<Vec<Entry>> {
        self.tables.adjustments(project)
    }

    fn expiries(&self, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
        self.tables.expiries(project)
    }

    fn policy(&self, project: &ProjectName, unit: &Unit) -> Result<Option<SetPolicy>> {
        self.tables.policy(project, unit)
    }

    fn set_policy(&self, policy: &SetPolicy, actor: &Principal, now: Timestamp) -> Result<()> {
        self.changing()?.set_policy(policy, actor, now)
    }

    fn run_digests(&self, keys: &[&RunKey]) -> Result<Vec<Option<RunDigest>>> {
        if keys.is_empty() { Ok(Vec::new()) } else { self.tables.run_digests(keys) }
    }

    fn run(&self, key: &RunKey) -> Result<Option<BookedRun>> {
        self.tables.run(key)
    }

    fn run_with_sluid(&self, site: &SiteName, cluster: &ClusterName, sluid: &str) -> Result<Option<BookedRun>> {
        self.tables.run_with_sluid(site, cluster, sluid)
    }

    fn unattributed_runs(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        self.tables.unattributed_runs(site, after, limit)
    }

    fn runs_without_hold(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        self.tables.runs_without_hold(site, after, limit)
    }

    fn observed_at(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Timestamp>> {
        self.tables.observed_at(site, cluster, scope)
    }

    fn put_observation(&self, observation: &Observation) -> Result<()> {
        self.changing()?.put_observation(observation)
    }

    fn put_coverage(&self, reading: &Coverage) -> Result<()> {
        self.changing()?.put_coverage(reading)
    }

    fn readings(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Vec<Coverage>> {
        self.tables.readings(site, cluster, scope)
    }

    fn has_run_of_others(&self, reading: &Coverage, reader: &UserName, account: Option<&AccountName>) -> Result<bool> {
        self.tables()?.has_run_of_others(reading, reader, account)
    }

    fn cursor(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Cursor>> {
        self.tables.cursor(site, cluster, scope)
    }

    fn add_import(&self, batch: &ImportBatch, actor: &Principal, now: Timestamp) -> Result<u64> {
        self.changing()?.add_import(batch, actor, now)
    }

    fn bundles(&self) -> Result<Vec<BundleMark>> {
        self.tables.bundles()
    }

    fn put_bundle(&self, mark: &BundleMark, actor: &Principal, now: Timestamp) -> Result<()> {
        self.changing()?.put_bundle(mark, actor, now)
    }

    fn erase(&self, who: &Principal, now: Timestamp) -> Result<Option<u64>> {
        self.changing()?.erase(who, now)
    }

    fn proposal(&self, key: &str) -> Result<Option<Proposal>> {
        self.tables.proposal(key)
    }

    fn put_proposal(&self, proposal: &Proposal) -> Result<()> {
        self.changing()?.put_proposal(proposal)
    }

    fn zone(&self, site: &SiteName) -> Result<Option<Zone>> {
        self.tables.zone(site)
    }

    fn set_zone(&self, zone: &SiteZone) -> Result<()> {
        self.changing()?.set_zone(zone)
    }

    fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
        self.tables.site_figures(project)
    }

    fn put_site_figure(&self, figure: &NewSiteFigure, actor: &Principal, now: Timestamp) -> Result<()> {
        self.changing()?.put_site_figure(figure, actor, now)
    }

    fn spent_through(
        &self,
        project: &ProjectName,
        unit: &Unit,
        since: Option<Timestamp>,
        through: Timestamp,
    ) -> Result<Amount> {
        self.tables()?.spent_through(project, unit, since, through)
    }

    fn put_cursor(&self, cursor: &Cursor) -> Result<()> {
        self.changing()?.put_cursor(cursor)
    }
}
