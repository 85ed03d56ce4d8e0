//! The contract, kept by a PostgreSQL database.

use super::joined_posts::{Writer, in_transaction};
use super::keeper::Keeper;
use super::place::PostgresPlace;
use super::session::Session;
use super::tables::Tables;
use super::thread::Connected;
use super::{bundle_table, figure_tables, import_table, new_key, queries, run_tables, side_reader};
use crate::evidence::EntryProof;
use crate::post::Post;
use crate::random::Random;
use crate::records::{BookedRun, Result};
use crate::store::Store;
use crate::stored::{self, Known, LogTables as _, Owner};
use crate::{
    BalanceQuery, BindingRecord, Book, BoundAndRead, Budget, BundleMark, ChargedRun, Command, Coverage, CoveredRun,
    CoveredSum, Cursor, DecidedRecord, Entry, EntryPage, EntryRecord, Grant, Hold, HoldId, ImportRecord, KnownAt,
    LedgerError, LedgerErrorKind, LogRecord, OpenMode, Outcome, Outside, PersonRecord, Proposal, Scope, SettledRun,
    SiteChargeSum, SiteFigureRecord, SiteZone, StillRunning, UnattributedRun, UnpricedRuns, UsageQuery, UsageSum,
    Verification,
};
use async_trait::async_trait;
use model::{
    Balance, ClusterName, Principal, ProjectName, RunKey, SchedulerJobId, SiteName, Statement, Timestamp, Unit, Window,
};
use std::path::Path;
use std::sync::Arc;

/// A ledger on a PostgreSQL server. Any number of processes, and of these, may use the same one.
#[derive(Debug)]
pub struct PostgresBook {
    owner: Owner<Connected>,
    place: PostgresPlace,
    keeper: Keeper,
    writer: Writer,
}

impl PostgresBook {
    /// The error of whoever wants a backup put on a server.
    pub fn takes_no_backup(place: &PostgresPlace) -> LedgerError {
        let why = "a ledger on a server is restored with the server's own tools, such as `pg_restore`";
        LedgerError::never(LedgerErrorKind::Invalid, why).with_fact("server", place).with_next(
            "name a file with PAKT_LEDGER, restore there, and move it to the server with `pakt ledger migrate`",
        )
    }

    /// Opens the ledger at `place`, in its database's schema `pakt`. `keys` is the folder of this user's keys of logs.
    ///
    /// Errors leave the database as it was: none there (`NotFound`), not a ledger, from a newer release, a server that does
    /// not answer, or does not permit it.
    pub fn open(place: &PostgresPlace, keys: &Path, mode: OpenMode) -> Result<Self> {
        Self::open_in(place, keys, mode, Random::of_the_system())
    }

    /// The same with these random bits.
    pub fn open_in(place: &PostgresPlace, keys: &Path, mode: OpenMode, random: Random) -> Result<Self> {
        let keeper = Keeper { folder: keys.to_owned(), random };
        let (at, with) = (place.clone(), keeper.clone());
        let (owner, writer) = Owner::start(move || Connected::begin(at, with, mode))
            .map_err(|error| error.while_doing("opening the ledger").with_fact("server", place))?;
        Ok(Self { owner, place: place.clone(), keeper, writer })
    }

    /// Runs what only reads, all of it on one state of the database; an error says what was being done, and where.
    async fn read<T: Send + 'static>(
        &self,
        doing: &str,
        query: impl Fn(&Tables<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let work = move |session: &Session| {
            session.begin_reading()?;
            let answer = query(&Tables::new(session)).and_then(|answer| session.end_reading().map(|()| answer));
            if answer.is_err() {
                session.roll_back();
            }
            answer
        };
        self.call(doing, work).await
    }

