//! What the procedures need of a store, inside one transaction.

use crate::evidence::DecidedDigest;
use crate::rules::{Content, Secret, Terms};
use crate::{
    Binding, BindingRecord, BundleMark, ChargedRun, Coverage, CoveredRun, Cursor, DecidedKind, DecidedRecord, Enforce,
    Entry, EntryKind, Grant, Hold, HoldId, ImportBatch, LedgerError, NewSiteFigure, Observation, Proposal, Scope,
    SetPolicy, SettledRun, SiteFigureRecord, SiteZone, UnattributedReason, UnattributedRun, Unbind, UnpricedRuns,
};
use model::{
    AccountName, Amount, ClusterName, EvidenceClass, JobId, Principal, ProjectName, RunKey, SiteName, Timestamp, Unit,
    UserName, Zone,
};
use std::sync::Arc;

pub(crate) type Result<T> = std::result::Result<T, LedgerError>;

/// What a run was charged, and by which entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BookedCharge {
    pub(crate) project: ProjectName,
    pub(crate) unit: Unit,
    pub(crate) amount: Amount,
    pub(crate) hold: Option<HoldId>,
    pub(crate) effective_at: Timestamp,
    /// The entries that together charge the amount; empty where it is zero.
    pub(crate) entries: Vec<u64>,
}

/// Where a run in the books stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Charged(BookedCharge),
    /// Its budget's opening has it already: it would be charged this, by no entries.
    Covered(BookedCharge),
    Unattributed(UnattributedReason),
}

/// Where a store keeps the raw row of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawPlace {
    /// The chunk of rows that were written together.
    pub(crate) chunk: i64,
    /// Which row of the chunk, from 0.
    pub(crate) row: i64,
}

/// A run in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BookedRun {
    /// The key it was first read with, which stays.
    pub(crate) key: RunKey,
    /// The reading that counts. Its raw row is empty where it was read from the store, which keeps it.
    pub(crate) settled: Arc<SettledRun>,
    /// What two readings are compared by.
    pub(crate) content: Content,
    /// The latest instant at which its facts were seen.
    pub(crate) observed_at: Timestamp,
    /// When its price was read, where that is another instant: somebody with an older tariff saw the same facts later.
    pub(crate) priced_at: Option<Timestamp>,
    /// How often its content has changed, from 0.
    pub(crate) revision: u32,
    /// Where the store keeps the raw row, where it has one.
    pub(crate) raw: Option<RawPlace>,
    pub(crate) standing: Standing,
    /// Whether a rule found who pays.
    pub(crate) is_by_rule: bool,
    /// Whether it is not in the store yet.
    pub(crate) is_new: bool,
}

impl BookedRun {
    /// The directory as a store keeps it: of a run that nobody pays for, and of one that a rule found, where it is empty
    /// if it is not known. Of all others nobody needs it.
    pub(crate) fn kept_directory(&self) -> Option<&str> {
        let known = self.settled.run.work_directory.as_deref();
        match self.standing {
            Standing::Unattributed(_) => known,
            Standing::Charged(_) | Standing::Covered(_) => self.is_by_rule.then(|| known.unwrap_or_default()),
        }
    }

    /// Who pays, whether by a charge or by an opening.
    pub(crate) const fn paid(&self) -> Option<&BookedCharge> {
        match &self.standing {
            Standing::Charged(charge) | Standing::Covered(charge) => Some(charge),
            Standing::Unattributed(_) => None,
        }
    }

    /// The run, where an opening has it.
    pub(crate) fn covered(self) -> Option<CoveredRun> {
        let Standing::Covered(BookedCharge { project, unit, amount, .. }) = self.standing else { return None };
        Some(CoveredRun { run: Arc::unwrap_or_clone(self.settled).run, project, unit, amount })
    }

    /// The run and its charge, where somebody pays for it.
    pub(crate) fn charged(self) -> Option<ChargedRun> {
        let Standing::Charged(BookedCharge { project, unit, amount, .. }) = self.standing else { return None };
        let (started_at, end_state) = (self.settled.run.started_at, self.settled.run.state.end());
        Some(ChargedRun { run: self.key, started_at, end_state, project, unit, amount })
    }

    /// Those of these runs that this hold pays, with their charge.
    pub(crate) fn charged_to(runs: Vec<Self>, hold: HoldId) -> Vec<ChargedRun> {
        let is_its = |run: &Self| run.paid().is_some_and(|paid| paid.hold == Some(hold));
        runs.into_iter().filter(is_its).filter_map(Self::charged).collect()
    }

    /// The run, where nobody was charged for it.
    pub(crate) fn uncharged(self) -> Option<UnattributedRun> {
        let Standing::Unattributed(reason) = self.standing else { return None };
        let SettledRun { run, price } = Arc::unwrap_or_clone(self.settled);
        Some(UnattributedRun { run, price, reason })
    }
}

