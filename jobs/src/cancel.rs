//! `pakt cancel`: ends a job and leaves nothing behind.

use crate::{
    directory::{Cancel, IndexedJob, Intent, JobDirectory, SubmittedNote},
    error::{Gravity, JobsError},
    find::find_to_end,
    house::House,
    reached::scheduled,
    submit::{await_all, await_link_arrays, found_each, note},
    undo::give_up,
    whose_number::of_job,
};
use model::{JobId, JobName, SchedulerJobId, Timestamp};
use scheduler_adapters::JobSighting;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// What was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cancelled {
    /// Our id.
    pub id: JobId,
    /// Its name.
    pub name: JobName,
    /// The scheduler jobs that were asked to end; none where it was never sent, was over, or is shown nowhere.
    pub scheduler_jobs: Vec<SchedulerJobId>,
    /// What the scheduler calls it; none where it was never sent.
    pub submitted_as: Option<SchedulerJobId>,
    /// Whether it had been over before.
    pub was_over: bool,
    /// Whether it is a chain of which no link waited or ran.
    pub was_paused: bool,
    /// Whether GPU-hours are held for it.
    pub holds: bool,
    /// Why it is not known whether there is another scheduler job of it.
    pub unasked: Option<String>,
}

/// Cancels the job that `text` names: every scheduler job with its stamp, also one whose id was never heard.
///
/// Its hold is closed by the next `settle`, which knows what it used; that of a job that was never sent, at once. What
/// burns hours is ended first: neither a full disk nor a silent accounting keeps a known job running.
pub async fn cancel(house: &House, text: &str) -> Result<Cancelled, JobsError> {
    let mut jobs = cancel_each(house, &[text.to_owned()]).await?;
    let none =
        || JobsError::new(Gravity::Bug, format!("job `{text}` was not cancelled"), "no answer", "please report it");
    jobs.pop().ok_or_else(none)?.outcome
}

/// What became of one of several jobs.
#[derive(Debug)]
pub struct CancelledMember {
    /// Our id.
    pub id: JobId,
    /// Its name.
    pub name: JobName,
    /// What was cancelled, or why it was not.
    pub outcome: Result<Cancelled, JobsError>,
}

/// Cancels the jobs that `texts` name, each once, as [`cancel`] does one, with one look at the scheduler for all. A text that
/// names no single job is an error before anything is done; a job that is not cancelled keeps no other from it.
pub async fn cancel_each(house: &House, texts: &[String]) -> Result<Vec<CancelledMember>, JobsError> {
    let mut jobs = Vec::new();
    for known in find_to_end(house, texts).await? {
        jobs.extend(Job::each(house, known).await);
    }
    learn_calls(house, &mut jobs).await;
    look_up(house, &mut jobs).await;
    end_each(house, &mut jobs).await;
    let mut members: Vec<CancelledMember> = Vec::with_capacity(jobs.len());
    for job in jobs {
        let (id, name) = (job.intent.id, job.intent.name.clone());
        let outcome = job.finish(house).await;
        // The links of a chain stand side by side.
        match members.last_mut().filter(|member| member.id == id) {
            Some(member) => member.and(outcome),
            None => members.push(CancelledMember { id, name, outcome }),
        }
    }
    Ok(members)
}

impl CancelledMember {
    /// Takes in what became of an earlier link of the same chain.
    fn and(&mut self, earlier: Result<Cancelled, JobsError>) {
        match (&mut self.outcome, earlier) {
            (Ok(known), Ok(earlier)) => known.and(earlier),
            (Ok(_), Err(error)) => self.outcome = Err(error),
            (Err(_), _) => {}
        }
    }
}

impl Cancelled {
    fn and(&mut self, earlier: Self) {
        // A link that was never sent says nothing.
        self.was_over = match (self.submitted_as, earlier.submitted_as) {
            (Some(_), Some(_)) => self.was_over && earlier.was_over,
            (None, _) => earlier.was_over,
            (Some(_), None) => self.was_over,
        };
        self.was_paused &= earlier.was_paused;
        self.submitted_as = self.submitted_as.or(earlier.submitted_as);
        self.scheduler_jobs.extend(earlier.scheduler_jobs);
        self.holds |= earlier.holds;
        self.unasked = self.unasked.take().or(earlier.unasked);
    }
}

/// What is to be ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A job without links.
    Job,
    /// A link that is sent by itself.
    Link,
    /// A link that is sent with an array.
    Task,
}

/// One that is to be ended.
struct Job {
    intent: Intent,
    directory: JobDirectory,
    kind: Kind,
    /// Whether it had been over before, and that was noted.
    was_over: bool,
    /// Whether the scheduler shows its end.
    is_shown_ended: bool,
    /// Whether it was written down that it is not wanted.
    noted: Result<(), JobsError>,
    told: Option<SubmittedNote>,
    /// The scheduler jobs with its stamp.
    found: Vec<JobSighting>,
    /// Why it is not known whether there is another one.
    unasked: Option<String>,
    /// Those that were asked to end.
    ended: BTreeSet<SchedulerJobId>,
    /// Why nothing more is done for it.
    failed: Option<JobsError>,
}