    /// Runs work on the owning thread; an error says what was being done, and where.
    async fn call<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl Fn(&Session) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let answer = self.owner.call(move |connected| connected.link.with(work)).await;
        answer.map_err(|error| error.while_doing(doing).with_fact("server", &self.place))
    }

    /// The log, signed where it can be, and what else is asked of the same state.
    async fn log_and<T: Send + 'static>(&self, and: fn(&Tables<'_>) -> Result<T>) -> Result<(LogRecord, T)> {
        let (writer, keeper) = (self.writer.clone(), self.keeper.clone());
        let work = move |session: &Session| {
            let record = in_transaction(session, Session::commit, || {
                let (tables, signer) = (Tables::new(session), writer.signer.as_deref());
                let record = stored::record_of_log(&tables, signer, |key| keeper.file_of(key))?;
                Ok(((record, and(&tables)?), true))
            })?;
            session.flush_for_readers()?;
            Ok(record)
        };
        self.call("reading the log", work).await
    }
}

#[async_trait]
impl Book for PostgresBook {
    async fn post(&self, actor: &Principal, now: Timestamp, commands: &[Command]) -> Result<Vec<Outcome>> {
        let post = Post { actor: actor.clone(), now, commands: commands.to_vec() };
        let answer = self.owner.post(post).await;
        answer.map_err(|error| error.while_posting().with_fact("server", &self.place))
    }

