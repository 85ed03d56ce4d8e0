//! What the scheduler keeps of a script that waits, held: its size is read back, its GPU-hours are held, and it is let go.

use crate::{
    budget::{held_for, hold_command},
    directory::{Intent, JobDirectory, ReadBack, Released, SubmittedNote, Unheld},
    error::{Gravity, JobsError},
    forgotten::{is_forgotten_held, of_another, still_ours, unwanted},
    house::{House, Step},
    reached::{booked, schedule_failure, scheduled, taken_back},
    undo::give_up,
    whose_number::is_anothers,
};
use ledger::{LedgerErrorKind, Retry};
use model::{SchedulerJobId, Timestamp};
use scheduler_adapters::{AdapterError, AdapterErrorKind, JobFacts, JobForm};

/// Reads the job back, once.
pub(super) async fn read_back(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
) -> Result<ReadBack, JobsError> {
    if let Some(known) = directory.read_back().await? {
        return Ok(known);
    }
    let what = format!("job {} was submitted, held, and not read back", submitted.scheduler_job);
    let asked = house.scheduler.read_back(submitted.scheduler_job).await;
    let JobFacts { sighting: facts, output, .. } = match asked {
        Ok(facts) => facts,
        Err(error) if error.kind == AdapterErrorKind::NotFound => {
            let forgotten = is_forgotten_held(house, directory, intent, submitted, &what).await?;
            return Err(forgotten.unwrap_or_else(|| not_read(&error, &what)));
        }
        Err(error) => return Err(schedule_failure(&error, &what)),
    };
    if is_anothers(&facts, intent.id, &intent.principal.user) {
        return Err(of_another(house, directory, intent, submitted, &facts, &what).await?);
    }
    if facts.form != JobForm::Single {
        let why = "it is an array or a heterogeneous job, and one hold covers one job";
        return Err(take_back(house, directory, intent, submitted, why, ASK_FOR_LESS).await?);
    }
    let hold = match held_for(house, &intent.project, &facts, true).await {
        Ok(Ok(hold)) => Some(hold),
        Ok(Err(unheld)) => {
            directory.put_unheld(&unheld).await?;
            None
        }
        Err(refused) if refused.gravity == Gravity::Refused => {
            let JobsError { next, .. } = &refused;
            return Err(take_back(house, directory, intent, submitted, &refused.why, next).await?);
        }
        Err(error) => return Err(error),
    };
    let read = ReadBack {
        account: facts.account,
        partition: facts.partition,
        qos: facts.qos,
        time_limit: facts.time_limit,
        requested: facts.requested,
        drift: Vec::new(),
        output: output.map(|path| path.to_string_lossy().into_owned()),
        hold,
        link_hold: None,
        at: house.clock.now(),
    };
    let read = directory.put_read_back(&read).await?;
    house.steps.done(Step::ReadBack);
    Ok(read)
}

/// A job that queue and accounting do not know was submitted all the same: they are late, and it waits, held.
fn not_read(error: &AdapterError, what: &str) -> JobsError {
    let failure = schedule_failure(error, what);
    let next = "run the same command again in a minute: it reads the job back, and then lets it go";
    JobsError::new(Gravity::Unknown, failure.what, failure.why, next)
}

/// Enters the hold; a refusal takes the held job back.
pub(super) async fn hold(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    read: &ReadBack,
) -> Result<(), JobsError> {
    let Some((unit, ceiling)) = &read.hold else { return Ok(()) };
    let what = format!("job `{}` was not released", intent.name);
    let Some(book) = house.book(&what).await? else { return Ok(()) };
    match book.post(&house.principal, house.clock.now(), &[hold_command(intent, unit, *ceiling, false)]).await {
        Ok(_) => {
            house.steps.done(Step::Held);
            Ok(())
        }
        // One that was let go may work: what the budget lacks by now is for `settle` to tell.
        Err(error) if matches!(error.kind, LedgerErrorKind::Refused(_)) && directory.released().await?.is_some() => {
            Ok(())
        }
        Err(error) if matches!(error.kind, LedgerErrorKind::Refused(_)) => {
            Err(take_back(house, directory, intent, submitted, &error.to_string(), ASK_FOR_LESS).await?)
        }
        Err(error) if error.retry == Retry::Later && error.kind != LedgerErrorKind::Busy => {
            let unheld = Unheld { reason: error.to_string(), is_provisional: true };
            directory.put_unheld(&unheld).await.map(drop)
        }
        Err(error) => booked(Err(error), &what),
    }
}

/// Lets the job go, once: a hold that the person puts on it later is theirs. One that an earlier call read back, as `was_read`
/// says, is looked at before: its number may be another's by now.
pub(super) async fn release(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    was_read: bool,
) -> Result<Option<String>, JobsError> {
    if directory.released().await?.is_some() {
        return released_before(house, directory, intent, submitted).await;
    }
    let what = "the job was submitted but not released";
    if was_read && let Err(error) = still_ours(house, directory, intent, submitted, what).await {
        let is_shown_nowhere = error.gravity == Gravity::Unknown;
        let forgotten =
            if is_shown_nowhere { is_forgotten_held(house, directory, intent, submitted, what).await? } else { None };
        return Err(forgotten.unwrap_or(error));
    }
    scheduled(house.scheduler.release(submitted.scheduler_job).await, what)?;
    directory.put_released(&Released { at: house.clock.now() }).await.map(|_| None)
}

/// What a person should know where the job was let go before: it waits under a hold again, because a controller that was killed may
/// have forgotten the release, or its number is another's by now.
pub(super) async fn released_before(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
) -> Result<Option<String>, JobsError> {
    match directory.released().await? {
        Some(released) => Ok(since_release(house, intent, submitted.scheduler_job, released.at).await),
        None => Ok(None),
    }
}

/// What a person should know of a job that was let go. What the scheduler does not answer now is no reason to say anything.
async fn since_release(house: &House, intent: &Intent, job: SchedulerJobId, released_at: Timestamp) -> Option<String> {
    let states = house.scheduler.states(&[job], released_at).await.unwrap_or_default();
    let seen = states.get(&job)?;
    if is_anothers(seen, intent.id, &intent.principal.user) {
        return Some(format!(
            "its number {job} is another job's by now: the scheduler forgot it; `pakt settle` gives its hold back"
        ));
    }
    (seen.state.is_pending() && seen.reason == "JobHeldUser").then(|| held_again(job))
}

fn held_again(job: SchedulerJobId) -> String {
    format!(
        "it was released, and waits under a hold again: somebody put that on it, or the controller was killed and forgot \
         the release; `scontrol release {job}` lets it go"
    )
}

/// What helps against a refusal by what is free.
const ASK_FOR_LESS: &str = "ask for less, or see what holds the rest: `pakt balance`; plain `sbatch` counts as foreign";

/// Takes the job back by its number, which is looked at before: it may have become another's.
async fn take_back(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    why: &str,
    next: &str,
) -> Result<JobsError, JobsError> {
    let job = submitted.scheduler_job;
    let not_ended = format!("job `{}` was not taken back: {why}", intent.name);
    let seen = unwanted(house, directory, intent, submitted, &not_ended).await?;
    if seen.is_some_and(|seen| !seen.state.is_final()) {
        taken_back(house.scheduler.cancel(job).await, &intent.name, job, why)?;
    }
    give_up(house, directory, intent, format!("never released: {why}")).await?;
    Ok(JobsError::new(Gravity::Refused, format!("job `{}` was taken back before it began", intent.name), why, next))
}
