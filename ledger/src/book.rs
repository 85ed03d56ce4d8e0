//! The contract of a ledger, whatever keeps it.

use crate::evidence::EntryProof;
use crate::{
    BindingRecord, BoundAndRead, Budget, BundleMark, ChargedRun, Command, Coverage, CoveredRun, CoveredSum, Cursor,
    DecidedRecord, Entry, EntryRecord, Grant, Hold, HoldId, ImportRecord, KnownAt, LedgerError, LedgerErrorKind,
    LogRecord, Outcome, Outside, PersonRecord, Proposal, Scope, SettledRun, SiteChargeSum, SiteFigureRecord, SiteZone,
    StillRunning, UnattributedRun, UnpricedRuns, UsageQuery, UsageSum, Verification,
};
use async_trait::async_trait;
use model::{
    Balance, ClusterName, Principal, ProjectName, RunKey, SchedulerJobId, SiteName, Statement, Timestamp, Unit, Window,
};
use std::path::Path;
use std::sync::Arc;

/// Which balances; a part that is absent selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BalanceQuery {
    /// Of this project.
    pub project: Option<ProjectName>,
    /// In units of this site.
    pub site: Option<SiteName>,
    /// As the books were then; as they are now where nothing is said.
    pub known_at: Option<KnownAt>,
    /// Of what took effect up to this instant; up to now where nothing is said.
    pub as_of: Option<Timestamp>,
}

impl BalanceQuery {
    /// Whether it is about another state than the present one. What ran, waited and what sites said is not known of those.
    pub(crate) const fn is_of_the_past(&self) -> bool {
        self.known_at.is_some() || self.as_of.is_some()
    }

    /// Whether it selects a balance.
    pub(crate) fn selects(&self, balance: &Balance) -> bool {
        self.project.as_ref().is_none_or(|project| *project == balance.project)
            && self.site.as_ref().is_none_or(|site| site == balance.unit.site())
    }
}

/// Which entries: those after a number, at most so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryPage {
    /// The last number of the page before; 0 for the first page.
    pub after: u64,
    /// The most entries of this page.
    pub limit: u32,
}

/// A ledger. Many processes may write to the same one.
///
/// After `Err` of any method nothing of it has happened, except where the error says to look first.
#[async_trait]
pub trait Book: Send + Sync {
    /// Carries out all commands in one transaction, in order. After `Ok` all of them are durable, and the outcomes
    /// come in the same order; after `Err` none of them has happened. A refused hold is the error `Refused`.
    async fn post(&self, actor: &Principal, now: Timestamp, commands: &[Command]) -> Result<Vec<Outcome>, LedgerError>;

