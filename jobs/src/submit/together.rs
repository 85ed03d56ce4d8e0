//! Many jobs begun: step by step for some of them at once, so that the disk is visited once a step and not once a file. What
//! lies there after each step is what a job that is begun alone leaves, and goes on the same way.

use super::{
    begun::{Begun, begin, make_log_folder},
    ready::Ready,
    request::opened,
    set::Place,
};
use crate::{
    directory::{Claim, Intent, JobDirectory, SetTask, Written},
    error::JobsError,
    house::{House, Step},
    provenance::{FrozenCode, Provenance, captured},
};
use model::JobId;
use std::{collections::BTreeMap, sync::OnceLock};

/// So many jobs are begun together. More would be fewer visits, and a slow disk syncs the files of one visit one by one.
pub(super) const JOBS_TOGETHER: usize = 8;

/// Begins each with the submission of its request that the set names; one without is left out.
pub(super) async fn begin_together(house: &House, jobs: Vec<(Ready, Place)>) -> Result<Vec<Option<Begun>>, JobsError> {
    let mut claims = claimed(house, &jobs).await?.into_iter();
    let mut begun: Vec<Option<Begun>> = jobs.iter().map(|_| None).collect();
    let mut fresh = Vec::new();
    let tasks: Vec<_> = jobs.iter().map(|(_, place)| place.task).collect();
    for (place, (ready, Place { generation, .. })) in jobs.into_iter().enumerate() {
        let (Some(generation), Some((id, written))) = (generation, generation.and_then(|_| claims.next())) else {
            continue;
        };
        match written {
            Written::New => fresh.push((place, Intent { id, generation, ..ready.intent.clone() }, ready)),
            // Somebody else's, or of an earlier call: however far that has come.
            Written::Existing(id) => {
                begun[place] = Some(begin(house, opened(house, id, generation).await?, ready).await?);
            }
        }
    }
    for (place, job) in fresh_begun(house, fresh).await? {
        begun[place] = Some(job);
    }
    Ok(begun.into_iter().zip(tasks).map(|(begun, task)| Some(begun?.with_task(task))).collect())
}

async fn claimed(house: &House, jobs: &[(Ready, Place)]) -> Result<Vec<(JobId, Written<JobId>)>, JobsError> {
    let claim = |(ready, Place { generation, task }): &'_ (Ready, Place)| {
        let id = || task.map_or_else(|| house.new_id(), SetTask::job);
        generation.map(|generation| (ready.digest.clone(), generation, id()))
    };
    let wanted: Vec<(String, u32, JobId)> = jobs.iter().filter_map(claim).collect();
    let claims: Vec<Claim<'_>> =
        wanted.iter().map(|(digest, generation, id)| Claim { digest, generation: *generation, id: *id }).collect();
    let written = house.state.claim(&claims).await?;
    done(house, Step::Claimed, wanted.len());
    Ok(wanted.into_iter().map(|(_, _, id)| id).zip(written).collect())
}

/// Jobs whose ids were made just now: nothing lies in their directories but what is put there, unless another process that
/// saw the id was faster.
async fn fresh_begun(house: &House, fresh: Vec<(usize, Intent, Ready)>) -> Result<Vec<(usize, Begun)>, JobsError> {
    let intents: Vec<Intent> = fresh.iter().map(|(_, intent, _)| intent.clone()).collect();
    let written = house.state.put_intents(&intents).await?;
    done(house, Step::Intended, intents.len());
    let mut jobs = Vec::with_capacity(fresh.len());
    for ((place, ours, ready), written) in fresh.into_iter().zip(written) {
        let directory = house.state.job(ours.id);
        let (intent, was_sent) = match written {
            Written::New => (ours, false),
            Written::Existing(intent) => (intent, directory.submitted().await?.is_some()),
        };
        jobs.push(Fresh { place, ready, directory, intent, was_sent });
    }
    let Recorded { code, unwritten } = recorded(house, &jobs).await?;
    let (mut begun, mut scripts) = (Vec::with_capacity(jobs.len()), Vec::new());
    for Fresh { place, ready, directory, intent, was_sent } in jobs {
        let (script, handed) = (ready.sheet)(&intent, code.get(&intent.id).and_then(Option::as_ref))?;
        if let Some(sweep) = intent.sweep().filter(|_| !was_sent) {
            directory.put_cells(templates::render_cells(sweep).as_bytes()).await?;
        }
        if let Some(script) = script.filter(|_| !was_sent) {
            make_log_folder(house, &directory, &handed).await?;
            scripts.push((intent.id, script));
        }
        begun.push((
            place,
            Begun {
                directory,
                intent,
                is_taken_up: false,
                was_sent,
                task: None,
                handed,
                unsent: OnceLock::new(),
                told: ready.told,
            },
        ));
    }
    let count = scripts.len();
    let records = unwritten.len();
    house.state.put_scripts(unwritten, scripts).await?;
    done(house, Step::Recorded, records);
    done(house, Step::Scripted, count);
    Ok(begun)
}

/// A job whose intent lies in its directory.
struct Fresh {
    place: usize,
    ready: Ready,
    directory: JobDirectory,
    intent: Intent,
    was_sent: bool,
}

/// What jobs are made of.
struct Recorded {
    /// The code that each brings.
    code: BTreeMap<JobId, Option<FrozenCode>>,
    /// Records that may be written together with the scripts, which say nothing of them: one visit to the disk less.
    unwritten: Vec<(JobId, Provenance)>,
}

/// Finds out what these jobs are made of. Where any brings its code all of it is written down, unless that was done: a script is made
/// from its record then.
async fn recorded(house: &House, jobs: &[Fresh]) -> Result<Recorded, JobsError> {
    let mut records = Vec::with_capacity(jobs.len());
    for Fresh { ready, intent, .. } in jobs.iter().filter(|job| !job.was_sent) {
        let record = captured(house, &ready.code, &ready.sources, intent).await?;
        let (script, _) = (ready.sheet)(intent, record.frozen.as_ref())?;
        records.push((intent.id, record.with_script(script.as_deref())));
    }
    if records.iter().all(|(_, record)| record.frozen.is_none()) {
        return Ok(Recorded { code: BTreeMap::new(), unwritten: records });
    }
    let ids: Vec<JobId> = records.iter().map(|(id, _)| *id).collect();
    let written = house.state.put_provenances(records).await?;
    done(house, Step::Recorded, ids.len());
    let code = ids.into_iter().zip(written.into_iter().map(|record| record.frozen)).collect();
    Ok(Recorded { code, unwritten: Vec::new() })
}

fn done(house: &House, step: Step, jobs: usize) {
    for _ in 0..jobs {
        house.steps.done(step);
    }
}
