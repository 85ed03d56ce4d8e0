//! The records of a transaction, over SQLite's tables.

use super::run_tables::{self, Listed};
use super::{balance_queries, observation_tables, queries, rows};
use crate::records::{BalanceParts, BookedRun, Records, Result};
use crate::{
    Binding, BindingRecord, Cursor, Enforce, Entry, Hold, HoldId, LedgerErrorKind, Observation, Scope, Unbind, rules,
};
use model::{Amount, ClusterName, JobId, Principal, ProjectName, RunKey, SiteName, Timestamp, Unit};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

/// The tables seen through a connection that is inside a transaction.
pub(super) struct Tables<'a>(pub(super) &'a Connection);

impl Tables<'_> {
    /// Adds to the stored amount of an account; checked, so that what does not fit is an error and no other number.
    fn add_to_balance(&self, account: &str, unit: &str, amount: Amount) -> Result<()> {
        let select = "SELECT amount FROM balances WHERE account = ?1 AND unit = ?2";
        let stored = self.0.prepare_cached(select)?.query_row([account, unit], |row| rows::amount(row, 0));
        let sum = stored.optional()?.unwrap_or_default().plus(amount)?;
        let insert = "INSERT INTO balances (account, unit, amount) VALUES (?1, ?2, ?3)
            ON CONFLICT (account, unit) DO UPDATE SET amount = excluded.amount";
        self.0.prepare_cached(insert)?.execute(params![account, unit, sum.milli()])?;
        Ok(())
    }

    fn add_to_total(&self, entry: &Entry, amount: Amount) -> Result<()> {
        let place = [entry.project.to_string(), entry.unit.to_string(), entry.kind.to_string()];
        let select = "SELECT amount FROM totals WHERE project = ?1 AND unit = ?2 AND kind = ?3";
        let stored = self.0.prepare_cached(select)?.query_row(place.each_ref(), |row| rows::amount(row, 0));
        let sum = stored.optional()?.unwrap_or_default().plus(amount)?;
        let insert = "INSERT INTO totals (project, unit, kind, amount) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (project, unit, kind) DO UPDATE SET amount = excluded.amount";
        self.0.prepare_cached(insert)?.execute(params![place[0], place[1], place[2], sum.milli()])?;
        Ok(())
    }

    fn entry_where<P: rusqlite::Params>(&self, condition: &str, parameters: P) -> Result<Option<Entry>> {
        let select = format!("SELECT {} FROM entries WHERE {condition}", rows::ENTRY);
        Ok(self.0.prepare_cached(&select)?.query_row(parameters, rows::entry).optional()?)
    }
}