    async fn balances(&self, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Balance>> {
        let query = query.clone();
        self.read("reading balances", move |tables| stored::balances(tables, &query, now)).await
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

    async fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>> {
        let project = project.cloned();
        let query = move |tables: &Tables<'_>| figure_tables::figures(tables.session, project.as_ref());
        self.read("reading the figures of sites", query).await
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
        self.read("reading what waits", |tables| queries::proposals(tables.session)).await
    }

    async fn charged_runs(&self, site: &SiteName, id: SchedulerJobId) -> Result<Vec<ChargedRun>> {
        let site = site.clone();
        self.read("looking for a run", move |tables| run_tables::charged(tables.session, &site, id)).await
    }

    async fn runs_charged_to(&self, hold: HoldId) -> Result<Vec<ChargedRun>> {
        let query = move |tables: &Tables<'_>| {
            Ok(BookedRun::charged_to(run_tables::runs_of_job(tables.session, hold.0)?, hold))
        };
        self.read("looking for runs", query).await
    }

    async fn zones(&self) -> Result<Vec<SiteZone>> {
        self.read("reading the zones of sites", |tables| stored::zones(tables)).await
    }

    async fn bindings(&self) -> Result<Vec<BindingRecord>> {
        self.read("reading the bindings", |tables| queries::bindings(tables.session)).await
    }

    async fn hold(&self, id: HoldId) -> Result<Option<Hold>> {
        self.read("reading a hold", move |tables| tables.hold(id)).await
    }

    async fn open_holds(&self, project: Option<&ProjectName>) -> Result<Vec<Hold>> {
        let project = project.cloned();
        self.read("reading the open holds", move |tables| queries::open_holds(tables.session, project.as_ref())).await
    }

    async fn cursor(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Cursor>> {
        let (site, cluster, scope) = (site.clone(), cluster.clone(), scope.clone());
        self.read("reading a cursor", move |tables| queries::cursor(tables.session, &site, &cluster, &scope)).await
    }

    async fn still_running(&self, now: Timestamp) -> Result<Vec<StillRunning>> {
        let find = move |tables: &Tables<'_>| stored::still_running(tables, import_table::all(tables.session)?, now);
        self.read("reading what runs", find).await
    }

    async fn unpriced_runs(&self) -> Result<Vec<UnpricedRuns>> {
        self.read("reading the runs without a price", |tables| stored::unpriced_runs(tables)).await
    }

    async fn written_at(&self) -> Result<Option<Timestamp>> {
        self.read("reading when the ledger was written", |tables| queries::written_at(tables.session)).await
    }

    async fn server_clock(&self) -> Result<Option<Timestamp>> {
        self.read("reading the server's clock", |tables| queries::clock(tables.session)).await.map(Some)
    }

    async fn unattributed(&self) -> Result<Vec<UnattributedRun>> {
        self.read("reading the unattributed runs", |tables| queries::unattributed(tables.session)).await
    }

    async fn unattributed_count(&self) -> Result<u64> {
        self.read("counting the unattributed runs", |tables| run_tables::unattributed_count(tables.session)).await
    }

    async fn covered(&self) -> Result<Vec<CoveredRun>> {
        self.read("reading the runs that openings have", |tables| run_tables::covered(tables.session)).await
    }

    async fn covered_sums(&self) -> Result<Vec<CoveredSum>> {
        self.read("adding up the runs that openings have", |tables| stored::covered_sums(tables)).await
    }

    async fn unpriced(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<UnattributedRun>> {
        let (site, after) = (site.clone(), after.cloned());
        let query = move |tables: &Tables<'_>| queries::unpriced(tables.session, &site, after.as_ref(), limit);
        self.read("reading the runs without a price", query).await
    }

    async fn priced(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<Arc<SettledRun>>> {
        let (site, after) = (site.clone(), after.cloned());
        let query = move |tables: &Tables<'_>| {
            let listed = stored::Listed::Priced;
            let runs = run_tables::page(tables.session, listed, &site, after.as_ref(), limit)?;
            Ok(runs.into_iter().map(|run| run.settled).collect())
        };
        self.read("reading the runs that have a price", query).await
    }

    async fn bundles(&self) -> Result<Vec<BundleMark>> {
        self.read("reading the bundles", |tables| bundle_table::bundles(tables.session)).await
    }

    async fn openings(&self, project: Option<&ProjectName>) -> Result<Vec<Entry>> {
        let project = project.cloned();
        self.read("reading the openings", move |tables| stored::openings(tables, project.as_ref())).await
    }

    async fn grants(&self, project: Option<&ProjectName>) -> Result<Vec<Grant>> {
        let project = project.cloned();
        self.read("reading the grants", move |tables| queries::grants(tables, project.as_ref())).await
    }

    async fn entries(&self, page: EntryPage) -> Result<Vec<Entry>> {
        self.read("reading entries", move |tables| queries::entries(tables, page)).await
    }

    async fn verify(&self) -> Result<Verification> {
        self.audit(&Outside::default()).await
    }

    async fn budgets(&self, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Budget>> {
        let query = query.clone();
        self.read("reading budgets", move |tables| stored::budgets(tables, &query, now)).await
    }

    async fn coverage(&self, site: &SiteName) -> Result<Vec<Coverage>> {
        let site = site.clone();
        self.read("reading the coverage", move |tables| stored::coverage(tables, &site)).await
    }

    async fn bound_and_read(&self, known_at: Option<KnownAt>) -> Result<BoundAndRead> {
        self.read("reading what was bound", move |tables| stored::bound_and_read(tables, known_at)).await
    }

    async fn imports(&self) -> Result<Vec<ImportRecord>> {
        self.read("reading the imports", |tables| import_table::all(tables.session)).await
    }

    async fn audit(&self, outside: &Outside) -> Result<Verification> {
        let (outside, place) = (outside.clone(), self.place.clone());
        let audit = move |tables: &Tables<'_>| {
            tables.session.names.clear();
            stored::audit(tables, side_reader::others_for(&place, tables.session)?, &outside)
        };
        self.read("verifying the ledger", audit).await
    }

    async fn log(&self) -> Result<LogRecord> {
        self.log_and(|_| Ok(())).await.map(|(log, ())| log)
    }

    async fn log_and_decisions(&self) -> Result<(LogRecord, Vec<DecidedRecord>)> {
        self.log_and(|tables| stored::all_decided(tables)).await
    }

    async fn change_key(&self, is_lost: bool) -> Result<()> {
        let (writer, keeper) = (self.writer.clone(), self.keeper.clone());
        self.call("changing the key", move |session| new_key::change(session, &keeper, &writer, is_lost)).await
    }

    async fn prove(&self, entry: u64) -> Result<EntryProof> {
        let prove = move |tables: &Tables<'_>| {
            tables.session.names.clear();
            stored::prove(tables, entry)
        };
        self.read("proving an entry", prove).await
    }

    async fn persons(&self) -> Result<Vec<PersonRecord>> {
        let list = |tables: &Tables<'_>| Ok(tables.all_persons()?.iter().map(Known::record).collect());
        self.read("reading the persons", list).await
    }

    async fn records(&self, page: EntryPage) -> Result<Vec<EntryRecord>> {
        self.read("reading entries", move |tables| stored::records(tables, page)).await
    }
}
