//! What a job depends on: which jobs, where they stand, and whether it can still come true.

use super::Cause;
use crate::house::House;
use model::{BaseState, JobState, PendingClass, SchedulerJobId, Timestamp};
use scheduler_adapters::{JobSighting, PendingJob};
use std::collections::BTreeMap;

/// How many jobs of a dependency are looked at.
const MOST_JOBS: usize = 20;

/// A job may depend on one that ended long before.
const LOOKED_BACK_SECONDS: i64 = 30 * 86_400;

/// One condition of sbatch(1), `--dependency`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    kind: String,
    job: Option<SchedulerJobId>,
    is_failed: bool,
}

/// Reads `afterok:4711(unfulfilled),afterany:12_*?singleton`.
fn conditions(text: &str) -> Vec<Condition> {
    let parts = text.split([',', '?']).filter(|part| !part.trim().is_empty());
    parts
        .flat_map(|part| {
            let (part, state) = part.trim().split_once('(').unwrap_or((part.trim(), ""));
            let is_failed = state.starts_with("failed");
            let (kind, jobs) = part.split_once(':').unwrap_or((part, ""));
            let ids: Vec<Option<SchedulerJobId>> = match jobs {
                "" => vec![None],
                // `after:4711+10`: ten minutes behind its start; `12_3`: a task of an array.
                jobs => jobs.split(':').map(id_of).collect(),
            };
            ids.into_iter().map(move |job| Condition { kind: kind.to_owned(), job, is_failed }).collect::<Vec<_>>()
        })
        .collect()
}

/// What is to be said of what the job depends on.
pub(super) async fn causes(house: &House, job: &PendingJob) -> Vec<Cause> {
    let conditions = conditions(&job.dependency);
    let ids: Vec<SchedulerJobId> = conditions.iter().filter_map(|condition| condition.job).take(MOST_JOBS).collect();
    let since = job.sighting.submitted_at.plus_seconds(-LOOKED_BACK_SECONDS);
    let known = if ids.is_empty() { Ok(BTreeMap::new()) } else { asked(house, &ids, since).await };
    conditions
        .iter()
        .take(MOST_JOBS)
        .map(|condition| match (condition.job, &known) {
            (Some(id), Ok(known)) => cause(condition, id, known.get(&id)),
            (Some(id), Err(why)) => {
                let what = format!("it waits for job {id} (`{}`), whose state is not known: {why}", condition.kind);
                Cause::new(PendingClass::Dependency, what, None)
            }
            (None, _) => without_job(&condition.kind),
        })
        .collect()
}

/// Of `4711`, `4711_3` (a task), `4711_*` (an array) or `4711+10` (with minutes).
fn id_of(job: &str) -> Option<SchedulerJobId> {
    let job = job.split('+').next()?;
    job.parse().ok().or_else(|| job.split('_').next()?.parse().ok())
}

async fn asked(
    house: &House,
    ids: &[SchedulerJobId],
    since: Timestamp,
) -> Result<BTreeMap<SchedulerJobId, JobSighting>, String> {
    house.scheduler.states(ids, since).await.map_err(|error| error.to_string())
}

fn without_job(kind: &str) -> Cause {
    let what = match kind {
        "singleton" => "it waits until no other job of yours with its name is there (`singleton`)".to_owned(),
        other => format!("it waits for `{other}`"),
    };
    Cause::new(PendingClass::Dependency, what, None)
}

fn cause(condition: &Condition, id: SchedulerJobId, seen: Option<&JobSighting>) -> Cause {
    let Condition { kind, is_failed, .. } = condition;
    let state = seen.map(|seen| &seen.state);
    let stands = state
        .map_or_else(|| "which neither queue nor accounting knows".to_owned(), |state| format!("which is {state}"));
    let what = format!("it waits for job {id} (`{kind}`), {stands}");
    if *is_failed || state.is_some_and(|state| can_never_be(kind, state)) {
        let next = "it never starts: cancel it (`pakt cancel`), and submit it again without that dependency";
        let what = format!("{what}: that never comes true any more");
        return Cause::new(PendingClass::Never, what, Some(next.to_owned()));
    }
    let next = match seen {
        Some(seen) if seen.state.is_pending() => Some(format!("see why that one waits: `pakt why {id}`")),
        Some(_) => None,
        None => Some("look whether the id is right".to_owned()),
    };
    Cause::new(PendingClass::Dependency, what, next)
}

/// Whether a condition is lost with the state of its job (sbatch(1), `--dependency`).
fn can_never_be(kind: &str, state: &JobState) -> bool {
    let is_good = state.base == BaseState::Completed;
    state.is_final()
        && match kind {
            "afterok" | "aftercorr" => !is_good,
            "afternotok" => is_good,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_the_queue_shows_them() {
        let shown = |text: &str| -> Vec<(String, Option<u64>, bool)> {
            let read = conditions(text).into_iter();
            read.map(|condition| (condition.kind, condition.job.map(SchedulerJobId::raw), condition.is_failed))
                .collect()
        };
        let one = |kind: &str, job, is_failed| (kind.to_owned(), job, is_failed);
        assert_eq!(shown("afterok:4711(unfulfilled)"), [one("afterok", Some(4711), false)]);
        assert_eq!(
            shown("afterok:1(failed),afterany:12_*(unfulfilled)?singleton(unfulfilled)"),
            [one("afterok", Some(1), true), one("afterany", Some(12), false), one("singleton", None, false)]
        );
        assert_eq!(shown("after:5+10:6"), [one("after", Some(5), false), one("after", Some(6), false)]);
        assert_eq!(shown(""), []);
        let task = conditions("afterok:4711_3(unfulfilled)").remove(0);
        assert_eq!(task.job, Some(SchedulerJobId::new(4711).with_task(3)));
    }

    #[test]
    fn what_can_never_be_is_told() {
        for (kind, state, expected) in [
            ("afterok", BaseState::Failed, true),
            ("afterok", BaseState::Completed, false),
            ("afterok", BaseState::Running, false),
            ("afternotok", BaseState::Completed, true),
            ("afternotok", BaseState::Timeout, false),
            ("afterany", BaseState::Failed, false),
            ("aftercorr", BaseState::Cancelled, true),
        ] {
            assert_eq!(can_never_be(kind, &JobState::of(state)), expected, "{kind} {state:?}");
        }
    }
}
