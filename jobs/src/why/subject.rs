//! Which job a person means: one of ours, or one of their own that Pakt did not submit, by the scheduler's id.

use crate::{
    directory::Intent,
    error::{Gravity, JobsError},
    find::find,
    house::House,
    reached::schedule_failure,
    show::{Shown, show},
};
use model::{SchedulerJobId, SiteName};
use scheduler_adapters::{AdapterErrorKind, Freshness, JobSighting};

/// The job.
pub enum Subject {
    /// One of ours.
    Own(Box<Shown>),
    /// One that Pakt did not submit.
    Foreign(Box<JobSighting>),
}

impl Subject {
    /// Its intent, where it is one of ours.
    pub fn intent(&self) -> Option<&Intent> {
        match self {
            Self::Own(shown) => Some(&shown.intent),
            Self::Foreign(_) => None,
        }
    }

    /// What the scheduler says of it; none where it was not asked or does not know.
    pub fn sighting(&self) -> Option<&JobSighting> {
        match self {
            Self::Own(shown) => shown.sighting.as_ref(),
            Self::Foreign(sighting) => Some(sighting),
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Self::Own(shown) => shown.intent.name.to_string(),
            Self::Foreign(sighting) => sighting.name.clone(),
        }
    }

    /// Where it was submitted.
    pub fn site<'a>(&'a self, house: &'a House) -> &'a SiteName {
        self.intent().map_or(&house.here, |intent| &intent.site)
    }

    /// The scheduler's id; none where it was not handed over.
    pub fn scheduler_job(&self) -> Option<SchedulerJobId> {
        match self {
            Self::Own(shown) => shown.submitted.as_ref().map(|note| note.scheduler_job),
            Self::Foreign(sighting) => Some(sighting.id),
        }
    }
}

/// The job that `text` names. An id of the scheduler's that no job of ours has is looked up there.
pub(super) async fn subject(house: &House, text: &str) -> Result<Subject, JobsError> {
    let id = text.parse::<SchedulerJobId>().ok();
    let unknown = match (find(house, text).await, id) {
        (Ok(_), _) => return Ok(Subject::Own(Box::new(Box::pin(show(house, text, Freshness::Fresh)).await?))),
        (Err(error), None) => return Err(error),
        (Err(error), Some(_)) if error.gravity != Gravity::Usage => return Err(error),
        (Err(error), Some(id)) => (error, id),
    };
    let (not_ours, id) = unknown;
    match house.scheduler.read_back(id).await {
        Ok(facts) if facts.sighting.user == house.principal.user => Ok(Subject::Foreign(Box::new(facts.sighting))),
        Ok(facts) => {
            let why = format!("job {id} is of {}, and not of yours", facts.sighting.user);
            let what = "it was not looked at why it waits";
            Err(JobsError::usage(what, why, "name a job of your own; `pakt jobs` lists those that Pakt submitted"))
        }
        Err(error) if error.kind == AdapterErrorKind::NotFound => {
            let why = format!("{}, and the scheduler does not know it either", not_ours.why);
            Err(JobsError { why, ..not_ours })
        }
        Err(error) => Err(schedule_failure(&error, &format!("it was not looked up what job {id} is"))),
    }
}
