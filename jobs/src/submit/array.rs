//! Sends jobs as tasks of one array. What makes each of them sent exactly once lies in its own directory, as for a job that is
//! sent by itself: its note of the call, which names the array, comes before the call, and whoever comes after looks each job
//! up by its own stamp, which the array's says of its task.

use super::{
    alike::log_of_task,
    begun::Begun,
    many::{Brake, FILES_AT_ONCE, Sent, each},
    send::{found_each, keep_one, not_cancelled_meanwhile, not_known, note, still_wanted, unsubmitted},
    sender::{await_array, await_each, sending},
};
use crate::{
    directory::{JobDirectory, Sending, SubmittedNote},
    error::{Gravity, JobsError},
    house::{House, Step},
    reached::schedule_failure,
};
use model::{ArrayStamp, JobId, SchedulerJobId};
use scheduler_adapters::{AdapterError, AdapterErrorKind, ArrayTasks, Retry, ScriptSource, Submission};
use std::{collections::BTreeMap, path::Path};
use templates::{ArrayScript, ArrayTask, render_array};

/// Jobs that are tasks of one array, by their indexes.
type Members<'a> = BTreeMap<u32, &'a Begun>;

/// What became of each, by its index; none where it was not tried.
pub(super) type Told = BTreeMap<u32, Sent>;

/// Sends those that were not sent. Where the site takes no array of that size now, each half of it is tried.
pub(super) async fn send_array(
    house: &House,
    array: JobId,
    members: &Members<'_>,
    at_once: Option<u32>,
    brake: &Brake,
) -> Told {
    let mut told = Told::new();
    let unsent = match known(house, members, &mut told).await {
        Ok(unsent) => unsent,
        Err(error) => return failed(members, &told, &error, brake),
    };
    if unsent.is_empty() {
        return told;
    }
    if brake.holds() {
        told.extend(unsent.keys().map(|index| (*index, None)));
        return told;
    }
    match prepare(house, array, members, &unsent, &mut told).await {
        Ok(submission) => {
            let wanted = unsent.into_iter().filter(|(index, _)| !told.contains_key(index)).collect();
            let stamp = ArrayStamp::of(array);
            Call { house, stamp, submission, at_once, brake }.send(wanted, &mut told).await;
            told
        }
        Err(error) => {
            let rest = failed(members, &told, &error, brake);
            told.into_iter().chain(rest).collect()
        }
    }
}

fn failed(members: &Members<'_>, told: &Told, error: &JobsError, brake: &Brake) -> Told {
    brake.learn(Some(error));
    let rest = members.keys().filter(|index| !told.contains_key(index));
    rest.map(|index| (*index, Some(Err(error.clone())))).collect()
}

/// Takes those aside whose scheduler job is noted.
async fn known<'a>(house: &House, members: &Members<'a>, told: &mut Told) -> Result<Members<'a>, JobsError> {
    let mut unsent = Members::new();
    let noted = each(members.values(), FILES_AT_ONCE, |begun| begun.directory.submitted()).await;
    for ((index, begun), noted) in members.iter().zip(noted) {
        match noted? {
            Some(note) => drop(told.insert(*index, Some(taken(house, begun, note).await))),
            None => drop(unsent.insert(*index, *begun)),
        }
    }
    Ok(unsent)
}

/// A job that the scheduler has: as it is, or taken back where somebody cancelled it meanwhile.
async fn taken(house: &House, begun: &Begun, note: SubmittedNote) -> Result<SubmittedNote, JobsError> {
    not_cancelled_meanwhile(house, &begun.directory, &begun.intent, &note).await?;
    Ok(note)
}

