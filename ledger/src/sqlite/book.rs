//! The contract, kept by one SQLite file.

use super::joined_posts::Writer;
use super::open::{OpenMode, Opened, Surroundings, key_file_of, open};
use super::read_only::Untouched;
use super::tables::Tables;
use super::thread::{OpenFile, with_retries};
use super::{
    backup, bundle_table, figure_tables, import_table, moving, new_key, overwriting, queries, replica, run_tables,
    side_reader,
};
use crate::evidence::EntryProof;
use crate::post::Post;
use crate::records::{BookedRun, Result};
use crate::store::Store;
use crate::stored::{self, Known, LogTables as _, Owner};
use crate::{
    BalanceQuery, BindingRecord, Book, BoundAndRead, Budget, BundleMark, ChargedRun, Command, Coverage, CoveredRun,
    CoveredSum, Cursor, DecidedRecord, Entry, EntryPage, EntryRecord, Grant, Hold, HoldId, ImportRecord, KnownAt,
    LogRecord, Outcome, Outside, PersonRecord, PostgresPlace, Proposal, Scope, SettledRun, SiteChargeSum,
    SiteFigureRecord, SiteZone, StillRunning, UnattributedRun, UnpricedRuns, UsageQuery, UsageSum, Verification,
};
use async_trait::async_trait;
use model::{
    Balance, ClusterName, Principal, ProjectName, RunKey, SchedulerJobId, SiteName, Statement, Timestamp, Unit, Window,
};
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A ledger in one SQLite file. Any number of processes, and of these, may use the same file.
#[derive(Debug)]
pub struct SqliteBook {
    owner: Owner<OpenFile>,
    path: PathBuf,
    writer: Writer,
    is_read_only: bool,
    untouched: Option<Untouched>,
}

impl SqliteBook {
    /// Opens the ledger at `path`, as this process sees its machine.
    ///
    /// Errors leave the file as it was: none there (`NotFound`), not a ledger, from a newer release, damaged, kept to
    /// another host, not permitted. One that cannot be written is opened to be read: a post is refused (`ReadOnly`).
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self> {
        Self::open_in(path, mode, &Surroundings::here())
    }

    /// Opens the ledger at `path` in the surroundings given.
    pub fn open_in(path: &Path, mode: OpenMode, surroundings: &Surroundings) -> Result<Self> {
        let Opened { connection, signer, is_read_only, untouched } = open(path, mode, surroundings)?;
        let Surroundings { stop, random, .. } = surroundings.clone();
        let writer = Writer { random, stop, signer: signer.map(Arc::new) };
        let file = OpenFile { connection, writer: writer.clone() };
        let (owner, ()) = Owner::start(move || Ok((file, ())))?;
        Ok(Self { owner, path: path.to_owned(), writer, is_read_only, untouched })
    }

    /// Puts a backup where no ledger is, once it was verified. The backup stays as it is.
    pub async fn restore(from: &Path, to: &Path) -> Result<Verification> {
        let restored = backup::restore(from, to).await;
        restored.map_err(|error| error.while_doing("restoring a backup").with_fact("file", &from.display()))
    }

    /// Fills an empty ledger with entries of another one, in order. What comes out has the same entries, balances and
    /// holds, so an export can be checked without its origin; it has no runs and takes no commands.
    pub async fn replay(&self, entries: &[Entry]) -> Result<()> {
        let (entries, random) = (entries.to_vec(), self.writer.random.clone());
        let work = move |connection: &mut Connection| replica::replay(connection, &random, &entries);
        self.call("replaying entries", work).await
    }

    /// Moves the ledger to a server: its database has the same entries under the same numbers, with their leaves and proofs,
    /// and was verified; the key of the log goes into the folder `keys`. This file stays, and takes no more posts.
    ///
    /// Errors leave the database as it was. A ledger there that somebody has posted to is refused (`Conflict`).
    pub async fn move_to(&self, place: &PostgresPlace, keys: &Path) -> Result<Verification> {
        let (path, place, keys) = (self.path.clone(), place.clone(), keys.to_owned());
        let to = place.to_string();
        let work = move |connection: &mut Connection| moving::move_to(connection, &path, &place, &keys);
        self.call("moving the ledger", work).await.map_err(|error| error.with_fact("server", &to))
    }

