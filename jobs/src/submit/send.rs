//! Calls the scheduler once. An error of the scheduler's is no evidence of absence, and a failed look-up is not "absent".

use super::sender::{await_calls, sending};
use crate::{
    directory::{Intent, JobDirectory, Sending, SubmittedNote},
    error::{Gravity, JobsError},
    forgotten::{may_have_begun, unwanted},
    house::{House, Step},
    reached::{booked, schedule_failure, scheduled, taken_back},
    undo::give_up,
};
use ledger::HoldId;
use model::{LinkNumber, Timestamp};
use scheduler_adapters::{
    AdapterError, AdapterErrorKind, FoundJob, JobSighting, ScriptSource, StampSearch, Submission,
};

/// Why a job was not sent.
pub(crate) enum NotSent {
    /// The scheduler refused it: there is no job of it, and there will be none.
    Refused(JobsError),
    /// There may be one, or there may be later.
    Open(JobsError),
}

impl From<JobsError> for NotSent {
    fn from(error: JobsError) -> Self {
        Self::Open(error)
    }
}

/// Sends the job unless it was sent, and tells the scheduler's id. A job that somebody cancelled on the way is taken back.
pub(crate) async fn send(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submission: &Submission,
) -> Result<SubmittedNote, NotSent> {
    let note = match directory.submitted().await? {
        Some(known) => known,
        None => send_once(house, directory, intent, submission).await?,
    };
    not_cancelled_meanwhile(house, directory, intent, &note).await?;
    Ok(note)
}

async fn send_once(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submission: &Submission,
) -> Result<SubmittedNote, NotSent> {
    let goes_by_command = house.scheduler.goes_by_command(submission);
    // A job file's script and one that was put behind a claim lie in the job's directory; a person's own lies where it was.
    let claims = submission.script == ScriptSource::File(directory.script().to_string_lossy().into_owned());
    let call = Sending { claims, ..sending(house, goes_by_command).await? };
    let number = directory.note_sending(&call).await?;
    house.steps.done(Step::Sending);
    // Whoever noted it earlier may be calling the scheduler now, may have died after the call, or before.
    if number > 1 {
        if let Some(known) = await_calls(house, directory, number).await? {
            return Ok(known);
        }
        if let Some(found) = look_up(house, directory, intent).await? {
            return Ok(found);
        }
    }
    still_wanted(house, directory, intent).await?;
    match house.scheduler.submit(submission).await {
        Ok(submitted) => {
            house.steps.done(Step::Sent);
            Ok(note(house, directory, submitted.id, submitted.cluster, None).await?)
        }
        Err(error) => match error.kind {
            AdapterErrorKind::OutcomeUnknown => {
                if let Some(found) = look_up(house, directory, intent).await? {
                    return Ok(found);
                }
                let Some(refused) = refused_after_all(house, submission, &error).await else {
                    return Err(NotSent::Open(not_known(directory, intent, &error)));
                };
                // It may have come while its filter was asked.
                let found = look_up(house, directory, intent).await?;
                found.ok_or_else(|| NotSent::Refused(schedule_failure(&refused, &unsubmitted(directory, intent))))
            }
            AdapterErrorKind::Refused { .. } | AdapterErrorKind::NotPermitted => {
                Err(NotSent::Refused(schedule_failure(&error, &unsubmitted(directory, intent))))
            }
            _ => Err(NotSent::Open(schedule_failure(&error, &unsubmitted(directory, intent)))),
        },
    }
}

/// Slurm gave no reason, and has no such job: where the site's filter would refuse the same job now, it did. Were the answer lost, and
/// the job there later all the same, it would find at its claim that it was given up. What is not known stays so.
async fn refused_after_all(house: &House, submission: &Submission, error: &AdapterError) -> Option<AdapterError> {
    if !error.is_without_reason() {
        return None;
    }
    let said = house.scheduler.filters_refusal(submission).await?;
    Some(AdapterError::new(AdapterErrorKind::Refused { said }, error.doing.as_str()))
}

pub(super) fn not_known(directory: &JobDirectory, intent: &Intent, error: &AdapterError) -> JobsError {
    let what = format!("it is not known whether {} was submitted", named(directory, intent));
    let next = "run the same command again in three minutes: it looks the job up before it sends anything";
    JobsError::new(Gravity::Unknown, what, error.to_string(), next)
}

pub(super) fn unsubmitted(directory: &JobDirectory, intent: &Intent) -> String {
    format!("{} was not submitted", named(directory, intent))
}

/// The job, or which link of it.
fn named(directory: &JobDirectory, intent: &Intent) -> String {
    let link = directory.link();
    let which = if link == LinkNumber::FIRST { String::new() } else { format!("link {link} of ") };
    format!("{which}job `{}`", intent.name)
}

