//! Which jobs a file shows to be over: their holds are closed.

use crate::watched::Watched;
use ledger::{CloseHold, CloseReason, Command};
use model::{JobId, Run, SiteName, Stamp, Timestamp};
use scheduler_adapters::{NotStarted, RejectedRow};
use std::collections::BTreeMap;

/// What was seen of the jobs that have an open hold.
pub(super) struct Ends {
    watched: Watched,
    seen: BTreeMap<JobId, Seen>,
    /// Whether a row could not be read that may be any job's: then no job is known to be over.
    has_unknown: bool,
}

#[derive(Default)]
struct Seen {
    has_run: bool,
    goes_on: bool,
    /// The start of the latest run, and whether Slurm may start the job again behind it: such a file may end too early.
    latest: Option<(Timestamp, bool)>,
}

impl Seen {
    fn is_open(&self) -> bool {
        self.goes_on || self.latest.is_some_and(|(_, may_start_again)| may_start_again)
    }
}

impl Ends {
    pub(super) const fn watching(watched: Watched) -> Self {
        Self { watched, seen: BTreeMap::new(), has_unknown: false }
    }

    pub(super) fn see_run(&mut self, run: &Run) {
        let job = self.watched.job_of(run.stamp, &run.key.site, &run.user);
        if let Some(seen) = self.seen(job) {
            seen.has_run = true;
            seen.goes_on |= run.ended_at.is_none();
            seen.latest = seen.latest.max(Some((run.started_at, run.state.may_start_again())));
        }
    }

    pub(super) fn see_not_started(&mut self, site: &SiteName, job: &NotStarted) {
        let is_over = job.is_over;
        let job = self.watched.job_of(job.stamp, site, &job.user);
        if let Some(seen) = self.seen(job) {
            seen.goes_on |= !is_over;
        }
    }

    /// Notes a row that could not be read.
    pub(super) fn miss(&mut self, row: &RejectedRow) {
        let stamp = row.stamp.or_else(|| Stamp::find_in(&row.raw));
        self.has_unknown |= row.is_cut && stamp.is_none();
        self.withhold(stamp);
    }

    /// Notes a run that the books rejected.
    pub(super) fn withhold(&mut self, stamp: Option<Stamp>) {
        if let Some(seen) = self.seen(stamp.map(|stamp| stamp.job)) {
            seen.goes_on = true;
        }
    }

    /// The holds of jobs all of whose rows are those of jobs that are over. One that a requeue may follow stays for
    /// `pakt settle`, which asks the queue; one that was seen after the file was made stays by the ledger.
    pub(super) fn closes(&self, read_at: Timestamp) -> Vec<Command> {
        let over = self.seen.iter().filter(|(_, seen)| !(self.has_unknown || seen.is_open()));
        let close = |(job, seen): (&JobId, &Seen)| {
            let reason = if seen.has_run { CloseReason::Finished } else { CloseReason::NeverStarted };
            Command::Close(CloseHold { id: (*job).into(), reason, read_at: Some(read_at) })
        };
        over.map(close).collect()
    }

    fn seen(&mut self, job: Option<JobId>) -> Option<&mut Seen> {
        let job = job.filter(|job| self.watched.has(*job))?;
        Some(self.seen.entry(job).or_default())
    }
}