    /// The balances of every project and unit that has entries, holds, an observation or the switch, by project and
    /// unit. A lot that its policy makes of a grant counts from when it may be spent; what is left of it when that time is over
    /// does not. What
    /// runs and waits is what all readers saw, for two weeks at most.
    async fn balances(&self, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Balance>, LedgerError>;

    /// The budgets that the same query selects: each balance with its policy, and what that needs to decide and look ahead.
    async fn budgets(&self, query: &BalanceQuery, now: Timestamp) -> Result<Vec<Budget>, LedgerError>;

    /// The movements of a project in a unit that took effect inside the window; as the books were at an earlier time, where
    /// one is given.
    async fn statement(
        &self,
        project: &ProjectName,
        unit: &Unit,
        window: Window,
        known_at: Option<KnownAt>,
    ) -> Result<Statement, LedgerError>;

    /// All bindings, in the order they were made.
    async fn bindings(&self) -> Result<Vec<BindingRecord>, LedgerError>;

    /// A hold, open or closed.
    async fn hold(&self, id: HoldId) -> Result<Option<Hold>, LedgerError>;

    /// The open holds, of one project or of all, by id: oldest first.
    async fn open_holds(&self, project: Option<&ProjectName>) -> Result<Vec<Hold>, LedgerError>;

    /// How far a cluster was read in a scope.
    async fn cursor(
        &self,
        site: &SiteName,
        cluster: &ClusterName,
        scope: &Scope,
    ) -> Result<Option<Cursor>, LedgerError>;

    /// The readings of a site's clusters that came to their end, those of a scope that touch put together.
    async fn coverage(&self, site: &SiteName) -> Result<Vec<Coverage>, LedgerError>;

    /// What was bound and read in a state of the books, with the ends that bindings had by then; as it is now where none is asked
    /// for. Of a reading that was put together with a later one nobody knows what it was before.
    async fn bound_and_read(&self, known_at: Option<KnownAt>) -> Result<BoundAndRead, LedgerError>;

    /// What was under way when it was last read, and has not been settled since.
    async fn still_running(&self, now: Timestamp) -> Result<Vec<StillRunning>, LedgerError>;

    /// The runs without a price that nobody is charged for yet, by whom they may be paid: by site, account, partition and person.
    async fn unpriced_runs(&self) -> Result<Vec<UnpricedRuns>, LedgerError>;

    /// When something was last posted, by the clock of whoever posted it; none where nothing ever was. An instant that
    /// [`is_ahead`](crate::is_ahead) says that one of the two clocks is wrong.
    async fn written_at(&self) -> Result<Option<Timestamp>, LedgerError>;

    /// The runs that nobody was charged for.
    async fn unattributed(&self) -> Result<Vec<UnattributedRun>, LedgerError>;

    /// How many those are.
    async fn unattributed_count(&self) -> Result<u64, LedgerError>;

    /// The runs that openings have already, in the order of their keys.
    async fn covered(&self) -> Result<Vec<CoveredRun>, LedgerError>;

    /// What those come to, by project and unit.
    async fn covered_sums(&self) -> Result<Vec<CoveredSum>, LedgerError>;

    /// The runs at a site whose price nobody could tell when they were read, in the order of their keys: those behind
    /// `after`, at most `limit`. A later reading with a price charges them.
    async fn unpriced(
        &self,
        site: &SiteName,
        after: Option<&RunKey>,
        limit: u32,
    ) -> Result<Vec<UnattributedRun>, LedgerError>;

    /// The runs at a site that have a price, in the order of their keys: those behind `after`, at most `limit`.
    async fn priced(
        &self,
        site: &SiteName,
        after: Option<&RunKey>,
        limit: u32,
    ) -> Result<Vec<Arc<SettledRun>>, LedgerError>;

    /// The openings of one project, or of all: for each budget the entry that stands for what was before it.
    async fn openings(&self, project: Option<&ProjectName>) -> Result<Vec<Entry>, LedgerError>;

    /// The grants, of one project or of all, in the order they were entered.
    async fn grants(&self, project: Option<&ProjectName>) -> Result<Vec<Grant>, LedgerError>;

    /// What sites said was used, of one project or of all, in the order it was noted. A balance shows the latest of its budget.
    async fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>, LedgerError>;

    /// One page of all entries, by number. A page that is shorter than its limit is the last.
    async fn entries(&self, page: EntryPage) -> Result<Vec<Entry>, LedgerError>;

    /// What runs took, summed by what is asked for, each cut at the midnights of its site; amounts of a unit add up to what
    /// its statements charge for runs.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, LedgerError>;

    /// What sites charge for those runs by their own formula, as the runs are known now: of each run once, where its present charge
    /// stands, and as far as its tariff tells. It reads the runs themselves, and takes seconds where there are millions.
    async fn site_charges(&self, query: &UsageQuery) -> Result<Vec<SiteChargeSum>, LedgerError>;

    /// Adjustments that wait for somebody to agree, oldest first.
    async fn proposals(&self) -> Result<Vec<Proposal>, LedgerError>;

    /// The runs in the books with this id of the scheduler at a site that somebody pays for, the latest first.
    async fn charged_runs(&self, site: &SiteName, id: SchedulerJobId) -> Result<Vec<ChargedRun>, LedgerError>;

    /// The runs that draw from a hold, by their keys.
    async fn runs_charged_to(&self, hold: HoldId) -> Result<Vec<ChargedRun>, LedgerError>;

    /// The zones in which the days of sites begin, by site; those of other sites begin in UTC.
    async fn zones(&self) -> Result<Vec<SiteZone>, LedgerError>;

    /// The headers of the batches that were read to their end, in the order they were posted.
    async fn imports(&self) -> Result<Vec<ImportRecord>, LedgerError>;

    /// The bundles that were taken in, in the order of whose they are.
    async fn bundles(&self) -> Result<Vec<BundleMark>, LedgerError>;

    /// What the clock of the server shows that keeps the ledger; none where there is no server.
    async fn server_clock(&self) -> Result<Option<Timestamp>, LedgerError> {
        Ok(None)
    }

    /// Where the ledger was moved to, without a password: what is read here is as it was then. None where it is in use.
    async fn moved_to(&self) -> Result<Option<String>, LedgerError> {
        Ok(None)
    }

    /// Overwrites what an erasure left in parts of the file that are free, and in its write-ahead log. Whether there was one to
    /// finish; never on a server, which tidies its own files.
    ///
    /// Errors leave the names out of every table, and the erasure to be finished by the next call.
    async fn finish_erasure(&self) -> Result<bool, LedgerError> {
        Ok(false)
    }

    /// Replays all entries and compares what comes out with what is stored.
    async fn verify(&self) -> Result<Verification, LedgerError>;

    /// Writes a copy of the whole ledger, as it is at one instant, to a file that is not there yet.
    async fn backup(&self, to: &Path) -> Result<(), LedgerError> {
        let _ = to;
        let why = "a ledger on a server is copied with the server's own tools, such as `pg_dump`";
        let next = "`pakt ledger export` prints all of it, to keep and to check";
        Err(LedgerError::never(LedgerErrorKind::Invalid, why).with_next(next))
    }

    /// The same, with what an auditor has from outside the ledger.
    async fn audit(&self, outside: &Outside) -> Result<Verification, LedgerError> {
        let _ = outside;
        Err(no_evidence())
    }

    /// The log of entries: its key, its size, and its newest checkpoint, which is signed now where whoever asks has the
    /// key and entries came since the last one.
    async fn log(&self) -> Result<LogRecord, LedgerError> {
        Err(no_evidence())
    }

    /// The log as [`Self::log`] gives it, and of the same state the decisions that stand, in the order of their entries.
    async fn log_and_decisions(&self) -> Result<(LogRecord, Vec<DecidedRecord>), LedgerError> {
        Err(no_evidence())
    }

    /// Has the log go on under a new key, which is kept where the one before was. That one signs the change, where whoever asks
    /// has it; else `is_lost` has to say that nobody ever will have it again. After `Ok` the new one has signed all entries.
    async fn change_key(&self, is_lost: bool) -> Result<(), LedgerError> {
        let _ = is_lost;
        Err(no_evidence())
    }

    /// The proof that an entry lies in the log as the newest checkpoint has it.
    async fn prove(&self, entry: u64) -> Result<EntryProof, LedgerError> {
        let _ = entry;
        Err(no_evidence())
    }

    /// Everybody that entries are about, in the order in which they came in.
    async fn persons(&self) -> Result<Vec<PersonRecord>, LedgerError> {
        Err(no_evidence())
    }

    /// One page of all entries with what their leaves have beside them, by number.
    async fn records(&self, page: EntryPage) -> Result<Vec<EntryRecord>, LedgerError> {
        let _ = page;
        Err(no_evidence())
    }
}

/// The error of a store that keeps no tree of its entries.
fn no_evidence() -> LedgerError {
    LedgerError::never(LedgerErrorKind::Invalid, "this store keeps no tree of its entries")
}
