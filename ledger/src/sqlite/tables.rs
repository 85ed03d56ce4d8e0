//! What a post needs of SQLite's tables.

use super::names::Names;
use super::run_tables::{self, RunWriter};
use super::{
    bundle_table, entry_tables, figure_tables, import_table, observation_tables, overwriting, queries, rows,
    spending_tables,
};
use crate::random::Random;
use crate::records::{BalanceParts, BookedRun, DecidedRow, Deed, Erased, Result, RunDigest};
use crate::rules::Secret;
use crate::store::{Changes, Store};
use crate::stored::{self, Listed, Marked, Persons};
use crate::{
    Account, Binding, BindingRecord, BundleMark, Coverage, Cursor, DecidedKind, Enforce, Entry, EntryKind, Grant, Hold,
    HoldId, ImportBatch, LedgerError, LedgerErrorKind, NewSiteFigure, Observation, Proposal, Scope, SetPolicy,
    SiteFigureRecord, SiteZone, Unbind,
};
use model::{
    AccountName, Amount, ClusterName, JobId, Principal, ProjectName, RunKey, SiteName, Timestamp, Unit, UserName, Zone,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::LazyLock;

/// The tables seen through a connection that is inside a transaction.
pub(super) struct Tables<'a> {
    pub(super) connection: &'a Connection,
    pub(super) names: Names<'a>,
    pub(super) persons: Persons<'a>,
}

impl<'a> Tables<'a> {
    /// The tables to read.
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, names: Names::new(connection), persons: Persons::new(connection, None) }
    }

    /// The tables to write; persons who are new get random bits.
    pub(super) fn to_write(connection: &'a Connection, random: &'a Random) -> Self {
        Self { connection, names: Names::new(connection), persons: Persons::new(connection, Some(random)) }
    }

    fn put_balances(&self, balances: &[(Account, Unit, Amount)]) -> Result<()> {
        let insert = "INSERT INTO balances (account, unit, amount) VALUES (?1, ?2, ?3)
            ON CONFLICT (account, unit) DO UPDATE SET amount = excluded.amount";
        let mut statement = self.connection.prepare_cached(insert)?;
        for (account, unit, amount) in balances {
            statement.execute(params![account.to_string(), unit.to_string(), amount.milli()])?;
        }
        Ok(())
    }

    fn put_totals(&self, totals: &[(ProjectName, Unit, EntryKind, Amount)]) -> Result<()> {
        let insert = "INSERT INTO totals (project, unit, kind, amount) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (project, unit, kind) DO UPDATE SET amount = excluded.amount";
        let mut statement = self.connection.prepare_cached(insert)?;
        for (project, unit, kind, amount) in totals {
            statement.execute(params![project.as_str(), unit.to_string(), kind.as_str(), amount.milli()])?;
        }
        Ok(())
    }

    fn entry_where<P: rusqlite::Params>(&self, condition: &str, parameters: P) -> Result<Option<Entry>> {
        Ok(entry_tables::entries_where(self, condition, parameters)?.pop())
    }

    pub(super) fn put_hold(&self, hold: &Hold) -> Result<()> {
        static INSERT: LazyLock<String> = LazyLock::new(|| {
            format!(
                "INSERT INTO holds ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
             ?15, ?16)
             ON CONFLICT (id) DO UPDATE SET ceiling = excluded.ceiling, charged = excluded.charged,
             closed_because = excluded.closed_because, closed_at = excluded.closed_at",
                rows::HOLD
            )
        });
        let closing =
            hold.closing.map(|closing| Ok::<_, rusqlite::Error>((rows::to_json(&closing.reason)?, closing.at)));
        let closing = closing.transpose()?;
        self.connection.prepare_cached(&INSERT)?.execute(params![
            hold.id.to_string(),
            hold.project.as_str(),
            hold.unit.to_string(),
            hold.first_ceiling.milli(),
            hold.ceiling.milli(),
            hold.charged.milli(),
            hold.note,
            hold.anyway,
            hold.is_provisional,
            hold.opened_at.epoch_seconds(),
            hold.opened_by.user.as_str(),
            hold.opened_by.site.as_ref().map(SiteName::as_str),
            closing.as_ref().map(|(reason, _)| reason),
            closing.as_ref().map(|(_, at)| at.epoch_seconds()),
            hold.expected.map(|expected| expected.from.epoch_seconds()),
            hold.expected.map(|expected| expected.to.epoch_seconds()),
        ])?;
        Ok(())
    }
}