impl Job {
    /// The job, or each of its links, the last one first: what waits for the end of another one would begin at it. Links
    /// are listed once it is noted that the job is not wanted: who makes one after that sees the note before sending it.
    async fn each(house: &House, known: IndexedJob) -> Vec<Self> {
        let has_links = known.has_links;
        let first = Self::of(house, known.intent).await;
        let first = if has_links { Self { kind: Kind::Link, ..first } } else { first };
        if !has_links || !first.goes_on() {
            return vec![first];
        }
        let listed = async {
            let arrays = first.directory.link_arrays().await?;
            let is_of_array = arrays.is_some_and(|arrays| arrays.size > 0);
            Ok((first.directory.links().await?, if is_of_array { Kind::Task } else { Kind::Link }))
        };
        let (links, kind) = match listed.await {
            Ok(listed) => listed,
            // The first one is ended all the same, and told is what was not seen.
            Err(error) => return vec![Self { noted: Err(error), ..first }],
        };
        let mut jobs = Vec::with_capacity(links.len());
        for directory in links.into_iter().skip(1).rev() {
            jobs.push(Self { kind, ..Self::new(first.intent.clone(), directory) });
        }
        jobs.push(Self { kind, ..first });
        jobs
    }

    const fn new(intent: Intent, directory: JobDirectory) -> Self {
        Self {
            intent,
            directory,
            kind: Kind::Job,
            was_over: false,
            is_shown_ended: false,
            noted: Ok(()),
            told: None,
            found: Vec::new(),
            unasked: None,
            ended: BTreeSet::new(),
            failed: None,
        }
    }

    async fn of(house: &House, intent: Intent) -> Self {
        let directory = house.state.job(intent.id);
        let (was_over, failed) = match directory.ended().await {
            Ok(ended) => (ended.is_some(), None),
            Err(error) => (false, Some(error)),
        };
        let mut job = Self { was_over, failed, ..Self::new(intent, directory) };
        if job.goes_on() {
            // From here on whoever sends the job sees that it is not wanted.
            let note = Cancel { principal: house.principal.clone(), at: house.clock.now() };
            job.noted = job.directory.put_cancel(&note).await.map(drop);
        }
        job
    }

    fn learn(&mut self, told: Result<Option<SubmittedNote>, JobsError>) {
        match told {
            Ok(told) => self.told = told,
            Err(error) => self.failed = Some(error),
        }
    }

    const fn goes_on(&self) -> bool {
        !self.was_over && self.failed.is_none()
    }

    /// The id that was told, where what was found by the stamp is another one or nothing.
    fn unseen(&self) -> Option<&SubmittedNote> {
        self.told.as_ref().filter(|told| !self.found.iter().any(|found| found.handle() == told.scheduler_job))
    }

    fn was_not_cancelled(&self) -> String {
        format!("job `{}` was not cancelled", self.intent.name)
    }

    /// Notes the id of a job that was only found by its stamp; a job of which there is no scheduler job is over.
    async fn finish(self, house: &House) -> Result<Cancelled, JobsError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.noted?;
        let (directory, intent) = (&self.directory, &self.intent);
        match (self.was_over || self.told.is_some(), self.found.first()) {
            (true, _) => {}
            (false, Some(job)) => {
                // A link that was sent with an array has no folder yet.
                directory.create().await?;
                note(house, directory, job.handle(), job.cluster.clone(), Some(job.submitted_at)).await?;
            }
            (false, None) => give_up(house, directory, intent, "cancelled before it was sent".to_owned()).await?,
        }
        let told = self.told.as_ref().map(|told| told.scheduler_job);
        // One of several that ended at its claim says nothing of the one that works.
        let is_it = |found: &JobSighting| told.is_none_or(|told| found.handle() == told) && found.state.is_final();
        let is_shown_ended = self.is_shown_ended || self.found.iter().any(is_it);
        Ok(Cancelled {
            id: intent.id,
            name: intent.name.clone(),
            submitted_as: told.or_else(|| self.found.first().map(JobSighting::handle)),
            // The end of a link is not that of a chain.
            was_over: self.was_over || (is_shown_ended && self.ended.is_empty() && self.kind == Kind::Job),
            was_paused: self.kind != Kind::Job && self.ended.is_empty(),
            scheduler_jobs: self.ended.into_iter().collect(),
            holds: holds(directory, intent).await,
            unasked: self.unasked,
        })
    }
}

/// Whether something is held for the job. What cannot be read may be.
async fn holds(directory: &JobDirectory, intent: &Intent) -> bool {
    let read = async {
        let later = directory.read_back().await?.is_some_and(|read| read.hold.is_some());
        Ok::<_, JobsError>((intent.hold.is_some() || later) && directory.unheld().await?.is_none())
    };
    read.await.unwrap_or(true)
}

