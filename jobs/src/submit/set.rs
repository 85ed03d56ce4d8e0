//! Which jobs a call of many files means: fixed and written down before the first of them is begun.
//!
//! A call that was broken off is the same call again: what it had submitted stays submitted, even where that is over
//! meanwhile, and what it had not is submitted now. Only a call of which every job was submitted begins anew.

use super::{
    many::{FILES_AT_ONCE, each},
    ready::Ready,
    request::{digest_of, has_ended},
};
use crate::{
    directory::{JobDirectory, JobSet, SetMember, SubmittedNote, Written},
    error::JobsError,
    house::House,
    reached::scheduled,
};
use model::{SchedulerJobId, Timestamp};

/// What becomes of jobs that were submitted before and are over, beside others that were not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The person has to say.
    Ask,
    /// All become new jobs, those that are not over, too.
    Again,
    /// They are left out.
    LeaveOut,
}

/// The set of a call.
pub(super) struct Chosen {
    /// The digest of the call.
    pub(super) digest: String,
    /// Which set of that call it is.
    pub(super) number: u32,
    /// For each file which submission of its request it becomes; none where it is left out.
    pub(super) generations: Vec<Option<u32>>,
}

/// Chooses the set of a call of these jobs.
pub(super) async fn choose(house: &House, jobs: &[Ready], over: Over) -> Result<Chosen, JobsError> {
    let digests: Vec<&str> = jobs.iter().map(|job| job.digest.as_str()).collect();
    let digest = digest_of(house, &("set", &digests));
    let last = house.state.last_set(&digest).await?;
    let number = last.as_ref().map_or(1, |last| last.number + 1);
    if let Some(last) = last.filter(|last| !last.is_done && over != Over::Again) {
        return resumed(house, digest, last.number, &last.set).await;
    }
    let members = choices(house, jobs, over).await?;
    let set = JobSet { version: 1, made_at: house.clock.now(), members };
    match house.state.put_set(&digest, number, &set).await? {
        Written::New => {
            let generations = set.members.into_iter().map(|member| member.generation).collect();
            Ok(Chosen { digest, number, generations })
        }
        // Another process was first, and may have come further.
        Written::Existing(set) => resumed(house, digest, number, &set).await,
    }
}

async fn resumed(house: &House, digest: String, number: u32, set: &JobSet) -> Result<Chosen, JobsError> {
    let mut generations = Vec::with_capacity(set.members.len());
    for member in &set.members {
        generations.push(match member.generation {
            Some(generation) => Some(current(house, &member.digest, generation).await?),
            None => None,
        });
    }
    Ok(Chosen { digest, number, generations })
}

/// Which submission of a request a set has come to: a job that was refused is made anew, and one that was submitted stays.
async fn current(house: &House, digest: &str, generation: u32) -> Result<u32, JobsError> {
    let Some((last, id)) = house.state.last_of_request(digest).await? else { return Ok(generation) };
    if last < generation {
        return Ok(generation);
    }
    let directory = house.state.job(id);
    let was_refused = directory.submitted().await?.is_none() && directory.ended().await?.is_some();
    Ok(if was_refused { last + 1 } else { last })
}

/// Where the last job of a request stands.
enum Standing {
    /// It has none, or the last one never came to be.
    Never,
    /// It was begun and is not over.
    Open,
    /// It was submitted and is over.
    Over,
}

/// The last submission of a request, and where its job stands.
struct Last {
    number: u32,
    standing: Standing,
}

async fn choices(house: &House, jobs: &[Ready], over: Over) -> Result<Vec<SetMember>, JobsError> {
    let lasts = lasts(house, jobs).await?;
    let count = |of: fn(&Standing) -> bool| lasts.iter().filter(|last| of(&last.standing)).count();
    let are_over = count(|standing| matches!(standing, Standing::Over));
    if over == Over::Ask && are_over > 0 && are_over < lasts.len() {
        return Err(mixed(jobs, &lasts, are_over));
    }
    let generation = |last: &Last| match (&last.standing, over) {
        (Standing::Over, Over::LeaveOut) => None,
        (Standing::Open, Over::Ask | Over::LeaveOut) => Some(last.number),
        _ => Some(last.number + 1),
    };
    let member = |(job, last): (&Ready, &Last)| SetMember { digest: job.digest.clone(), generation: generation(last) };
    Ok(jobs.iter().zip(&lasts).map(member).collect())
}

fn mixed(jobs: &[Ready], lasts: &[Last], are_over: usize) -> JobsError {
    let first = jobs.iter().zip(lasts).find(|(_, last)| matches!(last.standing, Standing::Over)).map(|(job, _)| job);
    let of = |job: &Ready| format!(", the first is `{}` of `{}`", job.intent.name, job.told.path.display());
    let why = format!(
        "{are_over} of the {} jobs were submitted before and are over{}",
        lasts.len(),
        first.map(of).unwrap_or_default()
    );
    let next = "`--rest` leaves those out and submits the others; `--again` makes new jobs of all";
    JobsError::usage("nothing was submitted", why, next)
}

/// Where each request stands; the scheduler is asked once for all of them.
async fn lasts(house: &House, jobs: &[Ready]) -> Result<Vec<Last>, JobsError> {
    let noted = each(jobs, FILES_AT_ONCE, |job| noted(house, &job.digest)).await;
    let (mut lasts, mut asked) = (Vec::with_capacity(jobs.len()), Vec::new());
    for noted in noted {
        let (last, submitted) = noted?;
        asked.extend(submitted.map(|submitted| (lasts.len(), submitted)));
        lasts.push(last);
    }
    let ids: Vec<SchedulerJobId> = asked.iter().map(|(_, sent)| sent.scheduler_job).collect();
    let Some(since) = asked.iter().map(|(_, sent)| sent.made_at).min() else { return Ok(lasts) };
    let states = house.scheduler.states(&ids, since).await;
    let states = scheduled(states, "it is not known which of the jobs were submitted before and are over")?;
    for (at, Sent { directory, scheduler_job, .. }) in asked {
        if has_ended(&directory, states.get(&scheduler_job)).await? {
            lasts[at].standing = Standing::Over;
        }
    }
    Ok(lasts)
}

/// A job that was submitted, and of which no end was noted.
struct Sent {
    directory: JobDirectory,
    scheduler_job: SchedulerJobId,
    made_at: Timestamp,
}

/// Where a request stands by what was noted of it. One that was submitted stands open until the scheduler is asked.
async fn noted(house: &House, digest: &str) -> Result<(Last, Option<Sent>), JobsError> {
    let Some((number, id)) = house.state.last_of_request(digest).await? else {
        return Ok((Last { number: 0, standing: Standing::Never }, None));
    };
    let directory = house.state.job(id);
    let (standing, submitted) = match (directory.submitted().await?, directory.ended().await?) {
        (Some(_), Some(_)) => (Standing::Over, None),
        (None, Some(_)) => (Standing::Never, None),
        (submitted, None) => (Standing::Open, submitted),
    };
    let Some(SubmittedNote { scheduler_job, at, .. }) = submitted else { return Ok((Last { number, standing }, None)) };
    let made_at = directory.intent().await?.map_or(at, |intent| intent.made_at);
    Ok((Last { number, standing }, Some(Sent { directory, scheduler_job, made_at })))
}
