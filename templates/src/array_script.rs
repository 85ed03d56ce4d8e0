//! The script of an array whose tasks are jobs: it finds out which of them a task is, and goes on with that job's own script.

use crate::{
    TemplateError,
    context::{directives, job_directory},
    engine, exit_code, quote,
};
use model::{ArrayStamp, JobId, Placement};
use serde::Serialize;
use std::collections::BTreeMap;

/// A task of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayTask {
    /// Its index.
    pub index: u32,
    /// The job that it is.
    pub job: JobId,
    /// The job's name at the scheduler.
    pub name: String,
    /// Where its log goes, from its directory on; `%j` stands for the scheduler's id of it. None for the usual one.
    pub log: Option<String>,
}

/// Everything that the script of an array is made of.
#[derive(Clone, Copy, Debug)]
pub struct ArrayScript<'a> {
    /// Its mark.
    pub stamp: ArrayStamp,
    /// Where and how each of its tasks runs: what the scheduler sees is the same of all.
    pub placement: &'a Placement,
    /// The folder of the job directories: as [`BatchScript::job_directory`](crate::BatchScript).
    pub jobs: &'a str,
    /// Its tasks.
    pub tasks: &'a [ArrayTask],
    /// What made it, for the comment on top: `pakt 0.1.0`.
    pub made_by: &'a str,
}

#[derive(Serialize)]
struct Context {
    stamp: String,
    directives: Vec<String>,
    partition: String,
    site: String,
    made_by: String,
    jobs: String,
    tasks: Vec<Task>,
    exit_code: BTreeMap<&'static str, u8>,
}

#[derive(Serialize)]
struct Task {
    index: u32,
    job: String,
    name: String,
    log: Option<String>,
}

/// Writes the script. The same input gives the same text.
pub fn render_array(script: &ArrayScript<'_>) -> Result<String, TemplateError> {
    let ArrayScript { stamp, placement, jobs, tasks, made_by } = *script;
    let task = |task: &ArrayTask| Task {
        index: task.index,
        job: task.job.to_string(),
        name: quote::word(&task.name),
        log: task.log.as_deref().map(quote::literal),
    };
    engine::fill(
        "scripts/array.sh.j2",
        &Context {
            stamp: stamp.to_string(),
            directives: directives(&placement.directives),
            partition: placement.profile_partition.clone(),
            site: placement.site.to_string(),
            made_by: made_by.to_owned(),
            jobs: job_directory(jobs),
            tasks: tasks.iter().map(task).collect(),
            exit_code: BTreeMap::from([("no_job_directory", exit_code::NO_JOB_DIRECTORY)]),
        },
    )
}
