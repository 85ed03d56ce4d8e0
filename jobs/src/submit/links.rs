//! Sends the links of a sweep: as tasks of arrays, as large as the site takes them, or one by one where it takes none. What was
//! not sent is due, and sent by whoever comes next; which links are of which array is fixed with the first call.

use super::{
    Sheet,
    array::{Task, Tasks, send_array},
    many::Brake,
    send::{NotSent, send},
    whole::Whole,
};
use crate::{
    chain::code_of,
    directory::{Intent, JobDirectory, LinkArrays, Origin, SentLink, SentTasks, SubmittedNote},
    error::{Gravity, JobsError},
    house::{House, Step},
    provenance::FrozenCode,
    reached::{scheduled, taken_back},
};
use model::{ArrayStamp, JobSpec, LinkNumber, Placement, SchedulerJobId, Stamp, Sweep};
use scheduler_adapters::{JobSighting, Submission, Submitted};
use std::collections::BTreeMap;
use templates::Dialect;

/// So many calls for an array of links may follow each other at once.
const TRIED_AT_ONCE: u32 = 3;
const MOST_DOUBLINGS: u32 = 6;
const MINUTES_OF_AN_HOUR: i64 = 60;

/// What was done for the links of a sweep.
#[derive(Default)]
pub(crate) struct SentLinks {
    /// Those that were sent by this call.
    pub(crate) sent: Vec<SentLink>,
    /// Why not all of them were sent.
    pub(crate) not_sent: Option<JobsError>,
}

/// Sends those links of a sweep that were not sent. What the site does not take now is due. An error says that it is not known what
/// was sent.
pub(crate) async fn send_links(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<SentLinks, JobsError> {
    let (Some(Origin::JobFile { spec, .. }), Some(placement)) = (&intent.origin, &intent.placement) else {
        return Ok(SentLinks::default());
    };
    let Some(sweep) = &spec.sweep else { return Ok(SentLinks::default()) };
    let code = code_of(directory, spec, &format!("the links of job `{}` were not submitted", intent.name)).await?;
    let job = LinkArray { directory, intent, spec, placement, code: code.as_ref(), first: LinkNumber::FIRST };
    match array_size(house, directory, sweep).await? {
        Some(size) => job.send_arrays(house, sweep, size).await,
        None if house.dialect == Dialect::Local => job.send_each(house, sweep).await,
        None => {
            let (why, next) = ("the site takes no job arrays", "submit its cells as jobs, by a file each");
            let what = format!("job `{}` was not submitted", intent.name);
            let not_sent = Some(JobsError::new(Gravity::Refused, what, why, next));
            Ok(SentLinks { sent: Vec::new(), not_sent })
        }
    }
}

/// How many links an array has; none where the site takes no arrays.
async fn array_size(house: &House, directory: &JobDirectory, sweep: &Sweep) -> Result<Option<u32>, JobsError> {
    let size = if let Some(known) = directory.link_arrays().await? {
        known.size
    } else {
        let largest = scheduled(house.scheduler.largest_array().await, "the links were not submitted")?;
        let size = largest.unwrap_or_default().min(sweep.links().get());
        directory.put_link_arrays(&LinkArrays { size, links: sweep.links() }).await?.size
    };
    Ok((size > 0).then_some(size))
}

/// Some of the links of one job, from the first of them on.
#[derive(Clone, Copy)]
pub(super) struct LinkArray<'a> {
    directory: &'a JobDirectory,
    intent: &'a Intent,
    spec: &'a JobSpec,
    placement: &'a Placement,
    code: Option<&'a FrozenCode>,
    /// The link that task 0 is.
    pub(super) first: LinkNumber,
}

