//! Everything that keeps a job from starting, the scheduler's own reason first.

use super::{dependency, limits, maintenance, partitions};
use crate::house::House;
use model::{PendingClass, PendingReason, Timestamp};
use scheduler_adapters::PendingJob;
use serde::Serialize;

/// One thing that keeps a job from starting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What sort of thing it is.
    pub class: PendingClass,
    /// What.
    pub what: String,
    /// What to do about it, where there is something to do.
    pub next: Option<String>,
}

impl Cause {
    pub(super) fn new(class: PendingClass, what: String, next: Option<String>) -> Self {
        Self { class, what, next }
    }
}

/// What is known beside the scheduler's answer.
pub(super) struct Beside {
    pub(super) now: Timestamp,
    /// Whether Pakt submitted the job held and has not let it go yet.
    pub(super) is_ours_to_release: bool,
}

/// The causes, and what could not be read.
pub(super) async fn causes(house: &House, job: &PendingJob, beside: &Beside) -> (Vec<Cause>, Vec<String>) {
    let reason = PendingReason::of(&job.sighting.reason);
    let mut causes = vec![first(&reason, beside)];
    if let Some(limit) = reason.limit {
        let figures = limits::sentences(limit, job.limits.as_deref().unwrap_or_default(), job.running);
        causes.extend(figures.into_iter().map(|what| Cause::new(reason.class, what, None)));
    }
    causes.extend(dependency::causes(house, job).await);
    causes.extend(begin(job, beside.now));
    causes.extend(own_reservation(job));
    causes.extend(partitions::causes(job));
    causes.extend(maintenance::causes(job, beside.now));
    (causes, unread(job))
}

fn first(reason: &PendingReason, beside: &Beside) -> Cause {
    if reason.class == PendingClass::Held && beside.is_ours_to_release {
        let what = "Pakt submitted it held, and was interrupted before it let it go".to_owned();
        let next = "run the same command again, which goes on; or `pakt cancel`".to_owned();
        return Cause::new(PendingClass::Held, what, Some(next));
    }
    Cause::new(reason.class, reason.cause.clone(), Some(reason.next.clone()))
}

fn begin(job: &PendingJob, now: Timestamp) -> Option<Cause> {
    let at = job.eligible_at.filter(|at| *at > now)?;
    Some(Cause::new(PendingClass::Begin, format!("it is not to begin before {at}"), None))
}

/// The reservation that the job wants, where it is not in force or not known.
fn own_reservation(job: &PendingJob) -> Option<Cause> {
    let wanted = job.reservation.as_ref()?;
    let known = job.reservations.as_ref().ok()?;
    let now = job.sighting.observed_at;
    match known.iter().find(|reservation| reservation.name == *wanted) {
        None => {
            let what = format!("the reservation `{wanted}` that it wants is not there");
            let next = "ask whoever made it, or submit it again without `reservation`".to_owned();
            Some(Cause::new(PendingClass::Never, what, Some(next)))
        }
        Some(found) if found.period.from > now => {
            let what = format!("its reservation `{wanted}` begins at {}", found.period.from);
            Some(Cause::new(PendingClass::Begin, what, None))
        }
        Some(_) => None,
    }
}

/// What the scheduler did not tell.
fn unread(job: &PendingJob) -> Vec<String> {
    let note = |what: &str, error: Option<String>| error.map(|error| format!("{what} could not be read: {error}"));
    [
        note("its place in the queue", job.places.as_ref().err().map(ToString::to_string)),
        note("the partitions", job.all_partitions.as_ref().err().map(ToString::to_string)),
        note("reservations and maintenance", job.reservations.as_ref().err().map(ToString::to_string)),
        note("limits of account and QOS", job.limits.as_ref().err().map(ToString::to_string)),
    ]
    .into_iter()
    .flatten()
    .collect()
}
