//! Which jobs a call of many files means: fixed and written down before the first of them is begun.
//!
//! A call that was broken off is the same call again: what it had submitted stays submitted, even where that is over
//! meanwhile, and what it had not is submitted now. Only a call of which every job was submitted begins anew.

use super::{
    alike::{Arrays, plan},
    many::{FILES_AT_ONCE, each},
    ready::Ready,
    request::{digest_of, has_ended, is_over_with_links},
};
use crate::{
    directory::{Intent, JobDirectory, JobSet, LastSet, SetMember, SetTask, SubmittedNote, Written},
    error::{Gravity, JobsError},
    house::House,
    reached::scheduled,
    removed::{fill_in, with_arrays},
    whose_number::of_job,
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

/// So often a set is chosen anew because another process chose one meanwhile.
const MOST_CHOICES: usize = 20;

/// The set of a call.
pub(super) struct Chosen {
    /// The digest of the call.
    pub(super) digest: String,
    /// Which set of that call it is.
    pub(super) number: u32,
    /// What becomes of each file.
    pub(super) places: Vec<Place>,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which submission of its request; none where it is left out.
    pub(super) generation: Option<u32>,
    /// Which task of an array, where it is to be one.
    pub(super) task: Option<SetTask>,
}

/// Chooses the set of a call of these jobs.
pub(super) async fn choose(house: &House, jobs: &[Ready], over: Over, arrays: Arrays) -> Result<Chosen, JobsError> {
    let digests: Vec<&str> = jobs.iter().map(|job| job.digest.as_str()).collect();
    let digest = digest_of(house, &("set", &digests));
    let mut over = over;
    for _ in 0..MOST_CHOICES {
        let last = house.state.last_set(&digest).await?;
        let is_resumed = |last: &LastSet| !last.is_done && over != Over::Again;
        let number = last.as_ref().map_or(1, |last| last.number + 1);
        let mut members = match last.filter(is_resumed) {
            Some(last) => match resumed(house, &last.set).await? {
                Some(members) => members,
                None => return Ok(Chosen { digest, number: last.number, places: places(&last.set) }),
            },
            None => choices(house, jobs, over).await?,
        };
        if arrays != Arrays::None {
            plan_new(house, jobs, &mut members).await?;
        }
        let members = members.into_iter().map(|(member, _)| member).collect();
        let set = JobSet { version: 1, made_at: house.clock.now(), members };
        match house.state.put_set(&digest, number, &set).await? {
            Written::New => return Ok(Chosen { digest, number, places: places(&set) }),
            // Another process was first, and may have come further.
            Written::Existing(_) if over == Over::Again => over = Over::Ask,
            Written::Existing(_) => {}
        }
    }
    let why = format!("other processes began the same call {MOST_CHOICES} times meanwhile");
    Err(JobsError::new(Gravity::Unreachable, "nothing was submitted", why, "run the same command again"))
}

fn places(set: &JobSet) -> Vec<Place> {
    set.members.iter().map(|member| Place { generation: member.generation, task: member.task }).collect()
}

/// Makes tasks of those that become new jobs and are alike.
async fn plan_new(house: &House, jobs: &[Ready], members: &mut [(SetMember, bool)]) -> Result<(), JobsError> {
    let alike = |(job, (_, is_new)): (&'_ Ready, &(SetMember, bool))| job.alike.clone().filter(|_| *is_new);
    let alike: Vec<Option<String>> = jobs.iter().zip(members.iter()).map(alike).collect();
    let alike: Vec<Option<&str>> = alike.iter().map(Option::as_deref).collect();
    for ((member, is_new), task) in members.iter_mut().zip(plan(house, &alike).await?) {
        if *is_new {
            member.task = task;
        }
    }
    Ok(())
}

/// What a set that was broken off has become: its members with those that are made anew, and which those are; none where it
/// is what it was.
async fn resumed(house: &House, set: &JobSet) -> Result<Option<Vec<(SetMember, bool)>>, JobsError> {
    let mut members = Vec::with_capacity(set.members.len());
    for member in &set.members {
        let generation = match member.generation {
            Some(generation) => Some(current(house, &member.digest, generation).await?),
            None => None,
        };
        let is_new = generation != member.generation;
        let task = member.task.filter(|_| !is_new);
        members.push((SetMember { digest: member.digest.clone(), generation, task }, is_new));
    }
    Ok(members.iter().any(|(_, is_new)| *is_new).then_some(members))
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

/// What the call makes of each job, and whether that is a new one.
async fn choices(house: &House, jobs: &[Ready], over: Over) -> Result<Vec<(SetMember, bool)>, JobsError> {
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
    let member = |(job, last): (&Ready, &Last)| {
        let generation = generation(last);
        let is_new = generation.is_some_and(|generation| generation > last.number);
        (SetMember { digest: job.digest.clone(), generation, task: None }, is_new)
    };
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
    let ids: Vec<SchedulerJobId> = with_arrays(asked.iter().map(|(_, sent)| sent.scheduler_job)).into_iter().collect();
    let Some(since) = asked.iter().map(|(_, sent)| sent.made_at).min() else { return Ok(lasts) };
    let states = house.scheduler.states(&ids, since).await;
    let mut states = scheduled(states, "it is not known which of the jobs were submitted before and are over")?;
    let sent = asked.iter().map(|(_, sent)| (sent.directory.clone(), sent.scheduler_job, sent.made_at));
    fill_in(&mut states, sent.collect()).await?;
    for (at, Sent { directory, scheduler_job, with_links, .. }) in asked {
        let seen = of_job(states.get(&scheduler_job), directory.id(), &house.principal.user);
        // The end of its first link is not that of the job.
        let is_over = match with_links {
            Some(intent) => is_over_with_links(house, &directory, &intent).await?,
            None => has_ended(&directory, seen).await?,
        };
        if is_over {
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
    /// Its intent, where it is a chain or a sweep.
    with_links: Option<Box<Intent>>,
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
    let intent = directory.intent().await?;
    let made_at = intent.as_ref().map_or(at, |intent| intent.made_at);
    let with_links = intent.filter(Intent::has_links).map(Box::new);
    Ok((Last { number, standing }, Some(Sent { directory, scheduler_job, made_at, with_links })))
}