    /// Runs what only reads, all of it on one state of the file.
    async fn read<T: Send + 'static>(
        &self,
        doing: &str,
        query: impl Fn(&Tables<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let work = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let answer = query(&Tables::new(&transaction))?;
            transaction.commit()?;
            Ok(answer)
        };
        self.call(doing, work).await
    }

    /// Runs work on the owning thread; an error says what was being done, and to which file.
    async fn call<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl FnMut(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut answer = self.owner.call(|file| with_retries(&mut file.connection, work)).await;
        // An error, too, may come of what somebody wrote meanwhile.
        if let Some(Err(error)) = self.untouched.as_ref().map(Untouched::check) {
            answer = Err(error);
        }
        answer.map_err(|error| error.while_doing(doing).with_fact("file", &self.path.display()))
    }

    /// The log, signed where it can be, and what else is asked of the same state.
    async fn log_and<T: Send + 'static>(&self, and: fn(&Tables<'_>) -> Result<T>) -> Result<(LogRecord, T)> {
        let (signer, key_file) = (self.writer.signer.clone(), key_file_of(&self.path));
        if self.is_read_only {
            let read = move |tables: &Tables<'_>| {
                Ok((stored::record_of_log(tables, None, |_| key_file.clone())?, and(tables)?))
            };
            let (record, more) = self.read("reading the log", read).await?;
            let unsigned = record.unsigned.map(|_| "the ledger can only be read here".to_owned());
            return Ok((LogRecord { unsigned, ..record }, more));
        }
        let work = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let tables = Tables::new(&transaction);
            let record = stored::record_of_log(&tables, signer.as_deref(), |_| key_file.clone())?;
            let more = and(&tables)?;
            transaction.commit()?;
            Ok((record, more))
        };
        self.call("reading the log", work).await
    }
}

#[async_trait]
impl Book for SqliteBook {
    async fn post(&self, actor: &Principal, now: Timestamp, commands: &[Command]) -> Result<Vec<Outcome>> {
        let post = Post { actor: actor.clone(), now, commands: commands.to_vec() };
        let answer = self.owner.post(post).await;
        answer.map_err(|error| error.while_posting().with_fact("file", &self.path.display()))
    }

