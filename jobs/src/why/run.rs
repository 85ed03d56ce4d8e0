//! The verb.

use super::{
    Cause, Subject,
    causes::{Beside, causes},
    sooner::{Sooner, sooner},
    subject::subject,
};
use crate::{
    directory::Origin,
    error::JobsError,
    house::House,
    neighbour::Neighbourhood,
    outlook::{Advice, advice, budget_of},
    reached::schedule_failure,
    show::Shown,
    whose_number::is_anothers,
};
use model::{JobState, PendingClass, Timestamp};
use scheduler_adapters::{AdapterErrorKind, PendingJob};

/// What is known of why a job does not run.
pub struct Why {
    /// The job.
    pub subject: Subject,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a job stands.
pub enum Standing {
    /// It was begun and never handed to the scheduler.
    Begun,
    /// It waits.
    Pending(Box<Waits>),
    /// It does not wait: it runs, or is ending.
    Running(JobState),
    /// It is over.
    Ended(JobState),
    /// Nobody knows.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// Why a job waits.
pub struct Waits {
    /// As the scheduler shows it.
    pub job: PendingJob,
    /// What keeps it, the scheduler's own reason first.
    pub causes: Vec<Cause>,
    /// When the scheduler expects it to start.
    pub expected_start: Option<Timestamp>,
    /// What the policy of its budget says; none where it has no budget.
    pub advice: Option<Advice>,
    /// What would start sooner; none where waiting is not what keeps it.
    pub sooner: Option<Sooner>,
    /// What could not be read.
    pub unread: Vec<String>,
}

/// Tells why the job that `text` names does not run. The sites of the `neighbourhood` are asked what would start sooner there, where
/// the job was made from a file and waits for its turn. Changes nothing anywhere.
pub async fn why(house: &House, text: &str, neighbourhood: &dyn Neighbourhood) -> Result<Why, JobsError> {
    for _ in 0..LOOKS {
        let subject = subject(house, text).await?;
        if let Some(standing) = known(&subject) {
            return Ok(Why { subject, standing });
        }
        if let Some(standing) = pending(house, &subject, neighbourhood).await? {
            return Ok(Why { subject, standing });
        }
    }
    let standing = Standing::Unknown { why: "it left the queue just now".to_owned() };
    Ok(Why { subject: subject(house, text).await?, standing })
}

/// A job that leaves the queue between two questions is looked at again.
const LOOKS: usize = 2;

/// Where it stands, where it does not wait.
fn known(subject: &Subject) -> Option<Standing> {
    if let Subject::Own(shown) = subject {
        if let Some(ended) = &shown.ended {
            return Some(Standing::Ended(ended.state.clone()));
        }
        if shown.submitted.is_none() {
            return Some(Standing::Begun);
        }
    }
    let Some(seen) = subject.sighting() else {
        let unasked = match subject {
            Subject::Own(shown) => shown.unasked.clone(),
            Subject::Foreign(_) => None,
        };
        let why = unasked.unwrap_or_else(|| "neither queue nor accounting knows it".to_owned());
        return Some(Standing::Unknown { why });
    };
    match &seen.state {
        state if state.is_pending() => None,
        state if state.is_final() => Some(Standing::Ended(state.clone())),
        state => Some(Standing::Running(state.clone())),
    }
}

/// Why it waits; none where it left the queue a moment ago.
async fn pending(
    house: &House,
    subject: &Subject,
    neighbourhood: &dyn Neighbourhood,
) -> Result<Option<Standing>, JobsError> {
    let Some(id) = subject.scheduler_job() else { return Ok(Some(Standing::Begun)) };
    let job = match house.scheduler.pending(id).await {
        Ok(job) => job,
        Err(error) if error.kind == AdapterErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(schedule_failure(&error, &format!("it was not told why job {id} waits"))),
    };
    if let Subject::Own(shown) = subject
        && is_anothers(&job.sighting, shown.intent.id, &shown.intent.principal.user)
    {
        let why = format!("its number {id} is another job's by now: the scheduler forgot it");
        return Ok(Some(Standing::Unknown { why }));
    }
    if !job.sighting.state.is_pending() {
        return Ok(Some(Standing::Running(job.sighting.state)));
    }
    let is_ours_to_release = match subject {
        Subject::Own(shown) => is_ours_to_release(house, shown).await?,
        Subject::Foreign(_) => false,
    };
    let beside = Beside { now: house.clock.now(), is_ours_to_release };
    let (causes, unread) = causes(house, &job, &beside).await;
    let sooner = if is_waiting(&causes) { sooner(house, subject, &job, neighbourhood).await } else { None };
    let waits = Waits {
        expected_start: job.sighting.started_at.filter(|at| *at > beside.now),
        advice: budget(house, subject).await,
        causes,
        sooner,
        unread,
        job,
    };
    Ok(Some(Standing::Pending(Box::new(waits))))
}

/// Whether it only waits for its turn, for nodes or for a limit, so that another wish might start sooner.
fn is_waiting(causes: &[Cause]) -> bool {
    let is_other = |cause: &Cause| {
        !matches!(
            cause.class,
            PendingClass::Turn | PendingClass::Limit | PendingClass::Unavailable | PendingClass::Unknown
        )
    };
    !causes.iter().any(is_other)
}

/// Scripts are submitted held, and let go once their hold stands.
async fn is_ours_to_release(house: &House, shown: &Shown) -> Result<bool, JobsError> {
    let is_script = matches!(shown.intent.origin, Some(Origin::Script { .. }));
    Ok(is_script && house.state.job(shown.intent.id).released().await?.is_none())
}

/// What the policy says to the job; a ledger that does not answer says nothing.
async fn budget(house: &House, subject: &Subject) -> Option<Advice> {
    let intent = subject.intent()?;
    let (unit, amount) = intent.hold.as_ref()?;
    let book = house.books.book().await.ok()??;
    let budget = budget_of(house, book.as_ref(), &intent.project, unit).await.ok()??;
    // Its own hold is in the balance already.
    let held = model::Amount::ZERO;
    let wanted = if matches!(subject, Subject::Own(shown) if shown.hold.is_some()) { held } else { *amount };
    advice(&budget, wanted, None).ok()
}
