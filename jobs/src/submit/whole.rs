//! What is sent as one array: jobs that are alike, or links of one.

use super::{
    alike::log_of_task,
    array::{Task, Tasks, Told},
    begun::Begun,
    links::LinkArray,
    many::all,
    send::{not_cancelled_meanwhile, note},
};
use crate::{
    directory::{JobDirectory, Sending, SubmittedNote},
    error::{Gravity, JobsError},
    house::House,
};
use model::{ArrayStamp, ClusterName, JobId, SchedulerJobId};
use scheduler_adapters::{JobSighting, ScriptSource, Submission, Submitted};
use std::{collections::BTreeMap, path::Path};
use templates::{ArrayScript, ArrayTask, render_array};

/// One array, whether or not all of it is sent with one call.
pub(super) enum Whole<'a> {
    /// Jobs that are alike.
    Jobs {
        /// The id of the job of task 0.
        array: JobId,
        /// By their indexes.
        jobs: &'a BTreeMap<u32, &'a Begun>,
    },
    /// Links of one job.
    Links(LinkArray<'a>),
}

impl Whole<'_> {
    /// Its mark.
    pub(super) fn stamp(&self) -> ArrayStamp {
        match self {
            Self::Jobs { array, .. } => ArrayStamp::of(*array),
            Self::Links(links) => links.stamp(),
        }
    }

    /// The note of a call with it.
    pub(super) fn noted(&self, call: Sending) -> Sending {
        match self {
            Self::Jobs { array, .. } => Sending { array: Some(*array), ..call },
            Self::Links(links) => Sending { links: Some(links.first), ..call },
        }
    }

    /// Its directory, with its script, and how all of it is handed over.
    pub(super) async fn written(&self, house: &House) -> Result<(JobDirectory, Submission), JobsError> {
        match self {
            Self::Jobs { array, jobs } => jobs_written(house, *array, jobs).await,
            Self::Links(links) => links.written(house).await,
        }
    }

    /// What is noted of these tasks, by their indexes.
    pub(super) async fn known(&self, tasks: &Tasks<'_>) -> Result<BTreeMap<u32, SubmittedNote>, JobsError> {
        match self {
            Self::Jobs { .. } => {
                let noted = all(tasks.iter().map(|(index, task)| noted(*index, *task)).collect()).await;
                noted.into_iter().filter_map(Result::transpose).collect()
            }
            Self::Links(links) => links.known(tasks).await,
        }
    }

    /// Whether nobody has to be waited for: all of these were sent, or given up.
    pub(super) async fn is_settled(&self, tasks: &Tasks<'_>) -> Result<bool, JobsError> {
        match self {
            Self::Jobs { .. } => {
                let settled = all(tasks.values().map(|task| is_settled(*task)).collect()).await;
                Ok(settled.into_iter().collect::<Result<Vec<bool>, JobsError>>()?.into_iter().all(|it| it))
            }
            Self::Links(links) => links.is_settled(tasks).await,
        }
    }

    /// A task that the scheduler has: as it is, or taken back where somebody cancelled it meanwhile.
    pub(super) async fn taken(
        &self,
        house: &House,
        task: Task<'_>,
        note: SubmittedNote,
    ) -> Result<SubmittedNote, JobsError> {
        match self {
            Self::Jobs { .. } => taken(house, task, note).await,
            // They are looked at when they are sent, all at once.
            Self::Links(_) => Ok(note),
        }
    }

    /// Notes what the scheduler was seen to have of these tasks.
    pub(super) async fn found(
        &self,
        house: &House,
        tasks: &Tasks<'_>,
        seen: BTreeMap<u32, JobSighting>,
    ) -> Result<BTreeMap<u32, SubmittedNote>, JobsError> {
        match self {
            Self::Jobs { .. } => {
                let mut notes = BTreeMap::new();
                for (index, seen) in seen {
                    let Some(task) = tasks.get(&index) else { continue };
                    let at = Some(seen.submitted_at);
                    notes.insert(index, note(house, task.directory, seen.handle(), seen.cluster, at).await?);
                }
                Ok(notes)
            }
            Self::Links(links) => links.found(house, seen).await,
        }
    }

    /// Notes that the scheduler took these tasks.
    pub(super) async fn sent(&self, house: &House, part: &Tasks<'_>, submitted: Submitted) -> Told {
        match self {
            Self::Jobs { .. } => {
                let taken = part.iter().map(|(index, task)| {
                    noted_and_taken(house, *task, submitted.id.with_task(*index), submitted.cluster.clone())
                });
                let taken = all(taken.collect()).await;
                part.keys().copied().zip(taken.into_iter().map(Some)).collect()
            }
            Self::Links(links) => {
                let sent = links.sent(house, part, submitted).await;
                part.keys().map(|index| (*index, Some(sent.clone().map(|note| note.of_task(*index))))).collect()
            }
        }
    }

    /// What it means that the scheduler refused a task: a job is given up, a link may be asked for again.
    pub(super) async fn refused(&self, house: &House, index: u32, error: JobsError) -> JobsError {
        match self {
            Self::Jobs { jobs, .. } => match jobs.get(&index) {
                Some(begun) => begun.refused(house, error).await.unwrap_or_else(|error| error),
                None => error,
            },
            Self::Links(_) => error,
        }
    }
}

async fn noted(index: u32, task: Task<'_>) -> Result<Option<(u32, SubmittedNote)>, JobsError> {
    Ok(task.directory.submitted().await?.map(|note| (index, note)))
}

/// Whether nobody has to be waited for: it was sent, or given up.
async fn is_settled(task: Task<'_>) -> Result<bool, JobsError> {
    Ok(task.directory.submitted().await?.is_some() || task.directory.ended().await?.is_some())
}

async fn noted_and_taken(
    house: &House,
    task: Task<'_>,
    id: SchedulerJobId,
    cluster: Option<ClusterName>,
) -> Result<SubmittedNote, JobsError> {
    let note = note(house, task.directory, id, cluster, None).await?;
    taken(house, task, note).await
}

/// A job that the scheduler has: as it is, or taken back where somebody cancelled it meanwhile.
async fn taken(house: &House, task: Task<'_>, note: SubmittedNote) -> Result<SubmittedNote, JobsError> {
    not_cancelled_meanwhile(house, task.directory, task.intent, &note).await?;
    Ok(note)
}

/// The array's script, written once: the same members give the same text, and the first one counts.
async fn jobs_written(
    house: &House,
    array: JobId,
    members: &BTreeMap<u32, &Begun>,
) -> Result<(JobDirectory, Submission), JobsError> {
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
