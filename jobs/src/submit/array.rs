//! Sends the tasks of one array. What makes each of them sent exactly once lies in directories of theirs, as for a job that is
//! sent by itself: the note of the call, which names the array, comes before the call, and whoever comes after looks each task
//! up by its own stamp, which the array's says of it.

use super::{
    many::{Brake, Sent, all},
    send::{found_each, not_known, still_wanted, the_one, unsubmitted},
    sender::{await_array, await_each, sending},
    whole::Whole,
};
use crate::{
    directory::{Intent, JobDirectory, Sending},
    error::JobsError,
    house::{House, Step},
    reached::schedule_failure,
};
use scheduler_adapters::{AdapterError, AdapterErrorKind, ArrayTasks, Retry, Submission};
use std::collections::BTreeMap;

/// What one task of an array is: a job, or a link of one, seen from its directory.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) directory: &'a JobDirectory,
    pub(super) intent: &'a Intent,
}

/// The tasks of one array, by their indexes.
pub(super) type Tasks<'a> = BTreeMap<u32, Task<'a>>;

/// What became of each, by its index; none where it was not tried.
pub(super) type Told = BTreeMap<u32, Sent>;

/// Sends those that were not sent. Where the site takes no array of that size now, each half of it is tried.
pub(super) async fn send_array(
    house: &House,
    whole: &Whole<'_>,
    tasks: &Tasks<'_>,
    at_once: Option<u32>,
    brake: &Brake,
) -> Told {
    let mut told = Told::new();
    let unsent = match known(house, whole, tasks, &mut told).await {
        Ok(unsent) => unsent,
        Err(error) => return failed(tasks, &told, &error, brake),
    };
    if unsent.is_empty() {
        return told;
    }
    if brake.holds() {
        told.extend(unsent.keys().map(|index| (*index, None)));
        return told;
    }
    match prepare(house, whole, &unsent, &mut told).await {
        Ok(submission) => {
            let wanted = unsent.into_iter().filter(|(index, _)| !told.contains_key(index)).collect();
            Call { house, whole, submission, at_once, brake }.send(wanted, &mut told).await;
            told
        }
        Err(error) => {
            let rest = failed(tasks, &told, &error, brake);
            told.into_iter().chain(rest).collect()
        }
    }
}

fn failed(tasks: &Tasks<'_>, told: &Told, error: &JobsError, brake: &Brake) -> Told {
    brake.learn(Some(error));
    let rest = tasks.keys().filter(|index| !told.contains_key(index));
    rest.map(|index| (*index, Some(Err(error.clone())))).collect()
}

/// Takes those aside whose scheduler job is noted.
async fn known<'a>(
    house: &House,
    whole: &Whole<'_>,
    tasks: &Tasks<'a>,
    told: &mut Told,
) -> Result<Tasks<'a>, JobsError> {
    let mut noted = whole.known(tasks).await?;
    let mut unsent = Tasks::new();
    for (index, task) in tasks {
        match noted.remove(index) {
            Some(note) => drop(told.insert(*index, Some(whole.taken(house, *task, note).await))),
            None => drop(unsent.insert(*index, *task)),
        }
    }
    Ok(unsent)
}

/// Writes the array's script and the notes of the call, first the array's own, then each job's; finds those that an earlier
/// call sent, and those that are not wanted any more. What is left is to be sent as the answer says.
async fn prepare(
    house: &House,
    whole: &Whole<'_>,
    unsent: &Tasks<'_>,
    told: &mut Told,
) -> Result<Submission, JobsError> {
    let (directory, submission) = whole.written(house).await?;
    let call = whole.noted(Sending { claims: true, ..sending(house, true).await? });
    let number = directory.note_sending(&call).await?;
    let is_settled = || whole.is_settled(unsent);
    let over = await_array(house, (&directory, submission.stamp), number, is_settled).await?;
    let unsent = &known(house, whole, unsent, told).await?;
    let unknown = match whole {
        Whole::Jobs { .. } => called_before(house, whole, (&call, over), unsent, told).await?,
        // Their array is the only one that they are ever sent with, and its calls were waited for.
        Whole::Links(_) => {
            house.steps.done(Step::Sending);
            if number > 1 { unsent.clone() } else { Tasks::new() }
        }
    };
    found(house, whole, &unknown, told).await?;
    unwanted(house, whole, unsent, told).await;
    Ok(submission)
}

/// Notes the call for each job, and waits for those who noted one earlier, with whatever array, or alone; the jobs of which only the
/// scheduler knows what came of that.
async fn called_before<'a>(
    house: &House,
    whole: &Whole<'_>,
    (call, over): (&Sending, Vec<Sending>),
    unsent: &Tasks<'a>,
    told: &mut Told,
) -> Result<Tasks<'a>, JobsError> {
    let numbers = all(unsent.values().map(|task| task.directory.note_sending(call)).collect()).await;
    let numbers = numbers.into_iter().collect::<Result<Vec<u32>, _>>()?;
    for _ in unsent {
        house.steps.done(Step::Sending);
    }
    let noted = unsent.iter().zip(numbers).filter(|(_, number)| *number > 1);
    let called: Vec<_> = noted.map(|((index, task), number)| (*index, *task, number)).collect();
    let calls: Vec<_> = called.iter().map(|(_, task, number)| (task.directory, *number)).collect();
    let known = await_each(house, calls, over).await?;
    let mut unknown = Tasks::new();
    for ((index, task, _), known) in called.into_iter().zip(known) {
        match known {
            Some(note) => drop(told.insert(index, Some(whole.taken(house, task, note).await))),
            None => drop(unknown.insert(index, task)),
        }
    }
    Ok(unknown)
}