/// Writes the array's script and the notes of the call, first the array's own, then each job's; finds those that an earlier
/// call sent, and those that are not wanted any more. What is left is to be sent as the answer says.
async fn prepare(
    house: &House,
    array: JobId,
    members: &Members<'_>,
    unsent: &Members<'_>,
    told: &mut Told,
) -> Result<Submission, JobsError> {
    let (directory, submission) = written(house, array, members).await?;
    let call = Sending { array: Some(array), claims: true, ..sending(house, true).await? };
    let number = directory.note_sending(&call).await?;
    let is_settled = async || {
        let settled = each(unsent.values(), FILES_AT_ONCE, |begun| is_settled(begun)).await;
        Ok(settled.into_iter().collect::<Result<Vec<bool>, JobsError>>()?.into_iter().all(|settled| settled))
    };
    let over = await_array(house, (&directory, submission.stamp), number, is_settled).await?;
    let unsent = &known(house, unsent, told).await?;
    let numbers = each(unsent.values(), FILES_AT_ONCE, |begun| begun.directory.note_sending(&call)).await;
    let numbers = numbers.into_iter().collect::<Result<Vec<u32>, _>>()?;
    for _ in unsent {
        house.steps.done(Step::Sending);
    }
    let noted = unsent.iter().zip(numbers).filter(|(_, number)| *number > 1);
    let called: Vec<_> = noted.map(|((index, begun), number)| (*index, *begun, number)).collect();
    let calls = called.iter().map(|(_, begun, number)| (&begun.directory, *number));
    let known = await_each(house, calls, over).await?;
    let mut unknown = Members::new();
    for ((index, begun, _), known) in called.into_iter().zip(known) {
        match known {
            Some(note) => drop(told.insert(index, Some(taken(house, begun, note).await))),
            None => drop(unknown.insert(index, begun)),
        }
    }
    found(house, &unknown, told).await?;
    unwanted(house, unsent, told).await;
    Ok(submission)
}

/// Whether nobody has to be waited for: it was sent, or given up.
async fn is_settled(begun: &Begun) -> Result<bool, JobsError> {
    Ok(begun.directory.submitted().await?.is_some() || begun.directory.ended().await?.is_some())
}

/// Tells of those that are left which are not wanted any more.
async fn unwanted(house: &House, unsent: &Members<'_>, told: &mut Told) {
    let open: Vec<_> = unsent.iter().filter(|(index, _)| !told.contains_key(index)).collect();
    let wanted = each(&open, FILES_AT_ONCE, |(_, begun)| still_wanted(house, &begun.directory, &begun.intent)).await;
    let unwanted = open.into_iter().zip(wanted).filter_map(|((index, _), wanted)| Some((*index, wanted.err()?)));
    told.extend(unwanted.map(|(index, error)| (index, Some(Err(error)))).collect::<Told>());
}

/// Looks these jobs up by their stamps, all with one question, and notes those that the scheduler has.
async fn found(house: &House, jobs: &Members<'_>, told: &mut Told) -> Result<(), JobsError> {
    let searched: Vec<_> = jobs.values().map(|begun| (&begun.directory, &begun.intent)).collect();
    for ((index, begun), found) in jobs.iter().zip(found_each(house, &searched).await?) {
        if let Some(note) = keep_one(house, &begun.directory, found).await? {
            told.insert(*index, Some(taken(house, begun, note).await));
        }
    }
    Ok(())
}

/// The array's script, written once: the same members give the same text, and the first one counts.
async fn written(house: &House, array: JobId, members: &Members<'_>) -> Result<(JobDirectory, Submission), JobsError> {
    let what = "the array was not submitted";
    let Some(first) = members.values().next() else {
        return Err(JobsError::new(Gravity::Bug, what, "it has no task", "please report it"));
    };
    let bug = |why: String| JobsError::new(Gravity::Bug, what, why, "please report it");
    let placement =
        first.intent.placement.as_ref().ok_or_else(|| bug(format!("job {} has no placement", first.intent.id)))?;
    let user = house.principal.user.as_str();
    let task = |(index, begun): (&u32, &&Begun)| {
        let name = begun.intent.scheduler_name();
        let is_usual = begun.handed.output.as_deref() == begun.directory.log().to_str();
        let named = begun.handed.output.as_deref().filter(|_| !is_usual);
        let log = named.and_then(|pattern| log_of_task(pattern, &name, user));
        ArrayTask { index: *index, job: begun.intent.id, name, log }
    };
    let tasks: Vec<ArrayTask> = members.iter().map(task).collect();
    let stamp = ArrayStamp::of(array);
    let jobs = house.state.root().join("jobs");
    let script =
        ArrayScript { stamp, placement, jobs: &jobs.to_string_lossy(), tasks: &tasks, made_by: &house.made_by };
    let text = render_array(&script).map_err(|error| bug(error.to_string()))?;
    let directory = house.state.put_array(array, text.as_bytes()).await?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let names: Vec<&str> = members.values().map(|begun| begun.intent.name.as_str()).collect();
    let submission = Submission {
        script: ScriptSource::File(text(&directory.script())),
        job_name: format!("{}.{stamp}", common_name(&names)),
        stamp: stamp.first,
        output: Some(text(&directory.log())),
        directory: Some(text(directory.path())),
        ..first.handed.clone()
    };
    Ok((directory, submission))
}

