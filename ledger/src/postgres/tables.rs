//! What a post needs of PostgreSQL's tables.

use super::open_log::OpenLog;
use super::run_tables;
use super::session::Session;
use super::{
    bundle_table, entry_tables, figure_tables, import_table, observation_tables, queries, rows, spending_tables,
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
    AccountName, Amount, ClusterName, JobId, Principal, ProjectName, RunKey, SiteName, Timestamp, Unit, UserName,
    Window, Zone,
};
use std::cell::RefCell;

/// The tables seen through a session that is inside a transaction.
pub(super) struct Tables<'a> {
    pub(super) session: &'a Session,
    pub(super) persons: Persons<'a>,
    /// The log since entries were first added; it is written once, when the transaction ends.
    pub(super) log: RefCell<Option<OpenLog>>,
}

impl<'a> Tables<'a> {
    /// The tables to read.
    pub(super) fn new(session: &'a Session) -> Self {
        Self { session, persons: Persons::new(session, None), log: RefCell::default() }
    }

    /// The tables to write; persons who are new get random bits. [`Self::close_log`] ends what is written.
    pub(super) fn to_write(session: &'a Session, random: &'a Random) -> Self {
        Self { session, persons: Persons::new(session, Some(random)), log: RefCell::default() }
    }

    fn amount(&self, select: &str, values: super::session::Values<'_>) -> Result<Amount> {
        let found = self.session.row(select, values)?;
        Ok(found.map(|row| rows::amount(&row, 0)).transpose()?.unwrap_or_default())
    }

    fn put_balances(&self, balances: &[(Account, Unit, Amount)]) -> Result<()> {
        let insert = "INSERT INTO balances (account, unit, amount)
            SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
            ON CONFLICT (account, unit) DO UPDATE SET amount = excluded.amount";
        let accounts: Vec<String> = balances.iter().map(|(account, _, _)| account.to_string()).collect();
        let units: Vec<String> = balances.iter().map(|(_, unit, _)| unit.to_string()).collect();
        let amounts: Vec<i64> = balances.iter().map(|(_, _, amount)| amount.milli()).collect();
        if !balances.is_empty() {
            self.session.execute(insert, &[&accounts, &units, &amounts])?;
        }
        Ok(())
    }

    fn put_totals(&self, totals: &[(ProjectName, Unit, EntryKind, Amount)]) -> Result<()> {
        let insert = "INSERT INTO totals (project, unit, kind, amount)
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
            ON CONFLICT (project, unit, kind) DO UPDATE SET amount = excluded.amount";
        let projects: Vec<&str> = totals.iter().map(|(project, ..)| project.as_str()).collect();
        let units: Vec<String> = totals.iter().map(|(_, unit, ..)| unit.to_string()).collect();
        let kinds: Vec<&str> = totals.iter().map(|(_, _, kind, _)| kind.as_str()).collect();
        let amounts: Vec<i64> = totals.iter().map(|(.., amount)| amount.milli()).collect();
        if !totals.is_empty() {
            self.session.execute(insert, &[&projects, &units, &kinds, &amounts])?;
        }
        Ok(())
    }