/// As much of a run in the books as tells whether a reading of it says anything new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunDigest {
    pub(crate) content: Content,
    pub(crate) observed_at: Timestamp,
    /// Whether its price was read at another instant, so that an instant alone does not say what a reading adds.
    pub(crate) is_priced_apart: bool,
    pub(crate) evidence: EvidenceClass,
    pub(crate) sluid: Option<String>,
}

/// What a decision is written with: the number of its entry, who decides, and when that is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed<'a> {
    pub(crate) entry: u64,
    pub(crate) actor: &'a Principal,
    pub(crate) at: Timestamp,
}

/// A decision as it was written, with what its entry says of it.
#[derive(Clone, Debug)]
pub(crate) struct DecidedRow {
    /// Under which project and unit it is entered.
    pub(crate) project: ProjectName,
    pub(crate) unit: Unit,
    pub(crate) digest: DecidedDigest,
    pub(crate) record: DecidedRecord,
}

/// What an erasure did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Erased {
    /// How many runs are the person's.
    pub(crate) runs: u64,
    /// The decisions that say something else without the name, by the numbers of their entries.
    pub(crate) changed: Vec<(DecidedKind, u64)>,
    /// Those that are gone.
    pub(crate) gone: Vec<(DecidedKind, u64)>,
}

/// The signed sum of a kind of entry, positive where it adds to the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) project: ProjectName,
    pub(crate) unit: Unit,
    pub(crate) kind: EntryKind,
    pub(crate) amount: Amount,
}

/// What was consumed of a project's budget between the border of its lots before this one and this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) project: ProjectName,
    pub(crate) unit: Unit,
    /// A border of lots: the first instant that no longer counts.
    pub(crate) until: Timestamp,
    pub(crate) amount: Amount,
}

/// What the runs of a project consumed in the last while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recent {
    pub(crate) project: ProjectName,
    pub(crate) unit: Unit,
    pub(crate) amount: Amount,
}

/// The latest word of a site about a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotedFigure {
    pub(crate) figure: NewSiteFigure,
    /// What the ledger says by now of the same time.
    pub(crate) settled: Amount,
}

/// Everything a balance is made of; of one project and unit or of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct BalanceParts {
    pub(crate) totals: Vec<Total>,
    /// What each budget was given, and by which rules.
    pub(crate) terms: Vec<Terms>,
    /// Of each of these, at every border that its terms name ([`Terms::cuts`]), in order.
    pub(crate) spent: Vec<Spent>,
    /// Of each of these, in the last [`crate::Budget::RECENT_SECONDS`]; only where it is asked for.
    pub(crate) recent: Vec<Recent>,
    /// All open holds, and the closed ones that an observation names.
    pub(crate) holds: Vec<Hold>,
    pub(crate) bindings: Vec<Binding>,
    /// Those of all scopes, without the runs that were settled meanwhile.
    pub(crate) observations: Vec<Observation>,
    pub(crate) enforced: Vec<(ProjectName, Unit)>,
    pub(crate) figures: Vec<NotedFigure>,
    /// When what was used before the ledger began had been used.
    pub(crate) openings: Vec<(ProjectName, Unit, Timestamp)>,
    /// What was read at any site; only where it makes a difference to what is asked for.
    pub(crate) coverage: Vec<Coverage>,
    /// The runs without a price, likewise.
    pub(crate) unpriced: Vec<UnpricedRuns>,
}

impl BalanceParts {
    /// Whether a site says that more was used than the books have. Then what is free depends on what was read.
    pub(crate) fn has_unexplained(&self) -> bool {
        self.figures.iter().any(|noted| noted.figure.used > noted.settled)
    }
}

