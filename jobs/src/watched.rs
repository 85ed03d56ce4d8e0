//! Jobs that are looked for in what a scheduler shows, and whose they are: anybody can write their stamp into a comment.

use ledger::{Hold, runs_as};
use model::{JobId, Principal, SiteName, Stamp, UserName};
use std::collections::BTreeMap;

/// The jobs, each with the person whose runs are its runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched(BTreeMap<JobId, Principal>);

impl Watched {
    /// The jobs of these holds.
    pub(crate) fn of<'a>(holds: impl IntoIterator<Item = &'a Hold>) -> Self {
        Self(holds.into_iter().map(|hold| (hold.id.0, hold.opened_by.clone())).collect())
    }

    /// These jobs too. Where a job has a hold, whoever opened that counts, as in the ledger.
    pub(crate) fn and(mut self, jobs: impl IntoIterator<Item = (JobId, Principal)>) -> Self {
        for (job, person) in jobs {
            self.0.entry(job).or_insert(person);
        }
        self
    }

    /// Whether this job is one of them.
    pub(crate) fn has(&self, job: JobId) -> bool {
        self.0.contains_key(&job)
    }

    /// Whose the job is.
    pub(crate) fn person(&self, job: JobId) -> Option<&Principal> {
        self.0.get(&job)
    }

    /// The job of what a user runs at a site with this stamp.
    pub(crate) fn job_of(&self, stamp: Option<Stamp>, site: &SiteName, user: &UserName) -> Option<JobId> {
        let job = stamp?.job;
        self.0.get(&job).filter(|person| runs_as(person, site, user)).map(|_| job)
    }

    /// Whether the stamp is that of another person's job.
    pub(crate) fn is_of_another(&self, stamp: Stamp, site: &SiteName, user: &UserName) -> bool {
        self.has(stamp.job) && self.job_of(Some(stamp), site, user).is_none()
    }
}
