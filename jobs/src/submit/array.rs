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
use model::Timestamp;
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
        Ok((submission, noted)) => {
            let wanted = unsent.into_iter().filter(|(index, _)| !told.contains_key(index)).collect();
            Call { house, whole, submission, at_once, brake }.send(wanted, noted, &mut told).await;
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
) -> Result<(Submission, NotedCall), JobsError> {
    let (directory, submission) = whole.written(house).await?;
    let (number, call) = note_call(house, whole, &directory).await?;
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
    Ok((submission, NotedCall { directory, number, at: house.clock.now() }))
}

/// A call of the scheduler with an array that was noted.
struct NotedCall {
    directory: JobDirectory,
    number: u32,
    at: Timestamp,
}

/// For so long one note stands for the calls that follow it: whoever sees it on another host counts a call as over by its age.
const NOTED_FOR_SECONDS: i64 = 30;

async fn note_call(house: &House, whole: &Whole<'_>, directory: &JobDirectory) -> Result<(u32, Sending), JobsError> {
    let call = whole.noted(Sending { claims: true, ..sending(house, true).await? });
    Ok((directory.note_sending(&call).await?, call))
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
    /// Sends these tasks, in halves where the site takes no more at once for now: after a clear refusal there is none of them. Of links
    /// none is tried behind one that was refused: they are alike.
    async fn send(&self, wanted: Tasks<'_>, mut noted: NotedCall, told: &mut Told) {
        let are_links = matches!(self.whole, Whole::Links(_));
        let (mut parts, mut is_refused) = (vec![wanted], false);
        while let Some(part) = parts.pop() {
            if self.brake.holds() || is_refused {
                told.extend(part.keys().map(|index| (*index, None)));
                continue;
            }
            let mut part = match self.still_to_send(part, &mut noted, told).await {
                Ok(part) => part,
                Err((part, error)) => {
                    is_refused = are_links;
                    told.extend(part.into_keys().map(|index| (index, Some(Err(error.clone())))));
                    continue;
                }
            };
            if part.is_empty() {
                continue;
            }
            let indexes = part.keys().copied().collect();
            let array = ArrayTasks { stamp: self.whole.stamp(), indexes, at_once: self.at_once };
            let submission = Submission { array: Some(array), ..self.submission.clone() };
            match self.house.scheduler.submit(&submission).await {
                Ok(submitted) => {
                    self.house.steps.done(Step::Sent);
                    self.brake.learn(None);
                    let sent = self.whole.sent(self.house, &part, submitted).await;
                    is_refused = are_links && sent.values().flatten().any(Result::is_err);
                    told.extend(sent);
                }
                Err(error) if is_too_large(&error) && part.len() > 1 => {
                    // A few halves of one job say nothing of others.
                    if !are_links {
                        self.brake.learn(Some(&schedule_failure(&error, "the array was not submitted")));
                    }
                    let middle = part.keys().nth(part.len() / 2).copied().unwrap_or_default();
                    let later = part.split_off(&middle);
                    parts.extend([later, part]);
                }
                Err(error) => {
                    is_refused = are_links;
                    self.not_sent(part, &error, told).await;
                }
            }
        }
        if are_links && let Err(error) = noted.directory.end_sending(noted.number).await {
            // Whoever comes after waits for it as long as such a call may last.
            self.brake.learn(Some(&error));
        }
    }

    /// What of a part of links is to be sent: a note that has become old is made anew, and who noted a call meanwhile may have sent them;
    /// and the job may have been cancelled. Of jobs it is all.
    async fn still_to_send<'t>(
        &self,
        part: Tasks<'t>,
        noted: &mut NotedCall,
        told: &mut Told,
    ) -> Result<Tasks<'t>, (Tasks<'t>, JobsError)> {
        if !matches!(self.whole, Whole::Links(_)) {
            return Ok(part);
        }
        match self.renewed(&part, noted, told).await {
            Ok(()) => Ok(part.into_iter().filter(|(index, _)| !told.contains_key(index)).collect()),
            Err(error) => Err((part, error)),
        }
    }

    async fn renewed(&self, part: &Tasks<'_>, noted: &mut NotedCall, told: &mut Told) -> Result<(), JobsError> {
        let house = self.house;
        if house.clock.now().seconds_since(noted.at) > NOTED_FOR_SECONDS {
            let before = noted.number;
            let (number, _) = note_call(house, self.whole, &noted.directory).await?;
            noted.directory.end_sending(before).await?;
            (noted.number, noted.at) = (number, house.clock.now());
            if number > before + 1 {
                let is_settled = || self.whole.is_settled(part);
                await_array(house, (&noted.directory, self.submission.stamp), number, is_settled).await?;
                let unsent = known(house, self.whole, part, told).await?;
                found(house, self.whole, &unsent, told).await?;
                noted.at = house.clock.now();
            }
        }
        let Some(task) = part.values().next() else { return Ok(()) };
        still_wanted(house, task.directory, task.intent).await
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