    pub(super) fn put_holds(&self, holds: &[Hold]) -> Result<()> {
        if holds.is_empty() {
            return Ok(());
        }
        let insert = format!(
            "INSERT INTO holds ({}) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                 $6::bigint[], $7::text[], $8::text[], $9::boolean[], $10::bigint[], $11::text[], $12::text[],
                 $13::text[], $14::bigint[], $15::bigint[], $16::bigint[])
             ON CONFLICT (id) DO UPDATE SET ceiling = excluded.ceiling, charged = excluded.charged,
             closed_because = excluded.closed_because, closed_at = excluded.closed_at",
            rows::HOLD
        );
        let texts = |of: fn(&Hold) -> String| holds.iter().map(of).collect::<Vec<_>>();
        let amounts = |of: fn(&Hold) -> Amount| holds.iter().map(|hold| of(hold).milli()).collect::<Vec<_>>();
        let borrowed = |of: fn(&Hold) -> Option<&str>| holds.iter().map(of).collect::<Vec<_>>();
        let expected = |of: fn(Window) -> Timestamp| {
            holds.iter().map(|hold| hold.expected.map(|window| of(window).epoch_seconds())).collect::<Vec<_>>()
        };
        let reason = |hold: &Hold| hold.closing.map(|closing| rows::to_json(&closing.reason)).transpose();
        self.session.execute(
            &insert,
            &[
                &texts(|hold| hold.id.to_string()),
                &borrowed(|hold| Some(hold.project.as_str())),
                &texts(|hold| hold.unit.to_string()),
                &amounts(|hold| hold.first_ceiling),
                &amounts(|hold| hold.ceiling),
                &amounts(|hold| hold.charged),
                &borrowed(|hold| Some(&hold.note)),
                &borrowed(|hold| hold.anyway.as_deref()),
                &holds.iter().map(|hold| hold.is_provisional).collect::<Vec<_>>(),
                &holds.iter().map(|hold| hold.opened_at.epoch_seconds()).collect::<Vec<_>>(),
                &borrowed(|hold| Some(hold.opened_by.user.as_str())),
                &borrowed(|hold| hold.opened_by.site.as_ref().map(SiteName::as_str)),
                &holds.iter().map(reason).collect::<Result<Vec<_>>>()?,
                &holds.iter().map(|hold| hold.closing.map(|closing| closing.at.epoch_seconds())).collect::<Vec<_>>(),
                &expected(|window| window.from),
                &expected(|window| window.to),
            ],
        )?;
        Ok(())
    }
}

/// Who decides, where, and when, as columns have it.
pub(super) fn by<'a>(deed: &Deed<'a>) -> (&'a str, Option<&'a str>, i64) {
    (deed.actor.user.as_str(), deed.actor.site.as_ref().map(SiteName::as_str), deed.at.epoch_seconds())
}