/// Tells of those that are left which are not wanted any more: each job by itself, the links of one all alike.
async fn unwanted(house: &House, whole: &Whole<'_>, unsent: &Tasks<'_>, told: &mut Told) {
    let open: Vec<(u32, Task<'_>)> =
        unsent.iter().map(|(index, task)| (*index, *task)).filter(|(index, _)| !told.contains_key(index)).collect();
    let asked = if matches!(whole, Whole::Links(_)) { &open[..open.len().min(1)] } else { &open };
    let wanted = asked.iter().map(|(_, task)| still_wanted(house, task.directory, task.intent));
    let wanted = all(wanted.collect()).await;
    let unwanted = |((index, _), wanted): (&(u32, Task<'_>), Result<(), JobsError>)| Some((*index, wanted.err()?));
    let unwanted: Vec<(u32, JobsError)> = asked.iter().zip(wanted).filter_map(unwanted).collect();
    if let (Whole::Links(_), Some((_, error))) = (whole, unwanted.first()) {
        told.extend(open.iter().map(|(index, _)| (*index, Some(Err(error.clone())))));
    }
    told.extend(unwanted.into_iter().map(|(index, error)| (index, Some(Err(error)))));
}

/// Looks these tasks up by their stamps, all with one question, and notes those that the scheduler has.
async fn found(house: &House, whole: &Whole<'_>, tasks: &Tasks<'_>, told: &mut Told) -> Result<(), JobsError> {
    let searched: Vec<_> = tasks.values().map(|task| (task.directory, task.intent)).collect();
    let found = found_each(house, &searched).await?;
    let mut ours = BTreeMap::new();
    for ((index, task), found) in tasks.iter().zip(found) {
        if let Some(seen) = the_one(house, task.directory, found).await? {
            ours.insert(*index, seen);
        }
    }
    for (index, note) in whole.found(house, tasks, ours).await? {
        if let Some(task) = tasks.get(&index) {
            told.insert(index, Some(whole.taken(house, *task, note).await));
        }
    }
    Ok(())
}

/// The calls of the scheduler for one array.
struct Call<'a> {
    house: &'a House,
    whole: &'a Whole<'a>,
    submission: Submission,
    at_once: Option<u32>,
    brake: &'a Brake,
}

impl Call<'_> {
    /// Sends these tasks, in halves where the site takes no more at once for now: after a clear refusal there is none of them.
    async fn send(&self, wanted: Tasks<'_>, told: &mut Told) {
        let mut parts = vec![wanted];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            if self.brake.holds() {
                told.extend(part.keys().map(|index| (*index, None)));
                continue;
            }
            let indexes = part.keys().copied().collect();
            let array = ArrayTasks { stamp: self.whole.stamp(), indexes, at_once: self.at_once };
            let submission = Submission { array: Some(array), ..self.submission.clone() };
            match self.house.scheduler.submit(&submission).await {
                Ok(submitted) => {
                    self.house.steps.done(Step::Sent);
                    self.brake.learn(None);
                    told.extend(self.whole.sent(self.house, &part, submitted).await);
                }
                Err(error) if is_too_large(&error) && part.len() > 1 => {
                    self.brake.learn(Some(&schedule_failure(&error, "the array was not submitted")));
                    let middle = part.keys().nth(part.len() / 2).copied().unwrap_or_default();
                    let later = part.split_off(&middle);
                    parts.extend([later, part]);
                }
                Err(error) => self.not_sent(part, &error, told).await,
            }
        }
    }

    /// What an error means for each: a refusal ends them; where nobody knows, they are looked for.
    async fn not_sent(&self, part: Tasks<'_>, error: &AdapterError, told: &mut Told) {
        let failure = match error.kind {
            AdapterErrorKind::OutcomeUnknown => found(self.house, self.whole, &part, told).await.err(),
            _ => None,
        };
        let mut worst = None;
        for (index, task) in part.iter().filter(|(index, _)| !told.contains_key(index)).collect::<Vec<_>>() {
            let error = match (&failure, &error.kind) {
                (Some(unanswered), _) => unanswered.clone(),
                (None, AdapterErrorKind::OutcomeUnknown) => not_known(task.directory, task.intent, error),
                (None, AdapterErrorKind::Refused { .. } | AdapterErrorKind::NotPermitted) => {
                    let error = schedule_failure(error, &unsubmitted(task.directory, task.intent));
                    self.whole.refused(self.house, *index, error).await
                }
                (None, _) => schedule_failure(error, &unsubmitted(task.directory, task.intent)),
            };
            worst = Some(error.clone());
            told.insert(*index, Some(Err(error)));
        }
        self.brake.learn(worst.as_ref());
    }
}

/// Whether fewer tasks at once may be taken: a limit of jobs, or of the size of an array.
fn is_too_large(error: &AdapterError) -> bool {
    let AdapterErrorKind::Refused { said } = &error.kind else { return false };
    error.retry == Retry::Later || said.contains("Invalid job array specification")
}
