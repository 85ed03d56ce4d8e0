//! Which job a request is: the same request again is the same job until that job is over.

use crate::{
    chain::{ChainState, over_if_spent},
    directory::{Intent, JobDirectory},
    error::JobsError,
    forgotten::may_have_begun,
    house::{House, Step},
    reached::scheduled,
    removed::{fill_in, with_arrays},
    whose_number::{is_queued, of_job},
};
use model::{JobId, SchedulerJobId};
use scheduler_adapters::{JobSighting, Whose};
use serde::Serialize;

/// The job of a request.
pub(crate) enum Opened {
    /// An id that is only a claim yet; its intent is to be written.
    Fresh {
        /// The id.
        id: JobId,
        /// Which submission of the request it is.
        generation: u32,
    },
    /// A job that was begun and is not over.
    Begun(JobDirectory, Box<Intent>),
}

/// The digest of a request: everything that makes two submissions the same wish of the same person.
pub(crate) fn digest_of(house: &House, wish: &impl Serialize) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [house.principal.to_string().as_bytes(), house.here.as_str().as_bytes()] {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(&serde_json::to_vec(wish).unwrap_or_default());
    hasher.finalize().to_hex().to_string()
}

/// How far a request has come at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestState {
    /// Nothing of it was begun there.
    None,
    /// Its last job was begun and is not over.
    Open,
    /// Its last job is over.
    Over,
}

/// How far a request has come at the house's site. An error says that it is not known, and is never "nothing".
pub(crate) async fn request_state(house: &House, digest: &str) -> Result<RequestState, JobsError> {
    let Some((_, id)) = house.state.last_of_request(digest).await? else { return Ok(RequestState::None) };
    let directory = house.state.job(id);
    match directory.intent().await? {
        Some(intent) if is_over(house, &directory, &intent).await? => Ok(RequestState::Over),
        _ => Ok(RequestState::Open),
    }
}

/// Finds the unfinished job of a request, or claims a new id for it. `again` makes a new job in any case.
pub(crate) async fn open_request(house: &House, digest: &str, again: bool) -> Result<Opened, JobsError> {
    let last = house.state.last_of_request(digest).await?;
    let next = match last {
        None => 1,
        Some((generation, id)) => {
            let directory = house.state.job(id);
            match directory.intent().await? {
                None => return Ok(Opened::Fresh { id, generation }),
                Some(intent) if !again && !is_over(house, &directory, &intent).await? => {
                    return Ok(Opened::Begun(directory, Box::new(intent)));
                }
                Some(_) => generation + 1,
            }
        }
    };
    open_at(house, digest, next).await
}

/// The job of a request's submission number `generation`, begun or not; its id is claimed where nobody has.
async fn open_at(house: &House, digest: &str, generation: u32) -> Result<Opened, JobsError> {
    let id = house.state.claim_request(digest, generation, house.new_id()).await?;
    house.steps.done(Step::Claimed);
    opened(house, id, generation).await
}

/// The job of a request under an id that was claimed, however far it has come.
pub(super) async fn opened(house: &House, id: JobId, generation: u32) -> Result<Opened, JobsError> {
    let directory = house.state.job(id);
    Ok(match directory.intent().await? {
        Some(intent) => Opened::Begun(directory, Box::new(intent)),
        None => Opened::Fresh { id, generation },
    })
}

/// Writes the intent of a fresh job; where another process was first, theirs.
pub(crate) async fn write_intent(house: &House, intent: &Intent) -> Result<(JobDirectory, Intent), JobsError> {
    let directory = house.state.job(intent.id);
    directory.create().await?;
    let intent = directory.put_intent(intent).await?;
    house.steps.done(Step::Intended);
    Ok((directory, intent))
}

/// Whether a job is over: that was noted, or the scheduler knows an end.
///
/// A job that was begun and never sent is not over: it was interrupted, and goes on. The scheduler goes before the
/// markers, because an attempt that has ended may be started again by a requeue; they count where it has forgotten the
/// job. Silence is no end.
async fn is_over(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<bool, JobsError> {
    if directory.ended().await?.is_some() {
        return Ok(true);
    }
    if intent.has_links() && !directory.sent_links().await?.is_empty() {
        return is_over_with_links(house, directory, intent).await;
    }
    let Some(submitted) = directory.submitted().await? else { return Ok(false) };
    let id = submitted.scheduler_job;
    let ids: Vec<_> = with_arrays([id]).into_iter().collect();
    let asked = house.scheduler.states(&ids, intent.made_at).await;
    let mut states = scheduled(asked, "it is not known whether the job's last submission is over")?;
    fill_in(&mut states, vec![(directory.clone(), id, intent.made_at)]).await?;
    let seen = of_job(states.get(&submitted.scheduler_job), intent.id, &intent.principal.user);
    Ok(has_ended(directory, seen).await?
        || (seen.is_some_and(|seen| seen.state.is_pending())
            && is_cancelled_and_forgotten(house, directory, submitted.scheduler_job).await?))
}

/// Whether nothing of a chain or a sweep is to come: why was written down, or it was cancelled and none of its links is left. One of which
/// only links have ended goes on.
pub(crate) async fn is_over_with_links(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<bool, JobsError> {
    if directory.over().await?.is_some() {
        return Ok(true);
    }
    let state = ChainState::of_fenced(house, directory, intent).await?;
    if !state.is_over() {
        return Ok(false);
    }
    // Those that were looked at: others may have been sent since.
    let sent = state.links();
    Ok(directory.cancel().await?.is_some() || over_if_spent(house, directory, intent, &sent).await?.is_some())
}

/// Whether a job that was cancelled, and had begun, waits in accounting alone: a controller that was killed forgot it, and nobody tells
/// accounting of its end.
async fn is_cancelled_and_forgotten(
    house: &House,
    directory: &JobDirectory,
    scheduler_job: SchedulerJobId,
) -> Result<bool, JobsError> {
    if directory.cancel().await?.is_none() || !may_have_begun(directory).await? {
        return Ok(false);
    }
    let asked = house.scheduler.queue(&Whose::mine()).await;
    let queue = scheduled(asked, "it is not known whether the job that was cancelled is over")?;
    Ok(queue.rejected.is_empty() && !is_queued(&queue.jobs, scheduler_job))
}

/// Whether a submitted job has ended, by what the scheduler says of it, if it knows it still.
pub(super) async fn has_ended(directory: &JobDirectory, seen: Option<&JobSighting>) -> Result<bool, JobsError> {
    match seen {
        Some(sighting) => Ok(sighting.state.is_final()),
        None => Ok(directory.attempts().await?.last().is_some_and(|attempt| attempt.ended_at.is_some())),
    }
}