impl Store for Tables<'_> {
    fn secret(&self) -> Result<Secret> {
        let found = self.session.row("SELECT decode(value, 'hex') FROM meta WHERE name = 'secret'", &[])?;
        let bytes = found.as_ref().map(|row| rows::get::<&[u8]>(row, 0)).transpose()?;
        let missing = || LedgerError::never(LedgerErrorKind::Corrupt, "its secret is missing");
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Secret).ok_or_else(missing)
    }

    fn last_number(&self) -> Result<u64> {
        rows::count(&self.session.one("SELECT coalesce(max(number), 0) FROM entries", &[])?, 0)
    }

    fn balance(&self, account: &Account, unit: &Unit) -> Result<Amount> {
        let select = "SELECT amount FROM balances WHERE account = $1 AND unit = $2";
        self.amount(select, &[&account.to_string(), &unit.to_string()])
    }

    fn total(&self, project: &ProjectName, unit: &Unit, kind: EntryKind) -> Result<Amount> {
        let select = "SELECT amount FROM totals WHERE project = $1 AND unit = $2 AND kind = $3";
        self.amount(select, &[&project.as_str(), &unit.to_string(), &kind.as_str()])
    }

    fn entry_with_key(&self, key: &str) -> Result<Option<Entry>> {
        Ok(entry_tables::entries_where(self, "key = $1", &[&key])?.pop())
    }

    fn entry(&self, number: u64) -> Result<Option<Entry>> {
        Ok(entry_tables::entries_where(self, "number = $1", &[&rows::number(number)?])?.pop())
    }

    fn hold(&self, id: HoldId) -> Result<Option<Hold>> {
        let select = format!("SELECT {} FROM holds WHERE id = $1", rows::HOLD);
        self.session.row(&select, &[&id.to_string()])?.map(|row| rows::hold(&row)).transpose()
    }

    fn decided(&self, kind: DecidedKind, entry: u64) -> Result<DecidedRow> {
        stored::decided(self, kind, entry)
    }

    fn decide_again(&self, kind: DecidedKind, before: u64, after: u64) -> Result<()> {
        stored::decide_again(self, kind, before, after)
    }

    fn bindings(&self) -> Result<Vec<BindingRecord>> {
        queries::bindings(self.session)
    }

    fn end_binding(&self, unbind: Unbind, deed: &Deed<'_>) -> Result<()> {
        let insert = "INSERT INTO unbindings (binding, to_at, recorded_at, actor_user, actor_site, entry)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let (user, site, now) = by(deed);
        let (number, to, entry) = (rows::number(unbind.number)?, unbind.to.epoch_seconds(), rows::number(deed.entry)?);
        self.session.execute(insert, &[&number, &to, &now, &user, &site, &entry])?;
        Ok(())
    }

    fn add_binding(&self, binding: &Binding, deed: &Deed<'_>) -> Result<()> {
        let insert = r#"INSERT INTO bindings
            (number, site, account, partition, "user", unit, project, from_at, to_at, recorded_at, actor_user, actor_site,
             work_directory, name, entry)
            SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 FROM bindings"#;
        let (user, site, now) = by(deed);
        self.session.execute(
            insert,
            &[
                &binding.site.as_str(),
                &binding.account.as_ref().map(model::AccountName::as_str),
                &binding.partition.as_ref().map(model::PartitionName::as_str),
                &binding.user.as_ref().map(model::UserName::as_str),
                &binding.unit.to_string(),
                &binding.project.as_str(),
                &binding.from.epoch_seconds(),
                &binding.to.map(Timestamp::epoch_seconds),
                &now,
                &user,
                &site,
                &binding.work_directory.as_ref().map(model::DirectoryPrefix::as_str),
                &binding.name.as_ref().map(model::Pattern::as_str),
                &rows::number(deed.entry)?,
            ],
        )?;
        Ok(())
    }

    fn is_enforced(&self, project: &ProjectName, unit: &Unit) -> Result<bool> {
        let select =
            "SELECT is_enforced FROM enforcements WHERE project = $1 AND unit = $2 ORDER BY number DESC LIMIT 1";
        let last = self.session.row(select, &[&project.as_str(), &unit.to_string()])?;
        Ok(last.map(|row| rows::get(&row, 0)).transpose()?.unwrap_or(false))
    }

    fn set_enforced(&self, enforce: &Enforce, deed: &Deed<'_>) -> Result<()> {
        let insert = "INSERT INTO enforcements (project, unit, is_enforced, recorded_at, actor_user, actor_site, entry)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let (user, site, now) = by(deed);
        let Enforce { project, unit, is_enforced } = enforce;
        let (unit, entry) = (unit.to_string(), rows::number(deed.entry)?);
        self.session.execute(insert, &[&project.as_str(), &unit, is_enforced, &now, &user, &site, &entry])?;
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
        let select = "SELECT project, unit, policy, zone FROM policies WHERE project = $1 AND unit = $2
            ORDER BY number DESC LIMIT 1";
        let last = self.session.row(select, &[&project.as_str(), &unit.to_string()])?;
        last.map(|row| queries::policy(&row)).transpose()
    }

    fn set_policy(&self, policy: &SetPolicy, deed: &Deed<'_>) -> Result<()> {
        let insert = "INSERT INTO policies (project, unit, policy, zone, recorded_at, actor_user, actor_site, entry)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let (user, site, now) = by(deed);
        let SetPolicy { project, unit, policy, zone } = policy;
        // One without a name is refused by its own writing.
        let (policy, zone) = (rows::to_json(policy)?, rows::to_json(zone).map(|_| zone.to_string())?);
        let (unit, entry) = (unit.to_string(), rows::number(deed.entry)?);
        self.session.execute(insert, &[&project.as_str(), &unit, &policy, &zone, &now, &user, &site, &entry])?;
        Ok(())
    }

    fn run_digests(&self, keys: &[&RunKey]) -> Result<Vec<Option<RunDigest>>> {
        run_tables::digests(self.session, keys)
    }

    fn run(&self, key: &RunKey) -> Result<Option<BookedRun>> {
        run_tables::run(self.session, key)
    }

    fn run_with_sluid(&self, site: &SiteName, cluster: &ClusterName, sluid: &str) -> Result<Option<BookedRun>> {
        run_tables::run_with_sluid(self.session, site, cluster, sluid)
    }

    fn runs_of_job(&self, job: JobId) -> Result<Vec<BookedRun>> {
        run_tables::runs_of_job(self.session, job)
    }

    fn unattributed_runs(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        run_tables::page(self.session, Listed::Unattributed, site, after, limit)
    }

    fn runs_of_site(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        run_tables::page(self.session, Listed::All, site, after, limit)
    }

    fn observed_at(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Timestamp>> {
        let select = "SELECT as_of FROM observations WHERE site = $1 AND cluster = $2 AND scope = $3";
        let found = self.session.row(select, &[&site.as_str(), &cluster.as_str(), &scope.to_string()])?;
        found.map(|row| rows::instant(&row, 0)).transpose()
    }

    fn put_observation(&self, observation: &Observation) -> Result<()> {
        observation_tables::put_observation(self.session, observation)
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
        queries::cursor(self.session, site, cluster, scope)
    }

    fn put_cursor(&self, cursor: &Cursor) -> Result<()> {
        let insert = "INSERT INTO cursors (site, cluster, scope, settled_until) VALUES ($1, $2, $3, $4)
            ON CONFLICT (site, cluster, scope) DO UPDATE SET settled_until = excluded.settled_until";
        let Cursor { site, cluster, scope, settled_until } = cursor;
        let until = settled_until.epoch_seconds();
        self.session.execute(insert, &[&site.as_str(), &cluster.as_str(), &scope.to_string(), &until])?;
        Ok(())
    }

    fn add_import(&self, batch: &ImportBatch, deed: &Deed<'_>) -> Result<u64> {
        import_table::add(self.session, batch, deed)
    }

    fn bundles(&self) -> Result<Vec<BundleMark>> {
        bundle_table::bundles(self.session)
    }

    fn put_bundle(&self, mark: &BundleMark, deed: &Deed<'_>) -> Result<Option<u64>> {
        bundle_table::put(self.session, mark, deed)
    }

    fn erase(&self, who: &Principal, now: Timestamp) -> Result<Option<Erased>> {
        stored::erase(self, who, now)
    }

    fn proposal(&self, key: &str) -> Result<Option<Proposal>> {
        let found = self.session.row("SELECT proposal FROM proposals WHERE key = $1", &[&key])?;
        found.map(|row| rows::from_json(rows::get(&row, 0)?)).transpose()
    }

    fn put_proposal(&self, proposal: &Proposal) -> Result<()> {
        let insert = "INSERT INTO proposals (key, proposal, entry) VALUES ($1, $2, $3)
            ON CONFLICT (key) DO UPDATE SET proposal = excluded.proposal, entry = excluded.entry";
        let (text, entry) = (rows::to_json(proposal)?, proposal.entry.map(rows::number).transpose()?);
        self.session.execute(insert, &[&proposal.wish.key, &text, &entry]).map(drop)
    }

    fn zone(&self, site: &SiteName) -> Result<Option<Zone>> {
        stored::zone(self, site)
    }

    fn set_zone(&self, zone: &SiteZone, deed: &Deed<'_>) -> Result<()> {
        stored::set_zone(self, zone, deed)
    }

    fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
        figure_tables::figures(self.session, project)
    }

    fn put_site_figure(&self, figure: &NewSiteFigure, deed: &Deed<'_>) -> Result<()> {
        figure_tables::put(self.session, figure, deed)
    }

    fn spent_through(
        &self,
        project: &ProjectName,
        unit: &Unit,
        since: Option<Timestamp>,
        through: Timestamp,
    ) -> Result<Amount> {
        spending_tables::spent_through(self.session, (project, unit), since, through)
    }

    fn balance_parts(&self, project: Option<&ProjectName>, now: Timestamp) -> Result<BalanceParts> {
        stored::balance_parts(self, project, now)
    }

    fn write(&self, changes: Changes) -> Result<()> {
        let Changes { entries, runs, seen_again, holds, balances, totals } = changes;
        let marked = Marked::all(&self.persons, &entries)?;
        let raw = stored::beside(&entries, &marked, &runs, |hashes| {
            entry_tables::append(self, &entries, &marked, hashes)?;
            spending_tables::add(self.session, &entries)?;
            stored::add_usage(self, &entries)
        })?;
        run_tables::see_again(self.session, &seen_again)?;
        run_tables::write(self.session, &runs, raw)?;
        self.put_holds(&holds)?;
        self.put_balances(&balances)?;
        self.put_totals(&totals)
    }
}