/// Who decides, where, and when, as columns have it.
pub(super) fn by<'a>(deed: &Deed<'a>) -> (&'a str, Option<&'a str>, i64) {
    (deed.actor.user.as_str(), deed.actor.site.as_ref().map(SiteName::as_str), deed.at.epoch_seconds())
}

impl Store for Tables<'_> {
    fn secret(&self) -> Result<Secret> {
        let select = "SELECT unhex(value) FROM meta WHERE name = 'secret'";
        let found: Option<Option<[u8; 32]>> = self.connection.query_row(select, [], |row| row.get(0)).optional()?;
        let missing = || LedgerError::never(LedgerErrorKind::Corrupt, "its secret is missing");
        found.flatten().map(Secret).ok_or_else(missing)
    }

    fn last_number(&self) -> Result<u64> {
        let select = "SELECT coalesce(max(number), 0) FROM entries";
        Ok(self.connection.prepare_cached(select)?.query_row([], |row| rows::count(row, 0))?)
    }

    fn balance(&self, account: &Account, unit: &Unit) -> Result<Amount> {
        let select = "SELECT amount FROM balances WHERE account = ?1 AND unit = ?2";
        let place = [account.to_string(), unit.to_string()];
        let stored = self.connection.prepare_cached(select)?.query_row(place, |row| rows::amount(row, 0));
        Ok(stored.optional()?.unwrap_or_default())
    }

    fn total(&self, project: &ProjectName, unit: &Unit, kind: EntryKind) -> Result<Amount> {
        let select = "SELECT amount FROM totals WHERE project = ?1 AND unit = ?2 AND kind = ?3";
        let place = [project.as_str(), &unit.to_string(), kind.as_str()];
        let stored = self.connection.prepare_cached(select)?.query_row(place, |row| rows::amount(row, 0));
        Ok(stored.optional()?.unwrap_or_default())
    }

    fn entry_with_key(&self, key: &str) -> Result<Option<Entry>> {
        self.entry_where("key = ?1", [key])
    }

    fn entry(&self, number: u64) -> Result<Option<Entry>> {
        self.entry_where("number = ?1", [rows::number(number)?])
    }

    fn hold(&self, id: HoldId) -> Result<Option<Hold>> {
        let select = format!("SELECT {} FROM holds WHERE id = ?1", rows::HOLD);
        Ok(self.connection.prepare_cached(&select)?.query_row([id.to_string()], rows::hold).optional()?)
    }

    fn decided(&self, kind: DecidedKind, entry: u64) -> Result<DecidedRow> {
        stored::decided(self, kind, entry)
    }

    fn decide_again(&self, kind: DecidedKind, before: u64, after: u64) -> Result<()> {
        stored::decide_again(self, kind, before, after)
    }

    fn bindings(&self) -> Result<Vec<BindingRecord>> {
        queries::bindings(self.connection)
    }

    fn end_binding(&self, unbind: Unbind, deed: &Deed<'_>) -> Result<()> {
        let insert = "INSERT INTO unbindings (binding, to_at, recorded_at, actor_user, actor_site, entry)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (user, site, now) = by(deed);
        let (number, entry) = (rows::number(unbind.number)?, rows::number(deed.entry)?);
        self.connection.execute(insert, params![number, unbind.to.epoch_seconds(), now, user, site, entry])?;
        Ok(())
    }

    fn add_binding(&self, binding: &Binding, deed: &Deed<'_>) -> Result<()> {
        let insert = "INSERT INTO bindings
            (site, account, partition, user, unit, project, from_at, to_at, recorded_at, actor_user, actor_site,
             work_directory, name, entry)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let (user, site, now) = by(deed);
        self.connection.execute(
            insert,
            params![
                binding.site.as_str(),
                binding.account.as_ref().map(model::AccountName::as_str),
                binding.partition.as_ref().map(model::PartitionName::as_str),
                binding.user.as_ref().map(model::UserName::as_str),
                binding.unit.to_string(),
                binding.project.as_str(),
                binding.from.epoch_seconds(),
                binding.to.map(Timestamp::epoch_seconds),
                now,
                user,
                site,
                binding.work_directory.as_ref().map(model::DirectoryPrefix::as_str),
                binding.name.as_ref().map(model::Pattern::as_str),
                rows::number(deed.entry)?,
            ],
        )?;
        Ok(())
    }

    fn is_enforced(&self, project: &ProjectName, unit: &Unit) -> Result<bool> {
        let select =
            "SELECT is_enforced FROM enforcements WHERE project = ?1 AND unit = ?2 ORDER BY number DESC LIMIT 1";
        let last =
            self.connection.prepare_cached(select)?.query_row([project.as_str(), &unit.to_string()], |row| row.get(0));
        Ok(last.optional()?.unwrap_or(false))
    }

    fn set_enforced(&self, enforce: &Enforce, deed: &Deed<'_>) -> Result<()> {
        let insert = "INSERT INTO enforcements (project, unit, is_enforced, recorded_at, actor_user, actor_site, entry)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (user, site, now) = by(deed);
        let (Enforce { project, unit, is_enforced }, entry) = (enforce, rows::number(deed.entry)?);
        let unit = unit.to_string();
        self.connection.execute(insert, params![project.as_str(), unit, is_enforced, now, user, site, entry])?;
        Ok(())
    }

    fn grants(&self, project: &ProjectName) -> Result<Vec<Grant>> {
        queries::grants(self, Some(project))
    }

    fn adjustments(&self, project: &ProjectName) -> Result<Vec<Entry>> {
        queries::adjustments(self, project)
    }

    fn expiries(&self, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
        queries::expiries(self, project)
    }

    fn policy(&self, project: &ProjectName, unit: &Unit) -> Result<Option<SetPolicy>> {
        let select = "SELECT project, unit, policy, zone FROM policies WHERE project = ?1 AND unit = ?2
            ORDER BY number DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(select)?;
        Ok(statement.query_row([project.as_str(), &unit.to_string()], queries::policy).optional()?)
    }

    fn set_policy(&self, policy: &SetPolicy, deed: &Deed<'_>) -> Result<()> {
        let insert = "INSERT INTO policies (project, unit, policy, zone, recorded_at, actor_user, actor_site, entry)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let (user, site, now) = by(deed);
        let SetPolicy { project, unit, policy, zone } = policy;
        // One without a name is refused by its own writing.
        let (policy, zone) = (rows::to_json(policy)?, rows::to_json(zone).map(|_| zone.to_string())?);
        let (unit, entry) = (unit.to_string(), rows::number(deed.entry)?);
        self.connection.execute(insert, params![project.as_str(), unit, policy, zone, now, user, site, entry])?;
        Ok(())
    }

    fn run_digests(&self, keys: &[&RunKey]) -> Result<Vec<Option<RunDigest>>> {
        run_tables::digests(self.connection, &self.names, keys)
    }

    fn run(&self, key: &RunKey) -> Result<Option<BookedRun>> {
        run_tables::run(self.connection, &self.names, key)
    }

    fn run_with_sluid(&self, site: &SiteName, cluster: &ClusterName, sluid: &str) -> Result<Option<BookedRun>> {
        run_tables::run_with_sluid(self.connection, &self.names, site, cluster, sluid)
    }

    fn runs_of_job(&self, job: JobId) -> Result<Vec<BookedRun>> {
        run_tables::runs_of_job(self.connection, &self.names, job)
    }

    fn unattributed_runs(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        run_tables::page(self.connection, &self.names, Listed::Unattributed, site, after, limit)
    }

    fn runs_of_site(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        run_tables::page(self.connection, &self.names, Listed::All, site, after, limit)
    }

    fn observed_at(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Timestamp>> {
        let select = "SELECT as_of FROM observations WHERE site = ?1 AND cluster = ?2 AND scope = ?3";
        let mut statement = self.connection.prepare_cached(select)?;
        let place = [site.as_str(), cluster.as_str(), &scope.to_string()];
        Ok(statement.query_row(place, |row| rows::instant(row, 0)).optional()?)
    }

    fn put_observation(&self, observation: &Observation) -> Result<()> {
        observation_tables::put_observation(self.connection, observation)
    }

    fn seen_at(&self, job: JobId, until: Timestamp) -> Result<Option<Timestamp>> {
        stored::seen_at(self, job, until)
    }

    fn put_coverage(&self, reading: &Coverage, entry: u64) -> Result<Option<Vec<u64>>> {
        stored::put_coverage(self, reading, entry)
    }

    fn readings(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Vec<Coverage>> {
        stored::readings(self, site, cluster, scope)
    }

    fn has_run_of_others(&self, reading: &Coverage, reader: &UserName, account: Option<&AccountName>) -> Result<bool> {
        stored::has_run_of_others(self, reading, reader, account)
    }

    fn cursor(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Cursor>> {
        queries::cursor(self.connection, site, cluster, scope)
    }

    fn put_cursor(&self, cursor: &Cursor) -> Result<()> {
        let insert = "INSERT INTO cursors (site, cluster, scope, settled_until) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (site, cluster, scope) DO UPDATE SET settled_until = excluded.settled_until";
        let Cursor { site, cluster, scope, settled_until } = cursor;
        let until = settled_until.epoch_seconds();
        self.connection.execute(insert, params![site.as_str(), cluster.as_str(), scope.to_string(), until])?;
        Ok(())
    }

    fn erase(&self, who: &Principal, now: Timestamp) -> Result<Option<Erased>> {
        let erased = stored::erase(self, who, now)?;
        if erased.is_some() {
            overwriting::note(self.connection)?;
        }
        Ok(erased)
    }

    fn proposal(&self, key: &str) -> Result<Option<Proposal>> {
        let mut statement = self.connection.prepare_cached("SELECT proposal FROM proposals WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| rows::from_json(row, 0)).optional()?)
    }

    fn put_proposal(&self, proposal: &Proposal) -> Result<()> {
        let insert = "INSERT INTO proposals (key, proposal, entry) VALUES (?1, ?2, ?3)
            ON CONFLICT (key) DO UPDATE SET proposal = excluded.proposal, entry = excluded.entry";
        let entry = proposal.entry.map(rows::number).transpose()?;
        self.connection.execute(insert, params![proposal.wish.key, rows::to_json(proposal)?, entry])?;
        Ok(())
    }

    fn zone(&self, site: &SiteName) -> Result<Option<Zone>> {
        stored::zone(self, site)
    }

    fn set_zone(&self, zone: &SiteZone, deed: &Deed<'_>) -> Result<()> {
        stored::set_zone(self, zone, deed)
    }

    fn add_import(&self, batch: &ImportBatch, deed: &Deed<'_>) -> Result<u64> {
        import_table::add(self.connection, batch, deed)
    }

    fn bundles(&self) -> Result<Vec<BundleMark>> {
        bundle_table::bundles(self.connection)
    }

    fn put_bundle(&self, mark: &BundleMark, deed: &Deed<'_>) -> Result<Option<u64>> {
        bundle_table::put(self.connection, mark, deed)
    }

    fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
        figure_tables::figures(self.connection, project)
    }

    fn put_site_figure(&self, figure: &NewSiteFigure, deed: &Deed<'_>) -> Result<()> {
        figure_tables::put(self.connection, figure, deed)
    }

    fn spent_through(
        &self,
        project: &ProjectName,
        unit: &Unit,
        since: Option<Timestamp>,
        through: Timestamp,
    ) -> Result<Amount> {
        spending_tables::spent_through(self.connection, &self.names, (project, unit), since, through)
    }

    fn balance_parts(&self, project: Option<&ProjectName>, now: Timestamp) -> Result<BalanceParts> {
        stored::balance_parts(self, project, now)
    }

    fn write(&self, changes: Changes) -> Result<()> {
        let Changes { entries, runs, seen_again, holds, balances, totals } = changes;
        let marked = Marked::all(&self.persons, &entries)?;
        let raw = stored::beside(&entries, &marked, &runs, |hashes| {
            entry_tables::append(self, &entries, &marked, hashes)?;
            spending_tables::add(self.connection, &self.names, &entries)?;
            stored::add_usage(self, &entries)
        })?;
        run_tables::see_again(self.connection, &self.names, &seen_again)?;
        // Its statements are long, and posts about holds need none of them.
        if !runs.is_empty() {
            RunWriter::new().write(self.connection, &self.names, &runs, raw)?;
        }
        for hold in &holds {
            self.put_hold(hold)?;
        }
        self.put_balances(&balances)?;
        self.put_totals(&totals)
    }
}
