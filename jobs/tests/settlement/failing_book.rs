//! A ledger that fails, or is left in the middle, at one of its posts.

use async_trait::async_trait;
use jobs::Books;
use ledger::{
    BalanceQuery, BindingRecord, Book, BoundAndRead, Budget, BundleMark, ChargedRun, Command, Coverage, CoveredRun,
    CoveredSum, Cursor, Entry, EntryPage, Grant, Hold, HoldId, ImportRecord, KnownAt, LedgerError, LedgerErrorKind,
    Outcome, Proposal, Scope, SettledRun, SiteChargeSum, SiteFigureRecord, SiteZone, SqliteBook, UnattributedRun,
    UsageQuery, UsageSum, Verification,
};
use model::{
    Balance, ClusterName, Principal, ProjectName, RunKey, SchedulerJobId, SiteName, Statement, Timestamp, Unit, Window,
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

type Answer<T> = Result<T, LedgerError>;

/// What happens at the chosen post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// It is refused, and nothing of it happens.
    Nothing,
    /// It happens, and whoever posts is told that nobody knows.
    Done,
    /// Nothing of it happens, and whoever posts waits for ever.
    WaitsBefore,
    /// It happens, and whoever posts waits for ever.
    WaitsBehind,
}

/// A real ledger, but for one post.
pub(crate) struct FailingBook {
    real: SqliteBook,
    /// Posts until then.
    left: AtomicUsize,
    at: At,
    waits: Notify,
}

impl FailingBook {
    /// Fails at the post after so many.
    pub(crate) fn after(real: SqliteBook, posts: usize, at: At) -> Arc<Self> {
        Arc::new(Self { real, left: AtomicUsize::new(posts), at, waits: Notify::new() })
    }

    /// Returns when whoever posts waits for ever.
    pub(crate) async fn waits(&self) {
        self.waits.notified().await;
    }

    async fn wait_for_ever(&self) {
        self.waits.notify_one();
        std::future::pending::<()>().await;
    }
}

/// The way to it.
pub(crate) struct FailingBooks(pub(crate) Arc<FailingBook>);

#[async_trait]
impl Books for FailingBooks {
    async fn book(&self) -> Answer<Option<Arc<dyn Book>>> {
        Ok(Some(Arc::clone(&self.0) as Arc<dyn Book>))
    }

    async fn create(&self) -> Answer<bool> {
        Ok(false)
    }

    async fn restore(&self, from: &std::path::Path) -> Result<ledger::Verification, LedgerError> {
        unreachable!("no test restores from here: {}", from.display())
    }

    fn place(&self) -> PathBuf {
        PathBuf::new()
    }

    fn is_at_hand(&self) -> bool {
        true
    }
}

#[async_trait]
impl Book for FailingBook {
    async fn post(&self, actor: &Principal, now: Timestamp, commands: &[Command]) -> Answer<Vec<Outcome>> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left != 0 {
            return self.real.post(actor, now, commands).await;
        }
        if self.at == At::WaitsBefore {
            self.wait_for_ever().await;
        }
        if self.at != At::Nothing {
            self.real.post(actor, now, commands).await?;
        }
        if self.at == At::WaitsBehind {
            self.wait_for_ever().await;
        }
        let error = LedgerError::new(LedgerErrorKind::InputOutput, ledger::Retry::LookFirst, "the disk went away");
        Err(error)
    }

    async fn balances(&self, query: &BalanceQuery, now: Timestamp) -> Answer<Vec<Balance>> {
        self.real.balances(query, now).await
    }

    async fn budgets(&self, query: &BalanceQuery, now: Timestamp) -> Answer<Vec<Budget>> {
        self.real.budgets(query, now).await
    }

    async fn statement(
        &self,
        project: &ProjectName,
        unit: &Unit,
        window: Window,
        known_at: Option<KnownAt>,
    ) -> Answer<Statement> {
        self.real.statement(project, unit, window, known_at).await
    }

    async fn bindings(&self) -> Answer<Vec<BindingRecord>> {
        self.real.bindings().await
    }

    async fn hold(&self, id: HoldId) -> Answer<Option<Hold>> {
        self.real.hold(id).await
    }

    async fn open_holds(&self, project: Option<&ProjectName>) -> Answer<Vec<Hold>> {
        self.real.open_holds(project).await
    }

    async fn cursor(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Answer<Option<Cursor>> {
        self.real.cursor(site, cluster, scope).await
    }

    async fn coverage(&self, site: &SiteName) -> Answer<Vec<Coverage>> {
        self.real.coverage(site).await
    }

    async fn bound_and_read(&self, known_at: Option<KnownAt>) -> Answer<BoundAndRead> {
        self.real.bound_and_read(known_at).await
    }

    async fn written_at(&self) -> Answer<Option<Timestamp>> {
        self.real.written_at().await
    }

    async fn unattributed(&self) -> Answer<Vec<UnattributedRun>> {
        self.real.unattributed().await
    }

    async fn unattributed_count(&self) -> Answer<u64> {
        self.real.unattributed_count().await
    }

    async fn covered(&self) -> Answer<Vec<CoveredRun>> {
        self.real.covered().await
    }

    async fn still_running(&self, now: Timestamp) -> Answer<Vec<ledger::StillRunning>> {
        self.real.still_running(now).await
    }

    async fn unpriced_runs(&self) -> Answer<Vec<ledger::UnpricedRuns>> {
        self.real.unpriced_runs().await
    }

    async fn covered_sums(&self) -> Answer<Vec<CoveredSum>> {
        self.real.covered_sums().await
    }

    async fn unpriced(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Answer<Vec<UnattributedRun>> {
        self.real.unpriced(site, after, limit).await
    }

    async fn openings(&self, project: Option<&ProjectName>) -> Answer<Vec<Entry>> {
        self.real.openings(project).await
    }

    async fn grants(&self, project: Option<&ProjectName>) -> Answer<Vec<Grant>> {
        self.real.grants(project).await
    }

    async fn site_figures(&self, project: Option<&ProjectName>) -> Answer<Vec<SiteFigureRecord>> {
        self.real.site_figures(project).await
    }

    async fn entries(&self, page: EntryPage) -> Answer<Vec<Entry>> {
        self.real.entries(page).await
    }

    async fn usage(&self, query: &UsageQuery) -> Answer<Vec<UsageSum>> {
        self.real.usage(query).await
    }

    async fn site_charges(&self, query: &UsageQuery) -> Answer<Vec<SiteChargeSum>> {
        self.real.site_charges(query).await
    }

    async fn proposals(&self) -> Answer<Vec<Proposal>> {
        self.real.proposals().await
    }

    async fn charged_runs(&self, site: &SiteName, id: SchedulerJobId) -> Answer<Vec<ChargedRun>> {
        self.real.charged_runs(site, id).await
    }

    async fn runs_charged_to(&self, hold: HoldId) -> Answer<Vec<ChargedRun>> {
        self.real.runs_charged_to(hold).await
    }

    async fn priced(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Answer<Vec<Arc<SettledRun>>> {
        self.real.priced(site, after, limit).await
    }

    async fn zones(&self) -> Answer<Vec<SiteZone>> {
        self.real.zones().await
    }

    async fn imports(&self) -> Answer<Vec<ImportRecord>> {
        self.real.imports().await
    }

    async fn bundles(&self) -> Answer<Vec<BundleMark>> {
        self.real.bundles().await
    }

    async fn verify(&self) -> Answer<Verification> {
        self.real.verify().await
    }
}