impl LinkArray<'_> {
    /// Its mark.
    pub(super) const fn stamp(&self) -> ArrayStamp {
        ArrayStamp::of_links(Stamp { job: self.intent.id, link: self.first })
    }

    /// Its directory, with its script, and how all of it is handed over.
    pub(super) async fn written(&self, house: &House) -> Result<(JobDirectory, Submission), JobsError> {
        let directory = self.directory.make_array(self.first).await?;
        let sheet = self.sheet(house)?;
        directory.put_script(sheet.script.as_bytes()).await?;
        let output = directory.log().to_string_lossy().into_owned();
        let job_name = format!("{}.{}", self.intent.name, self.stamp());
        let handed = sheet.submission(&directory.script());
        Ok((directory, Submission { job_name, output: Some(output), ..handed }))
    }

    /// Which of these tasks are noted.
    pub(super) async fn known(&self, tasks: &Tasks<'_>) -> Result<BTreeMap<u32, SubmittedNote>, JobsError> {
        let sent = sent(self.directory).await?;
        let mut known = BTreeMap::new();
        for (index, task) in tasks.iter().filter(|(_, task)| sent.contains_key(&task.directory.link())) {
            known.extend(task.directory.submitted().await?.map(|note| (*index, note)));
        }
        Ok(known)
    }

    /// Whether all of these were sent, or the job is over.
    pub(super) async fn is_settled(&self, tasks: &Tasks<'_>) -> Result<bool, JobsError> {
        let sent = sent(self.directory).await?;
        Ok(tasks.values().all(|task| sent.contains_key(&task.directory.link()))
            || self.directory.ended().await?.is_some())
    }

    /// Notes which tasks the scheduler was seen to have, those of each of its arrays together.
    pub(super) async fn found(
        &self,
        house: &House,
        seen: BTreeMap<u32, JobSighting>,
    ) -> Result<BTreeMap<u32, SubmittedNote>, JobsError> {
        let mut arrays: BTreeMap<SchedulerJobId, (JobSighting, Vec<u32>)> = BTreeMap::new();
        for (index, seen) in seen {
            arrays.entry(seen.handle().whole()).or_insert_with(|| (seen, Vec::new())).1.push(index);
        }
        let mut notes = BTreeMap::new();
        for (id, (seen, tasks)) in arrays {
            let note = SubmittedNote {
                scheduler_job: id,
                cluster: seen.cluster,
                at: house.clock.now(),
                was_found: true,
                submitted_at: Some(seen.submitted_at),
            };
            let sent = self.put(house, SentTasks { note, tasks }).await?;
            notes.extend(sent.tasks.iter().map(|index| (*index, sent.note.of_task(*index))));
        }
        Ok(notes)
    }

    /// Notes that the scheduler took these tasks. Whoever cancelled the job meanwhile could not know of them: they are taken back.
    pub(super) async fn sent(
        &self,
        house: &House,
        part: &Tasks<'_>,
        submitted: Submitted,
    ) -> Result<SubmittedNote, JobsError> {
        let Submitted { id, cluster, .. } = submitted;
        let at = house.clock.now();
        let note = SubmittedNote { scheduler_job: id, cluster, at, was_found: false, submitted_at: None };
        let sent = self.put(house, SentTasks { note, tasks: part.keys().copied().collect() }).await?;
        if !self.directory.is_ended_or_cancelled().await? {
            return Ok(sent.note);
        }
        let why = "it was cancelled while it was being submitted";
        taken_back(house.scheduler.cancel(id).await, &self.intent.name, id, why)?;
        let what = format!("job `{}` was submitted as {id} and taken back", self.intent.name);
        let next = "`pakt settle` closes its hold; the same command again makes a new job";
        Err(JobsError::new(Gravity::Refused, what, why, next))
    }

    async fn put(&self, house: &House, sent: SentTasks) -> Result<SentTasks, JobsError> {
        let sent = self.directory.make_array(self.first).await?.put_sent(&sent).await?;
        house.steps.done(Step::Submitted);
        Ok(sent)
    }

    fn sheet(&self, house: &House) -> Result<Sheet, JobsError> {
        Sheet::of(house, self.spec, self.placement, &self.directory.of_link(self.first), self.code)
    }

    async fn send_arrays(self, house: &House, sweep: &Sweep, size: u32) -> Result<SentLinks, JobsError> {
        let brake = Brake::default();
        let mut answer = SentLinks::default();
        let links = links(self.directory, sweep);
        let sent = sent(self.directory).await?;
        for part in links.chunks(usize::try_from(size).unwrap_or(usize::MAX)) {
            let Some(first) = part.first() else { break };
            let intent = self.intent;
            let indexed = (0..).zip(part).filter(|(_, link)| !sent.contains_key(&link.link()));
            let tasks: Tasks<'_> = indexed.map(|(index, directory)| (index, Task { directory, intent })).collect();
            if tasks.is_empty() {
                continue;
            }
            if let Err(error) = self.not_too_soon(house, first.link()).await {
                answer.not_sent = Some(error);
                break;
            }
            let whole = Whole::Links(Self { first: first.link(), ..self });
            for (index, told) in send_array(house, &whole, &tasks, sweep.at_once, &brake).await {
                let link = tasks.get(&index).map_or(LinkNumber::FIRST, |task| task.directory.link());
                match told {
                    Some(Ok(note)) => answer.sent.push(SentLink { link, scheduler_job: note.scheduler_job }),
                    Some(Err(error)) => drop(answer.not_sent.get_or_insert(error)),
                    None => {}
                }
            }
            if answer.not_sent.is_some() || brake.holds() {
                break;
            }
        }
        Ok(answer)
    }

    /// What the site took nothing of again and again is tried again later and later, up to an hour.
    async fn not_too_soon(&self, house: &House, first: LinkNumber) -> Result<(), JobsError> {
        let (calls, last) = self.directory.calls_in_vain(first, TRIED_AT_ONCE + MOST_DOUBLINGS).await?;
        let Some(last) = last.filter(|_| calls > TRIED_AT_ONCE) else { return Ok(()) };
        let again = last.plus_seconds(60 * (1 << (calls - TRIED_AT_ONCE)).min(MINUTES_OF_AN_HOUR));
        if house.clock.now() >= again {
            return Ok(());
        }
        let what = format!("the links of job `{}` from {first} on were not submitted", self.intent.name);
        let why = "the scheduler was asked for them and took none, several times";
        Err(JobsError::new(Gravity::Refused, what, why, format!("it is asked again after {again}")))
    }

    async fn send_each(self, house: &House, sweep: &Sweep) -> Result<SentLinks, JobsError> {
        let mut answer = SentLinks::default();
        for directory in links(self.directory, sweep) {
            if directory.submitted().await?.is_some() {
                continue;
            }
            directory.create().await?;
            let sheet = Self { first: directory.link(), ..self }.sheet(house)?;
            directory.put_script(sheet.script.as_bytes()).await?;
            match send(house, &directory, self.intent, &sheet.submission(&directory.script())).await {
                Ok(note) => {
                    answer.sent.push(SentLink { link: directory.link(), scheduler_job: note.scheduler_job });
                }
                Err(NotSent::Open(error)) if error.gravity == Gravity::Unknown => return Err(error),
                Err(NotSent::Refused(error) | NotSent::Open(error)) => {
                    answer.not_sent = Some(error);
                    break;
                }
            }
        }
        Ok(answer)
    }
}

/// The job's directory as each of its links sees it.
fn links(directory: &JobDirectory, sweep: &Sweep) -> Vec<JobDirectory> {
    (1..=sweep.links().get()).filter_map(LinkNumber::new).map(|link| directory.of_link(link)).collect()
}

/// What the scheduler calls the links that were sent.
async fn sent(directory: &JobDirectory) -> Result<BTreeMap<LinkNumber, SchedulerJobId>, JobsError> {
    let sent = directory.sent_links().await?;
    Ok(sent.into_iter().map(|sent| (sent.link, sent.scheduler_job)).collect())
}