/// The tables of a ledger during one transaction. Methods that write are used only in one that may.
pub(crate) trait Records {
    /// Does work; after `Err` nothing of it has happened, and the transaction around it goes on.
    fn in_savepoint(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()>;

    /// The number that the next entry gets.
    fn next_number(&self) -> Result<u64>;
    /// Adds an entry and moves its amount between the stored balances.
    fn append(&self, entry: Entry) -> Result<()>;
    fn entry_with_key(&self, key: &str) -> Result<Option<Entry>>;
    fn entry(&self, number: u64) -> Result<Option<Entry>>;

    fn hold(&self, id: HoldId) -> Result<Option<Hold>>;
    fn put_hold(&self, hold: &Hold) -> Result<()>;

    /// The row of a decision whose entry has this number, with what the entry says of it. Persons whom nobody has met are made.
    fn decided(&self, kind: DecidedKind, entry: u64) -> Result<DecidedRow>;
    /// Gives the row of a decision the number of another entry.
    fn decide_again(&self, kind: DecidedKind, before: u64, after: u64) -> Result<()>;
    fn bindings(&self) -> Result<Vec<BindingRecord>>;
    fn end_binding(&self, unbind: Unbind, deed: &Deed<'_>) -> Result<()>;
    fn add_binding(&self, binding: &Binding, deed: &Deed<'_>) -> Result<()>;
    fn is_enforced(&self, project: &ProjectName, unit: &Unit) -> Result<bool>;
    fn set_enforced(&self, enforce: &Enforce, deed: &Deed<'_>) -> Result<()>;

    /// The grants of a project, in the order they were entered.
    fn grants(&self, project: &ProjectName) -> Result<Vec<Grant>>;
    /// The adjustments of a project, in their order.
    fn adjustments(&self, project: &ProjectName) -> Result<Vec<Entry>>;
    /// The entries of expiries, of one project or of all, in their order.
    fn expiries(&self, project: Option<&ProjectName>) -> Result<Vec<Entry>>;
    /// The last word about a budget's policy.
    fn policy(&self, project: &ProjectName, unit: &Unit) -> Result<Option<SetPolicy>>;
    fn set_policy(&self, policy: &SetPolicy, deed: &Deed<'_>) -> Result<()>;

    /// The ledger's secret.
    fn secret(&self) -> Result<Secret>;
    /// A digest of the run with this key.
    fn run_digest(&self, key: &RunKey) -> Result<Option<RunDigest>>;
    /// The run with this key.
    fn run(&self, key: &RunKey) -> Result<Option<BookedRun>>;
    /// The run with this SLUID on this cluster.
    fn run_with_sluid(&self, site: &SiteName, cluster: &ClusterName, sluid: &str) -> Result<Option<BookedRun>>;
    fn put_run(&self, run: BookedRun) -> Result<()>;
    /// Notes that a run in the books was seen again just so, at another instant. False, and nothing was done, where the
    /// whole run has to be put.
    fn see_again(&self, key: &RunKey, at: Timestamp) -> Result<bool>;
    /// The runs stamped with a job, by key.
    fn runs_of_job(&self, job: JobId) -> Result<Vec<BookedRun>>;
    /// The runs at a site that nobody was charged for, in the order of their keys: those behind `after`, at most `limit`.
    fn unattributed_runs(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>>;
    /// All runs at a site, listed likewise.
    fn runs_of_site(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>>;

    /// The instant of the cluster's observation in a scope.
    fn observed_at(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Timestamp>>;
    fn put_observation(&self, observation: &Observation) -> Result<()>;
    /// When a job was last seen waiting or running by anybody, of what was seen until then.
    fn seen_at(&self, job: JobId, until: Timestamp) -> Result<Option<Timestamp>>;
    /// Notes a reading under the number of its entry: the entries of those that it takes the place of; none where nothing
    /// changes.
    fn put_coverage(&self, reading: &Coverage, entry: u64) -> Result<Option<Vec<u64>>>;
    /// The readings of a scope.
    fn readings(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Vec<Coverage>>;
    /// Whether the books have a run of an account that ended in the time of a reading and is not the reader's own.
    fn has_run_of_others(&self, reading: &Coverage, reader: &UserName, account: Option<&AccountName>) -> Result<bool>;
    fn cursor(&self, site: &SiteName, cluster: &ClusterName, scope: &Scope) -> Result<Option<Cursor>>;
    fn put_cursor(&self, cursor: &Cursor) -> Result<()>;

    /// Erases a person; none where nobody has that name.
    fn erase(&self, who: &Principal, now: Timestamp) -> Result<Option<Erased>>;
    /// An adjustment that waits, or waited.
    fn proposal(&self, key: &str) -> Result<Option<Proposal>>;
    fn put_proposal(&self, proposal: &Proposal) -> Result<()>;
    /// The zone that the days of a site begin in.
    fn zone(&self, site: &SiteName) -> Result<Option<Zone>>;
    /// Sets it, and sums the usage of the site anew.
    fn set_zone(&self, zone: &SiteZone, deed: &Deed<'_>) -> Result<()>;

    /// Adds the header of a batch; its number.
    fn add_import(&self, batch: &ImportBatch, deed: &Deed<'_>) -> Result<u64>;

    /// The bundles that were taken in.
    fn bundles(&self) -> Result<Vec<BundleMark>>;
    /// Notes how far a bundle was taken in: the entry that said so before.
    fn put_bundle(&self, mark: &BundleMark, deed: &Deed<'_>) -> Result<Option<u64>>;

    /// What sites said, of one project or of all, in the order it was noted.
    fn site_figures(&self, project: Option<&ProjectName>) -> Result<Vec<SiteFigureRecord>>;
    fn put_site_figure(&self, figure: &NewSiteFigure, deed: &Deed<'_>) -> Result<()>;
    /// What a budget spent from an instant on, or from the beginning, up to another one, itself included.
    fn spent_through(
        &self,
        project: &ProjectName,
        unit: &Unit,
        since: Option<Timestamp>,
        through: Timestamp,
    ) -> Result<Amount>;

    /// What balances at `now` are made of; totals, terms and open holds of one project only where one is named.
    fn balance_parts(&self, project: Option<&ProjectName>, now: Timestamp) -> Result<BalanceParts>;
}
