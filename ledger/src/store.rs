//! What a store does for one post: it answers questions of its tables, and takes everything that changed in one piece.

use crate::records::{BalanceParts, BookedRun, DecidedRow, Deed, Erased, Result, RunDigest};
use crate::rules::Secret;
use crate::{
    Account, Binding, BindingRecord, BundleMark, Coverage, Cursor, DecidedKind, Enforce, Entry, EntryKind, Grant, Hold,
    HoldId, ImportBatch, NewSiteFigure, Observation, Proposal, Scope, SetPolicy, SiteFigureRecord, SiteZone, Unbind,
};
use model::{
    AccountName, Amount, ClusterName, JobId, Principal, ProjectName, RunKey, SiteName, Timestamp, Unit, UserName, Zone,
};

/// What a post changed, to be written together. Everything in it differs from what is stored.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// In the order of their numbers, which follow the last stored one without a gap.
    pub(crate) entries: Vec<Entry>,
    pub(crate) runs: Vec<BookedRun>,
    /// Stored runs that were seen again just so. A run may be among `runs` too: then that is the later word.
    pub(crate) seen_again: Vec<SeenAgain>,
    pub(crate) holds: Vec<Hold>,
    /// What accounts hold now.
    pub(crate) balances: Vec<(Account, Unit, Amount)>,
    /// What the entries of each kind add up to now.
    pub(crate) totals: Vec<(ProjectName, Unit, EntryKind, Amount)>,
}

/// A run of which nothing has changed but the latest instant at which it was seen.
#[derive(Debug)]
pub(crate) struct SeenAgain {
    pub(crate) key: RunKey,
    pub(crate) at: Timestamp,
}

/// The tables of a ledger inside one transaction. After `Err` the transaction is given up.
pub(crate) trait Store {
    fn secret(&self) -> Result<Secret>;
    /// The number of the last entry; 0 where there is none.
    fn last_number(&self) -> Result<u64>;
    fn entry(&self, number: u64) -> Result<Option<Entry>>;
    fn entry_with_key(&self, key: &str) -> Result<Option<Entry>>;
    fn hold(&self, id: HoldId) -> Result<Option<Hold>>;
    fn balance(&self, account: &Account, unit: &Unit) -> Result<Amount>;
    fn total(&self, project: &ProjectName, unit: &Unit, kind: EntryKind) -> Result<Amount>;

    /// The digest of each of these runs, where it is in the books. No run is asked for twice.
    fn run_digests(&self, keys: &[&RunKey]) -> Result<Vec<Option<RunDigest>>>;
    fn run(&self, key: &RunKey) -> Result<Option<BookedRun>>;
    fn run_with_sluid(&self, site: &SiteName, cluster: &ClusterName, sluid: &str) -> Result<Option<BookedRun>>;
    fn runs_of_job(&self, job: JobId) -> Result<Vec<BookedRun>>;
    fn unattributed_runs(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>>;
    fn runs_of_site(&self, site: &SiteName, after: Option<&RunKey>, limit: u32) -> Result<Vec<BookedRun>>;

    /// The row of a decision whose entry has this number, with what the entry says of it. Persons whom nobody has met are made.
    fn decided(&self, kind: DecidedKind, entry: u64) -> Result<DecidedRow>;
    /// Gives the row of a decision the number of another entry.
    fn decide_again(&self, kind: DecidedKind, before: u64, after: u64) -> Result<()>;
    fn bindings(&self) -> Result<Vec<BindingRecord>>;
    fn add_binding(&self, binding: &Binding, deed: &Deed<'_>) -> Result<()>;
    fn end_binding(&self, unbind: Unbind, deed: &Deed<'_>) -> Result<()>;
    fn is_enforced(&self, project: &ProjectName, unit: &Unit) -> Result<bool>;
    fn set_enforced(&self, enforce: &Enforce, deed: &Deed<'_>) -> Result<()>;
    fn grants(&self, project: &ProjectName) -> Result<Vec<Grant>>;
    /// The adjustments of a project, in their order.
    fn adjustments(&self, project: &ProjectName) -> Result<Vec<Entry>>;
    /// The entries of expiries, of one project or of all, in their order.
    fn expiries(&self, project: Option<&ProjectName>) -> Result<Vec<Entry>>;
    /// The last word about a budget's policy.
    fn policy(&self, project: &ProjectName, unit: &Unit) -> Result<Option<SetPolicy>>;
    fn set_policy(&self, policy: &SetPolicy, deed: &Deed<'_>) -> Result<()>;
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
    fn set_zone(&self, zone: &SiteZone, deed: &Deed<'_>) -> Result<()>;
    fn add_import(&self, batch: &ImportBatch, deed: &Deed<'_>) -> Result<u64>;
    fn bundles(&self) -> Result<Vec<BundleMark>>;
    /// Notes how far a bundle was taken in: the entry that said so before.
    fn put_bundle(&self, mark: &BundleMark, deed: &Deed<'_>) -> Result<Option<u64>>;
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
    fn balance_parts(&self, project: Option<&ProjectName>, now: Timestamp) -> Result<BalanceParts>;

    /// Writes it all. What a store keeps beside the entries to add them up faster, it adds to here.
    fn write(&self, changes: Changes) -> Result<()>;
}
