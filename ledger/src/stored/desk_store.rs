//! What the desk answers itself, what it asks the tables, and what it writes first.

use super::hold_desk::{HoldDesk, HoldTables};
use crate::records::{BalanceParts, BookedRun, DecidedRow, Deed, Erased, Result, RunDigest};
use crate::rules::Secret;
use crate::store::{Changes, Store};
use crate::{
    Account, Binding, BindingRecord, BundleMark, Coverage, Cursor, DecidedKind, Enforce, Entry, EntryKind, Grant, Hold,
    HoldId, ImportBatch, NewSiteFigure, Observation, Proposal, Scope, SetPolicy, SiteFigureRecord, SiteZone, Unbind,
};
use model::{
    AccountName, Amount, ClusterName, JobId, Principal, ProjectName, RunKey, SiteName, Timestamp, Unit, UserName, Zone,
};

impl<S: HoldTables> Store for HoldDesk<S> {
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
        if self.has_no_runs(job) {
            return Ok(Vec::new());
        }
        self.tables()?.runs_of_job(job)
    }

    fn balance_parts(&self, project: Option<&ProjectName>, now: Timestamp) -> Result<BalanceParts> {
        let Some(name) = project else { return self.tables()?.balance_parts(project, now) };
        if let Some(parts) = self.state.borrow().parts_of(name, now) {
            return Ok(parts);
        }
        let parts = self.tables.balance_parts(project, now)?;
        Ok(self.state.borrow_mut().keep_parts(name, now, parts))
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

    fn decided(&self, kind: DecidedKind, entry: u64) -> Result<DecidedRow> {
        self.changing()?.decided(kind, entry)
    }

    fn decide_again(&self, kind: DecidedKind, before: u64, after: u64) -> Result<()> {
        self.changing()?.decide_again(kind, before, after)
    }

    fn bindings(&self) -> Result<Vec<BindingRecord>> {
        self.tables.bindings()
    }

    fn end_binding(&self, unbind: Unbind, deed: &Deed<'_>) -> Result<()> {
        self.changing()?.end_binding(unbind, deed)
    }

    fn add_binding(&self, binding: &Binding, deed: &Deed<'_>) -> Result<()> {
        self.changing()?.add_binding(binding, deed)
    }

    fn set_enforced(&self, enforce: &Enforce, deed: &Deed<'_>) -> Result<()> {
        self.changing()?.set_enforced(enforce, deed)
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

    fn set_policy(&self, policy: &SetPolicy, deed: &Deed<'_>) -> Result<()> {
        self.changing()?.set_policy(policy, deed)
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

    fn runs_of_site(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        self.tables.runs_of_site(site, after, limit)
    }

    fn observed_at(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Timestamp>> {
        self.tables.observed_at(site, cluster, scope)
    }

    fn put_observation(&self, observation: &Observation) -> Result<()> {
        self.changing()?.put_observation(observation)
    }

    fn seen_at(&self, job: JobId, until: Timestamp) -> Result<Option<Timestamp>> {
        self.tables.seen_at(job, until)
    }

    fn put_coverage(&self, reading: &Coverage, entry: u64) -> Result<Option<Vec<u64>>> {
        self.changing()?.put_coverage(reading, entry)
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

    fn add_import(&self, batch: &ImportBatch, deed: &Deed<'_>) -> Result<u64> {
        self.changing()?.add_import(batch, deed)
    }

    fn bundles(&self) -> Result<Vec<BundleMark>> {
        self.tables.bundles()
    }

    fn put_bundle(&self, mark: &BundleMark, deed: &Deed<'_>) -> Result<Option<u64>> {
        self.changing()?.put_bundle(mark, deed)
    }

    fn erase(&self, who: &Principal, now: Timestamp) -> Result<Option<Erased>> {
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

    fn set_zone(&self, zone: &SiteZone, deed: &Deed<'_>) -> Result<()> {
        self.changing()?.set_zone(zone, deed)
    }

    fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
        self.tables.site_figures(project)
    }

    fn put_site_figure(&self, figure: &NewSiteFigure, deed: &Deed<'_>) -> Result<()> {
        self.changing()?.put_site_figure(figure, deed)
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