impl Records for Tables<'_> {
    fn in_savepoint(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.0.prepare_cached("SAVEPOINT work")?.execute([])?;
        let Err(error) = work() else {
            self.0.prepare_cached("RELEASE work")?.execute([])?;
            return Ok(());
        };
        // After a full disk SQLite has rolled back the whole transaction by itself: then there is nothing left to undo,
        // and the first error, which ends the post, is the one to tell.
        match self.0.execute_batch("ROLLBACK TO work; RELEASE work") {
            Err(not_undone) if error.kind == LedgerErrorKind::Overflow => Err(not_undone.into()),
            _ => Err(error),
        }
    }

    fn next_number(&self) -> Result<u64> {
        Ok(self
            .0
            .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM entries")?
            .query_row([], |row| rows::count(row, 0))?)
    }

    fn append(&self, entry: &Entry) -> Result<()> {
        let insert = format!(
            "INSERT INTO entries ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            rows::ENTRY
        );
        self.0.prepare_cached(&insert)?.execute(params_from_iter(rows::entry_values(entry)?))?;
        if entry.kind.moves() {
            let unit = entry.unit.to_string();
            self.add_to_balance(&entry.debit.to_string(), &unit, entry.amount.negated()?)?;
            self.add_to_balance(&entry.credit.to_string(), &unit, entry.amount)?;
            self.add_to_total(entry, rules::budget_change(entry)?)?;
        }
        Ok(())
    }

    fn entry_with_key(&self, key: &str) -> Result<Option<Entry>> {
        self.entry_where("key = ?1", [key])
    }

    fn entry(&self, number: u64) -> Result<Option<Entry>> {
        self.entry_where("number = ?1", [rows::number(number)?])
    }

    fn hold(&self, id: HoldId) -> Result<Option<Hold>> {
        let select = format!("SELECT {} FROM holds WHERE id = ?1", rows::HOLD);
        Ok(self.0.prepare_cached(&select)?.query_row([id.to_string()], rows::hold).optional()?)
    }

    fn put_hold(&self, hold: &Hold) -> Result<()> {
        let insert = format!(
            "INSERT INTO holds ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (id) DO UPDATE SET ceiling = excluded.ceiling, charged = excluded.charged,
             closed_because = excluded.closed_because, closed_at = excluded.closed_at",
            rows::HOLD
        );
        let closing =
            hold.closing.map(|closing| Ok::<_, rusqlite::Error>((rows::to_json(&closing.reason)?, closing.at)));
        let closing = closing.transpose()?;
        self.0.prepare_cached(&insert)?.execute(params![
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
        ])?;
        Ok(())
    }

    fn bindings(&self) -> Result<Vec<BindingRecord>> {
        queries::bindings(self.0)
    }

    fn end_binding(&self, unbind: Unbind, actor: &Principal, now: Timestamp) -> Result<()> {
        let insert = "INSERT INTO unbindings (binding, to_at, recorded_at, actor_user, actor_site)
            VALUES (?1, ?2, ?3, ?4, ?5)";
        let (user, site) = (actor.user.as_str(), actor.site.as_ref().map(SiteName::as_str));
        let number = rows::number(unbind.number)?;
        self.0.execute(insert, params![number, unbind.to.epoch_seconds(), now.epoch_seconds(), user, site])?;
        Ok(())
    }

    fn add_binding(&self, binding: &Binding, actor: &Principal, now: Timestamp) -> Result<()> {
        let insert = "INSERT INTO bindings
            (site, account, partition, user, unit, project, from_at, to_at, recorded_at, actor_user, actor_site)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.0.execute(
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
                now.epoch_seconds(),
                actor.user.as_str(),
                actor.site.as_ref().map(SiteName::as_str),
            ],
        )?;
        Ok(())
    }

    fn is_enforced(&self, project: &ProjectName, unit: &Unit) -> Result<bool> {
        let select =
            "SELECT is_enforced FROM enforcements WHERE project = ?1 AND unit = ?2 ORDER BY number DESC LIMIT 1";
        let last = self.0.prepare_cached(select)?.query_row([project.as_str(), &unit.to_string()], |row| row.get(0));
        Ok(last.optional()?.unwrap_or(false))
    }

    fn set_enforced(&self, enforce: &Enforce, actor: &Principal, now: Timestamp) -> Result<()> {
        let insert = "INSERT INTO enforcements (project, unit, is_enforced, recorded_at, actor_user, actor_site)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (user, site) = (actor.user.as_str(), actor.site.as_ref().map(SiteName::as_str));
        let Enforce { project, unit, is_enforced } = enforce;
        let now = now.epoch_seconds();
        self.0.execute(insert, params![project.as_str(), unit.to_string(), is_enforced, now, user, site])?;
        Ok(())
    }

    fn run(&self, key: &RunKey) -> Result<Option<BookedRun>> {
        run_tables::run(self.0, key)
    }

    fn run_with_sluid(&self, site: &SiteName, cluster: &ClusterName, sluid: &str) -> Result<Option<BookedRun>> {
        run_tables::run_with_sluid(self.0, site, cluster, sluid)
    }

    fn put_run(&self, run: &BookedRun) -> Result<()> {
        run_tables::put_run(self.0, run)
    }

    fn runs_of_job(&self, job: JobId) -> Result<Vec<BookedRun>> {
        run_tables::runs_of_job(self.0, job)
    }

    fn unattributed_runs(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        run_tables::page(self.0, Listed::Unattributed, site, after, limit)
    }

    fn runs_without_hold(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>> {
        run_tables::page(self.0, Listed::WithoutHold, site, after, limit)
    }

    fn observed_at(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Timestamp>> {
        let select = "SELECT as_of FROM observations WHERE site = ?1 AND cluster = ?2 AND scope = ?3";
        let mut statement = self.0.prepare_cached(select)?;
        let place = [site.as_str(), cluster.as_str(), &scope.to_string()];
        Ok(statement.query_row(place, |row| rows::instant(row, 0)).optional()?)
    }

    fn put_observation(&self, observation: &Observation) -> Result<()> {
        observation_tables::put_observation(self.0, observation)
    }

    fn cursor(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Cursor>> {
        queries::cursor(self.0, site, cluster, scope)
    }

    fn put_cursor(&self, cursor: &Cursor) -> Result<()> {
        let insert = "INSERT INTO cursors (site, cluster, scope, settled_until) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (site, cluster, scope) DO UPDATE SET settled_until = excluded.settled_until";
        let Cursor { site, cluster, scope, settled_until } = cursor;
        let until = settled_until.epoch_seconds();
        self.0.execute(insert, params![site.as_str(), cluster.as_str(), scope.to_string(), until])?;
        Ok(())
    }

    fn balance_parts(&self, project: Option<&ProjectName>, now: Timestamp) -> Result<BalanceParts> {
        balance_queries::balance_parts(self.0, project, now)
    }
}
