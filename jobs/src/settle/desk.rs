//! What every step of a settlement has at hand.

use super::observe::Viewpoint;
use crate::{
    directory::IndexedJob,
    error::{Gravity, JobsError},
    house::House,
    reached::booked,
};
use ledger::{Book, Command, Hold, Outcome, Scope};
use model::{AmountError, JobId, Timestamp};
use scheduler_adapters::Whose;
use sites::Site;
use std::{collections::BTreeMap, sync::Arc};

/// The desk of one settlement.
pub(super) struct Desk<'a> {
    pub(super) house: &'a House,
    pub(super) book: Arc<dyn Book>,
    pub(super) site: &'a Site,
    pub(super) view: Viewpoint,
    /// When the settlement began: what has ended by then is what it covers.
    pub(super) now: Timestamp,
}

/// What was not done when a later step fails. Runs that were entered by then stand.
pub(super) const NOT_FINISHED: &str = "the settlement did not come to its end";

impl Desk<'_> {
    /// Whose runs a settlement covers, in the scheduler's words.
    pub(super) const fn whose(&self) -> Whose {
        self.view.whose()
    }

    /// Whose runs are read: everybody's, where nobody else has any. To ask for all there gives nobody more rights.
    pub(super) fn read_scope(&self) -> Scope {
        match &self.view.scope {
            Scope::User(user) | Scope::All(user) if self.house.scheduler.capabilities().is_personal => {
                Scope::Site(user.clone())
            }
            scope => scope.clone(),
        }
    }

    /// Posts, in one transaction.
    pub(super) async fn post(&self, commands: &[Command]) -> Result<Vec<Outcome>, JobsError> {
        booked(self.book.post(&self.house.principal, self.house.clock.now(), commands).await, NOT_FINISHED)
    }

    /// Whether this settlement may see the job of a hold: somebody else's stays out of sight when only one's own jobs are
    /// asked for, and that says nothing about it.
    pub(super) fn covers(&self, hold: &Hold, local: &LocalJobs<'_>) -> bool {
        let Scope::User(user) = &self.view.scope else { return true };
        let owner = local.get(&hold.id.0).map_or(&hold.opened_by.user, |job| &job.intent.principal.user);
        owner == user
    }
}

/// The jobs whose directories are here.
pub(super) type LocalJobs<'a> = BTreeMap<JobId, &'a IndexedJob>;

#[allow(clippy::needless_pass_by_value)] // The shape that `map_err` wants.
pub(super) fn too_large(error: AmountError) -> JobsError {
    let next = "please report it with the rows of accounting";
    JobsError::new(Gravity::Bug, NOT_FINISHED, error.to_string(), next)
}