/// Waits for whoever may still be sending them, and learns which ids were told.
async fn learn_calls(house: &House, jobs: &mut [Job]) {
    // Links that are sent with arrays have no calls of their own.
    let mut waited: BTreeMap<JobId, Result<(), JobsError>> = BTreeMap::new();
    for job in jobs.iter_mut().filter(|job| job.goes_on() && job.kind == Kind::Task) {
        let id = job.intent.id;
        if let Entry::Vacant(first) = waited.entry(id) {
            first.insert(await_link_arrays(house, &job.directory).await);
        }
        let known = waited.get(&id).cloned().unwrap_or(Ok(()));
        let told = match known {
            Ok(()) => job.directory.submitted().await,
            Err(error) => Err(error),
        };
        job.learn(told);
    }
    let going_on = jobs.iter().filter(|job| job.goes_on() && job.kind != Kind::Task);
    let told = await_all(house, going_on.map(|job| &job.directory)).await;
    for (job, told) in jobs.iter_mut().filter(|job| job.goes_on() && job.kind != Kind::Task).zip(told) {
        job.learn(told);
    }
}

/// Looks up by their stamps those that were sent, or may have been; with one question.
async fn look_up(house: &House, jobs: &mut [Job]) {
    let mut sent = Vec::new();
    for job in jobs.iter_mut().filter(|job| job.goes_on()) {
        match job.directory.sending(1).await {
            Ok(None) if job.told.is_none() => {}
            Ok(_) => sent.push(job),
            Err(error) => job.failed = Some(error),
        }
    }
    let searched: Vec<(&JobDirectory, &Intent)> = sent.iter().map(|job| (&job.directory, &job.intent)).collect();
    match found_each(house, &searched).await {
        Ok(found) => {
            for (job, found) in sent.into_iter().zip(found) {
                job.found = found.into_iter().map(|job| job.sighting).collect();
            }
        }
        Err(error) => {
            for job in sent {
                match job.told {
                    Some(_) => job.unasked = Some(error.why.clone()),
                    None => job.failed = Some(not_known(&job.intent, error.clone())),
                }
            }
        }
    }
}

/// Ends what is not over of them.
async fn end_each(house: &House, jobs: &mut [Job]) {
    let unseen = unseen(house, jobs).await;
    let mut wanted: Vec<(usize, SchedulerJobId)> = Vec::new();
    for (place, job) in jobs.iter().enumerate().filter(|(_, job)| job.goes_on()) {
        let told = job.unseen().map(|told| told.scheduler_job);
        wanted.extend(told.filter(|id| job.unasked.is_some() || unseen.contains(id)).map(|id| (place, id)));
        let open = job.found.iter().filter(|found| !found.state.is_final());
        wanted.extend(open.map(|found| (place, found.handle())));
    }
    let ids: Vec<SchedulerJobId> = wanted.iter().map(|(_, id)| *id).collect();
    for ((place, id), ended) in wanted.iter().zip(house.scheduler.cancel_each(&ids).await) {
        let job = &mut jobs[*place];
        match scheduled(ended, &job.was_not_cancelled()) {
            Ok(()) => drop(job.ended.insert(*id)),
            Err(error) => job.failed = Some(error),
        }
    }
}

/// Of the jobs that neither queue nor accounting shows by their stamps those that are worth a try: a filter may have taken
/// the stamp away, and the id may be somebody else's by now. Where nobody answers, the id is all there is, and it is ours as
/// far as anybody knows.
async fn unseen(house: &House, jobs: &mut [Job]) -> BTreeSet<SchedulerJobId> {
    let mut asked: Vec<(&mut Job, SchedulerJobId, Timestamp)> = Vec::new();
    for job in jobs.iter_mut().filter(|job| job.goes_on() && job.unasked.is_none()) {
        let told = job.unseen().map(|told| (told.scheduler_job, told.submitted_at.unwrap_or(job.intent.made_at)));
        asked.extend(told.map(|(id, since)| (job, id, since)));
    }
    let Some(since) = asked.iter().map(|(.., since)| *since).min() else { return BTreeSet::new() };
    let ids: Vec<SchedulerJobId> = asked.iter().map(|(_, id, _)| *id).collect();
    match house.scheduler.states(&ids, since).await {
        Ok(states) => {
            let mut open = BTreeSet::new();
            for (job, id, since) in asked {
                let seen = of_job(states.get(&id), job.intent.id, &job.intent.principal.user);
                match seen.filter(|seen| seen.submitted_at >= since && seen.user == house.principal.user) {
                    Some(seen) if seen.state.is_final() => job.is_shown_ended = true,
                    Some(_) => drop(open.insert(id)),
                    None => {}
                }
            }
            open
        }
        Err(error) => {
            for (job, ..) in asked {
                job.failed = scheduled::<()>(Err(error.clone()), &job.was_not_cancelled()).err();
            }
            BTreeSet::new()
        }
    }
}

/// Whether it was sent is not known, so its hold stays.
fn not_known(intent: &Intent, error: JobsError) -> JobsError {
    let what = format!("it is not known whether job `{}` was submitted, so its hold stays", intent.name);
    let next =
        "run `pakt cancel` again when the scheduler answers; a job that comes to be is not wanted and is noted so";
    let gravity = if error.gravity == Gravity::Unreachable { Gravity::Unreachable } else { Gravity::Unknown };
    JobsError::new(gravity, what, error.why, next)
}