/// Between its hold and now somebody may have cancelled the job, or given it up: then it is not sent, and it is over.
pub(super) async fn still_wanted(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<(), JobsError> {
    let why = if directory.is_ended_or_cancelled().await? {
        "it was cancelled meanwhile"
    } else if directory.link() != LinkNumber::FIRST && directory.over().await?.is_some() {
        "its chain is over meanwhile"
    } else if is_still_held(house, directory, intent).await? {
        return Ok(());
    } else {
        "its hold was given back meanwhile"
    };
    give_up(house, directory, intent, format!("never sent: {why}")).await?;
    let next = "run the same command again: it makes a new job";
    Err(JobsError::new(Gravity::Refused, unsubmitted(directory, intent), why, next))
}

async fn is_still_held(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<bool, JobsError> {
    if intent.hold.is_none() || directory.unheld().await?.is_some() {
        return Ok(true);
    }
    // A ledger that does not answer now has answered when the hold was taken.
    let Ok(Some(book)) = house.books.book().await else { return Ok(true) };
    let hold = booked(book.hold(HoldId(intent.id)).await, &unsubmitted(directory, intent))?;
    Ok(hold.is_some_and(|hold| hold.is_open()))
}

/// Somebody cancelled the job while the scheduler was being called, and could not know its id; or it was not taken back
/// then. It is taken back by its number only where that is seen to be its own still.
pub(super) async fn not_cancelled_meanwhile(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    note: &SubmittedNote,
) -> Result<(), JobsError> {
    if directory.cancel().await?.is_none() {
        return Ok(());
    }
    let job = note.scheduler_job;
    let why = "it was cancelled while it was being submitted";
    let not_ended = format!("job `{}` was cancelled while it was being submitted, and not taken back", intent.name);
    let seen = unwanted(house, directory, intent, note, &not_ended).await?;
    if seen.as_ref().is_some_and(|seen| !seen.state.is_final()) {
        taken_back(house.scheduler.cancel(job).await, &intent.name, job, why)?;
    }
    let what = format!("job `{}` was submitted as {job} and taken back", intent.name);
    // Accounting may show for ever that it waits, where the controller forgot it.
    if seen.is_none_or(|seen| seen.state.is_pending()) && !may_have_begun(directory).await? {
        give_up(house, directory, intent, format!("never began: {why}")).await?;
        return Err(JobsError::new(Gravity::Refused, what, why, "the same command again makes a new job"));
    }
    let next = "`pakt settle` closes its hold; the same command again makes a new job";
    Err(JobsError::new(Gravity::Refused, what, why, next))
}

/// Finds the job by its stamp in queue and accounting. Of several it is the one that claimed the link, else the oldest;
/// those of the others that still wait are taken back, because they would only start to end at their claim.
pub(crate) async fn look_up(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<Option<SubmittedNote>, JobsError> {
    keep_one(house, directory, found(house, directory, intent).await?).await
}

/// Notes the one of the jobs with its stamp that is the job's.
async fn keep_one(
    house: &House,
    directory: &JobDirectory,
    found: Vec<FoundJob>,
) -> Result<Option<SubmittedNote>, JobsError> {
    let Some(ours) = the_one(house, directory, found).await? else { return Ok(None) };
    note(house, directory, ours.handle(), ours.cluster, Some(ours.submitted_at)).await.map(Some)
}

/// The one of the jobs with its stamp that is the job's; others that still wait are taken back.
pub(super) async fn the_one(
    house: &House,
    directory: &JobDirectory,
    mut found: Vec<FoundJob>,
) -> Result<Option<JobSighting>, JobsError> {
    let claimed = if found.is_empty() { None } else { directory.claimed_by().await? };
    found.sort_by_key(|job| {
        let sighting = &job.sighting;
        (claimed != Some(sighting.handle()), sighting.submitted_at, sighting.handle())
    });
    let mut jobs = found.into_iter().map(|job: FoundJob| job.sighting);
    let Some(ours) = jobs.next() else { return Ok(None) };
    for duplicate in jobs.filter(|job| job.state.is_pending()) {
        scheduled(house.scheduler.cancel(duplicate.handle()).await, "a duplicate in the queue was not taken back")?;
    }
    Ok(Some(ours))
}

/// Every scheduler job with the stamp. A question that could not be asked is never "none", and never a refusal.
async fn found(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<Vec<FoundJob>, JobsError> {
    let found = house.scheduler.find(&search(house, directory, intent)).await;
    answered(found, &format!("job `{}` was", intent.name))
}

/// The same of several, with one question.
pub(crate) async fn found_each(
    house: &House,
    jobs: &[(&JobDirectory, &Intent)],
) -> Result<Vec<Vec<FoundJob>>, JobsError> {
    let searches: Vec<StampSearch> = jobs.iter().map(|(directory, intent)| search(house, directory, intent)).collect();
    if searches.is_empty() {
        return Ok(Vec::new());
    }
    answered(house.scheduler.find_each(&searches).await, "they were")
}

fn search(house: &House, directory: &JobDirectory, intent: &Intent) -> StampSearch {
    StampSearch {
        stamp: directory.stamp(),
        job_name: directory.stamp().job_name(&intent.name),
        user: Some(house.principal.user.clone()),
        since: intent.made_at,
    }
}

fn answered<Found>(found: Result<Found, AdapterError>, which: &str) -> Result<Found, JobsError> {
    let what = format!("it is not known whether {which} submitted, so nothing was sent again");
    scheduled(found, &what).map_err(|error| match error.gravity {
        Gravity::Unreachable | Gravity::Bug => error,
        Gravity::Refused | Gravity::Usage | Gravity::Unknown => JobsError { gravity: Gravity::Unknown, ..error },
    })
}

/// Notes the scheduler's id; `found` is when the scheduler got the job, where it was found by its stamp.
pub(crate) async fn note(
    house: &House,
    directory: &JobDirectory,
    scheduler_job: model::SchedulerJobId,
    cluster: Option<model::ClusterName>,
    found: Option<Timestamp>,
) -> Result<SubmittedNote, JobsError> {
    let at = house.clock.now();
    let note = SubmittedNote { scheduler_job, cluster, at, was_found: found.is_some(), submitted_at: found };
    let note = directory.put_submitted(&note).await?;
    house.steps.done(Step::Submitted);
    Ok(note)
}