/// What the names of all begin with, or the first where that is nothing.
fn common_name(names: &[&str]) -> String {
    let Some((first, rest)) = names.split_first() else { return String::new() };
    let is_common =
        |length: &usize| first.get(..*length).is_some_and(|begin| rest.iter().all(|name| name.starts_with(begin)));
    let length = (1..=first.len()).rev().find(is_common).unwrap_or(0);
    let common = first[..length].trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
    if common.is_empty() { (*first).to_owned() } else { common.to_owned() }
}

/// The calls of the scheduler for one array.
struct Call<'a> {
    house: &'a House,
    stamp: ArrayStamp,
    submission: Submission,
    at_once: Option<u32>,
    brake: &'a Brake,
}

impl Call<'_> {
    /// Sends these tasks, in halves where the site takes no more at once for now: after a clear refusal there is none of them.
    async fn send(&self, wanted: Members<'_>, told: &mut Told) {
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
            let array = ArrayTasks { stamp: self.stamp, indexes, at_once: self.at_once };
            let submission = Submission { array: Some(array), ..self.submission.clone() };
            match self.house.scheduler.submit(&submission).await {
                Ok(submitted) => {
                    self.house.steps.done(Step::Sent);
                    self.brake.learn(None);
                    let cluster = submitted.cluster;
                    let noted = each(part, FILES_AT_ONCE, |(index, begun)| {
                        let (id, cluster) = (submitted.id, cluster.clone());
                        async move { (index, self.noted(begun, id.with_task(index), cluster).await) }
                    });
                    told.extend(noted.await.into_iter().map(|(index, sent)| (index, Some(sent))));
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

    async fn noted(
        &self,
        begun: &Begun,
        id: SchedulerJobId,
        cluster: Option<model::ClusterName>,
    ) -> Result<SubmittedNote, JobsError> {
        let note = note(self.house, &begun.directory, id, cluster, None).await?;
        taken(self.house, begun, note).await
    }

    /// What an error means for each: a refusal ends them; where nobody knows, they are looked for.
    async fn not_sent(&self, part: Members<'_>, error: &AdapterError, told: &mut Told) {
        let failure = match error.kind {
            AdapterErrorKind::OutcomeUnknown => found(self.house, &part, told).await.err(),
            _ => None,
        };
        let mut worst = None;
        for (index, begun) in part.iter().filter(|(index, _)| !told.contains_key(index)).collect::<Vec<_>>() {
            let error = match (&failure, &error.kind) {
                (Some(unanswered), _) => unanswered.clone(),
                (None, AdapterErrorKind::OutcomeUnknown) => not_known(&begun.directory, &begun.intent, error),
                (None, AdapterErrorKind::Refused { .. } | AdapterErrorKind::NotPermitted) => {
                    let error = schedule_failure(error, &unsubmitted(&begun.directory, &begun.intent));
                    begun.refused(self.house, error).await.unwrap_or_else(|error| error)
                }
                (None, _) => schedule_failure(error, &unsubmitted(&begun.directory, &begun.intent)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_called_by_what_the_names_of_its_jobs_begin_with() {
        for (names, expected) in [
            (&["lr-1", "lr-2"][..], "lr"),
            (&["lr-1", "lr-10"], "lr-1"),
            (&["one", "two"], "one"),
            (&["-a", "-b"], "-a"),
            (&["äa", "äb"], "äa"),
        ] {
            assert_eq!(common_name(names), expected, "{names:?}");
        }
    }
}