    async fn balances(&self, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Balance>> {
        let query = query.clone();
        self.read("reading balances", move |tables| stored::balances(tables, &query, now)).await
    }

    async fn budgets(&self, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Budget>> {
        let query = query.clone();
        self.read("reading budgets", move |tables| stored::budgets(tables, &query, now)).await
    }

    async fn statement(
        &self,
        project: &ProjectName,
        unit: &Unit,
        window: Window,
        known_at: Option<KnownAt>,
    ) -> Result<Statement> {
        let (project, unit) = (project.clone(), unit.clone());
        let query = move |tables: &Tables<'_>| queries::statement(tables, &project, &unit, window, known_at);
        self.read("reading a statement", query).await
    }

    async fn bindings(&self) -> Result<Vec<BindingRecord>> {
        self.read("reading the bindings", |tables| queries::bindings(tables.connection)).await
    }

    async fn hold(&self, id: HoldId) -> Result<Option<Hold>> {
        self.read("reading a hold", move |tables| tables.hold(id)).await
    }

    async fn open_holds(&self, project: Option<&ProjectName>) -> Result<Vec<Hold>> {
        let project = project.cloned();
        self.read("reading the open holds", move |tables| queries::open_holds(tables.connection, project.as_ref()))
            .await
    }

    async fn cursor(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Cursor>> {
        let (site, cluster, scope) = (site.clone(), cluster.clone(), scope.clone());
        self.read("reading a cursor", move |tables| queries::cursor(tables.connection, &site, &cluster, &scope)).await
    }

    async fn coverage(&self, site: &SiteName) -> Result<Vec<Coverage>> {
        let site = site.clone();
        self.read("reading the coverage", move |tables| stored::coverage(tables, &site)).await
    }

    async fn bound_and_read(&self, known_at: Option<KnownAt>) -> Result<BoundAndRead> {
        self.read("reading what was bound", move |tables| stored::bound_and_read(tables, known_at)).await
    }

    async fn still_running(&self, now: Timestamp) -> Result<Vec<StillRunning>> {
        let find = move |tables: &Tables<'_>| stored::still_running(tables, import_table::all(tables.connection)?, now);
        self.read("reading what runs", find).await
    }

    async fn unpriced_runs(&self) -> Result<Vec<UnpricedRuns>> {
        self.read("reading the runs without a price", |tables| stored::unpriced_runs(tables)).await
    }

    async fn written_at(&self) -> Result<Option<Timestamp>> {
        self.read("reading when the ledger was written", |tables| queries::written_at(tables.connection)).await
    }

    async fn unattributed(&self) -> Result<Vec<UnattributedRun>> {
        self.read("reading the unattributed runs", queries::unattributed).await
    }

    async fn unattributed_count(&self) -> Result<u64> {
        self.read("counting the unattributed runs", |tables| run_tables::unattributed_count(tables.connection)).await
    }

    async fn covered(&self) -> Result<Vec<CoveredRun>> {
        self.read("reading the runs that openings have", run_tables::covered).await
    }

    async fn covered_sums(&self) -> Result<Vec<CoveredSum>> {
        self.read("adding up the runs that openings have", |tables| stored::covered_sums(tables)).await
    }

    async fn unpriced(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<UnattributedRun>> {
        let (site, after) = (site.clone(), after.cloned());
        let query = move |tables: &Tables<'_>| queries::unpriced(tables, &site, after.as_ref(), limit);
        self.read("reading the runs without a price", query).await
    }

    async fn priced(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<Arc<SettledRun>>> {
        let (site, after) = (site.clone(), after.cloned());
        let query = move |tables: &Tables<'_>| {
            let (connection, listed) = (tables.connection, stored::Listed::Priced);
            let runs = run_tables::page(connection, &tables.names, listed, &site, after.as_ref(), limit)?;
            Ok(runs.into_iter().map(|run| run.settled).collect())
        };
        self.read("reading the runs that have a price", query).await
    }

    async fn openings(&self, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
        let project = project.cloned();
        self.read("reading the openings", move |tables| stored::openings(tables, project.as_ref())).await
    }

    async fn grants(&self, project: Option<&ProjectName>) -> Result<Vec<Grant>> {
        let project = project.cloned();
        self.read("reading the grants", move |tables| queries::grants(tables, project.as_ref())).await
    }

    async fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
        let project = project.cloned();
        let query = move |tables: &Tables<'_>| figure_tables::figures(tables.connection, project.as_ref());
        self.read("reading the figures of sites", query).await
    }

    async fn entries(&self, page: EntryPage) -> Result<Vec<Entry>> {
        self.read("reading entries", move |tables| queries::entries(tables, page)).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageSum>> {
        let query = query.clone();
        self.read("summing usage", move |tables| stored::usage(tables, &query)).await
    }

    async fn site_charges(&self, query: &UsageQuery) -> Result<Vec<SiteChargeSum>> {
        let query = query.clone();
        self.read("summing what sites charge", move |tables| stored::site_charges(tables, &query)).await
    }

    async fn proposals(&self) -> Result<Vec<Proposal>> {
        self.read("reading what waits", |tables| queries::proposals(tables.connection)).await
    }

    async fn charged_runs(&self, site: &SiteName, id: SchedulerJobId) -> Result<Vec<ChargedRun>> {
        let site = site.clone();
        self.read("looking for a run", move |tables| run_tables::charged(tables, &site, id)).await
    }

    async fn runs_charged_to(&self, hold: HoldId) -> Result<Vec<ChargedRun>> {
        let query = move |tables: &Tables<'_>| {
            let runs = run_tables::runs_of_job(tables.connection, &tables.names, hold.0)?;
            Ok(BookedRun::charged_to(runs, hold))
        };
        self.read("looking for runs", query).await
    }

    async fn zones(&self) -> Result<Vec<SiteZone>> {
        self.read("reading the zones of sites", |tables| stored::zones(tables)).await
    }

    async fn imports(&self) -> Result<Vec<ImportRecord>> {
        self.read("reading the imports", |tables| import_table::all(tables.connection)).await
    }

    async fn bundles(&self) -> Result<Vec<BundleMark>> {
        self.read("reading the bundles", |tables| bundle_table::bundles(tables.connection)).await
    }

    async fn moved_to(&self) -> Result<Option<String>> {
        self.read("reading where the ledger is", |tables| queries::moved_to(tables.connection)).await
    }

    async fn backup(&self, to: &Path) -> Result<()> {
        let to = to.to_owned();
        self.call("copying the ledger", move |connection: &mut Connection| backup::write(connection, &to)).await
    }

    async fn verify(&self) -> Result<Verification> {
        self.audit(&Outside::default()).await
    }

    async fn audit(&self, outside: &Outside) -> Result<Verification> {
        let (outside, is_locked) = (outside.clone(), self.untouched.is_none());
        let audit = move |connection: &mut Connection| side_reader::audit(connection, is_locked, &outside);
        self.call("verifying the ledger", audit).await
    }

    async fn log(&self) -> Result<LogRecord> {
        self.log_and(|_| Ok(())).await.map(|(log, ())| log)
    }

    async fn log_and_decisions(&self) -> Result<(LogRecord, Vec<DecidedRecord>)> {
        self.log_and(|tables| stored::all_decided(tables)).await
    }

    async fn change_key(&self, is_lost: bool) -> Result<()> {
        let (path, writer) = (self.path.clone(), self.writer.clone());
        self.call("changing the key", move |file| new_key::change(file, &path, &writer, is_lost)).await
    }

    async fn finish_erasure(&self) -> Result<bool> {
        let doing = "overwriting what was erased";
        let answer = self.call(doing, overwriting::finish).await?.answer();
        answer.map_err(|error| error.while_doing(doing).with_fact("file", &self.path.display()))
    }

    async fn prove(&self, entry: u64) -> Result<EntryProof> {
        self.read("proving an entry", move |tables| stored::prove(tables, entry)).await
    }

    async fn persons(&self) -> Result<Vec<PersonRecord>> {
        let list = |tables: &Tables<'_>| Ok(tables.all_persons()?.iter().map(Known::record).collect());
        self.read("reading the persons", list).await
    }

    async fn records(&self, page: EntryPage) -> Result<Vec<EntryRecord>> {
        self.read("reading entries", move |tables| stored::records(tables, page)).await
    }
}
